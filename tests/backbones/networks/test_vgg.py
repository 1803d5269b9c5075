"""VGG beside Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones import LayerError
from tfgraphs.backbones.networks import vgg
from tfgraphs.backbones.readers.weights import WeightsError

RANDOM = np.random.default_rng(0)
KERAS = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}


def prepared(pictures):
    return keras.applications.vgg16.preprocess_input(pictures * 255)


@pytest.fixture(scope="module", params=KERAS)
def networks(request, randomized):
    model = KERAS[request.param](weights=None, include_top=False)
    return vgg.build(request.param, randomized(model)), model


@pytest.mark.parametrize("shape", [(2, 64, 64, 3), (1, 57, 91, 3), (1, 32, 32, 3)])
def test_every_layer_is_keras_own(networks, agree, shape):
    backbone, model = networks
    pictures = RANDOM.uniform(size=shape).astype(np.float32)
    names = agree(backbone, model, pictures, prepared(pictures))
    assert len(names) == len(model.layers) - 1  # all but the input


@pytest.mark.parametrize(("name", "layers", "parameters"), [("vgg16", 13, 14_714_688), ("vgg19", 16, 20_024_384)])
def test_convolutions_and_parameters_are_those_of_the_paper(networks, name, layers, parameters):
    backbone, _ = networks
    if backbone.name != name:
        return
    kinds = [layer.kind for layer in backbone.layers.values()]
    assert kinds.count("convolution") == kinds.count("relu") == layers
    assert sum(layer.parameters for layer in backbone.layers.values()) == parameters


def test_a_layer_is_its_twin_rectified(networks):
    backbone, _ = networks
    layers = ["conv4_2", "conv4_2_pre_relu", "block4_conv2", "block4_conv2_pre_relu"]
    activations = backbone(RANDOM.uniform(size=(1, 48, 48, 3)).astype(np.float32), layers)
    ours, before, theirs, theirs_before = (activations[layer].numpy() for layer in layers)
    assert np.array_equal(ours, np.maximum(before, 0))
    assert np.array_equal(ours, theirs)
    assert np.array_equal(before, theirs_before)


def test_average_pooling_averages(networks):
    backbone, model = networks
    arrays = {
        f"{layer.name}/{weight.path.rpartition('/')[2]}": weight for layer in model.layers for weight in layer.weights
    }
    averaging = vgg.build(backbone.name, {name: np.asarray(weight) for name, weight in arrays.items()}, "average")
    activations = averaging(RANDOM.uniform(size=(1, 32, 32, 3)).astype(np.float32), ["conv1_2", "pool1"])
    expected = activations["conv1_2"].numpy().reshape(1, 16, 2, 16, 2, 64).mean(axis=(2, 4))
    np.testing.assert_allclose(activations["pool1"].numpy(), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("layer", "field"), [("conv1_1", 3), ("conv2_1", 10), ("conv3_1", 24)])
def test_gradients_reach_as_far_as_the_receptive_field(networks, layer, field):
    backbone, _ = networks
    assert backbone.view(layer).receptive_field == field
    pictures = tf.constant(RANDOM.uniform(size=(1, 96, 96, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        activation = backbone(pictures, [f"{layer}_pre_relu"])[f"{layer}_pre_relu"]
        middle = activation.shape[1] // 2
        excitement = tf.reduce_sum(activation[0, middle, middle])
    touched = np.abs(tape.gradient(excitement, pictures).numpy()[0]).sum(axis=2) > 0
    sides = [np.flatnonzero(touched.any(axis=axis)) for axis in (0, 1)]
    assert all(side.max() - side.min() < field for side in sides)
    assert all(side.max() - side.min() >= field - 3 for side in sides)  # a maximum leaves some of its window out


@pytest.mark.parametrize("change", ["missing", "shape", "nan"])
def test_wrong_weights_are_named(networks, change):
    backbone, _ = networks
    arrays = {"block1_conv1/kernel": np.zeros((3, 3, 3, 64), np.float32), "block1_conv1/bias": np.zeros(64, np.float32)}
    name = "block1_conv1/bias"
    if change == "missing":
        del arrays[name]
    else:
        arrays[name] = np.zeros(65, np.float32) if change == "shape" else np.full(64, np.nan, np.float32)
    with pytest.raises(WeightsError, match=rf"{name} (is|holds).*{backbone.name}"):
        vgg.build(backbone.name, arrays)


def test_a_picture_may_be_too_small(networks):
    backbone, _ = networks
    with pytest.raises(LayerError, match="too small for layer conv5_1"):
        backbone(np.zeros((1, 8, 40, 3), np.float32), ["conv5_1"])


def test_without_the_last_layers_these_are_unknown(networks):
    with pytest.raises(LayerError, match="no layer 'fc6'"):
        networks[0].view("fc6")
