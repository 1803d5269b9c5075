"""ResNet beside Keras' own, beside torchvision's formulas, and with real weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_properties import (
    assert_field_is_support_of_gradient,
    assert_pictures_do_not_mix,
    assert_twins_rectified,
)
from torch_files import resnet_arrays

from tfgraphs.backbones.looking.classes import classify
from tfgraphs.backbones.networks import resnet
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.pictures import images, samples

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param("ResNet50", (2, 63, 90, 3), id="resnet50"),
        pytest.param("ResNet101", (1, 96, 96, 3), id="resnet101", marks=pytest.mark.long),
    ],
)
def test_every_layer_is_keras_own(randomized, agree, name, shape):
    model = getattr(keras.applications, name)(weights=None, input_shape=shape[1:])
    backbone = resnet.build(name.lower(), randomized(model))
    pictures = RANDOM.uniform(size=shape).astype(np.float32)
    names = agree(backbone, model, pictures, keras.applications.resnet.preprocess_input(pictures * 255))
    assert {"conv1_bn", "pool1_pool", "conv4_block2_2_relu", "conv5_block3_out", "avg_pool", "predictions"} <= {*names}
    blocks = sum(resnet.DEPTHS[name.lower()])
    assert len(names) == 7 * blocks + 4 + 5  # of a block 3 normalizations, 2 relus, sum, end; 4 shortcuts; the ends


def torch_formulas(arrays, pictures):
    """torchvision's network as its paper and documentation have it, one operation after the other."""

    def convolution(name, x, stride=1):
        kernel = arrays[f"{name}.weight"].transpose(2, 3, 1, 0)
        margin = kernel.shape[0] // 2
        return tf.nn.conv2d(tf.pad(x, [[0, 0], [margin] * 2, [margin] * 2, [0, 0]]), kernel, stride, "VALID")

    def normalization(name, x):
        gamma, beta, mean, variance = (
            arrays[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta

    x = (pictures - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    x = tf.nn.relu(normalization("bn1", convolution("conv1", x, 2)))
    activations = {"relu": x}
    x = tf.nn.max_pool2d(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), 3, 2, "VALID")
    activations["maxpool"] = x
    for stage in range(1, 5):
        block = 0
        while f"layer{stage}.{block}.conv1.weight" in arrays:
            inside, y = f"layer{stage}.{block}", x
            deep = f"{inside}.conv3.weight" in arrays
            stride = 2 if stage > 1 and block == 0 else 1
            for number in (1, 2, 3) if deep else (1, 2):
                at = stride if number == (2 if deep else 1) else 1
                y = normalization(f"{inside}.bn{number}", convolution(f"{inside}.conv{number}", y, at))
                activations[f"{inside}.bn{number}"] = y
                y = tf.nn.relu(y) if number < (3 if deep else 2) else y
            if f"{inside}.downsample.0.weight" in arrays:
                x = normalization(f"{inside}.downsample.1", convolution(f"{inside}.downsample.0", x, stride))
            x = tf.nn.relu(x + y)
            activations[inside] = x
            block += 1
    activations["avgpool"] = tf.reduce_mean(x, axis=[1, 2])
    activations["fc"] = activations["avgpool"] @ arrays["fc.weight"].T + arrays["fc.bias"]
    return activations


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18", (65, 90)),
        pytest.param("resnet34", (64, 64), marks=pytest.mark.long),
        ("resnet50", (71, 64)),
    ],
)
def test_every_layer_is_torchvisions(name, size):
    arrays, pictures = resnet_arrays(name), RANDOM.uniform(size=(1, *size, 3)).astype(np.float32)
    expected = torch_formulas(arrays, pictures)
    ours = resnet.build(name, arrays)(pictures, expected)
    for layer, activation in expected.items():
        error = np.abs(ours[layer].numpy() - activation.numpy()).max()
        assert error <= 1e-4 * np.abs(activation.numpy()).max(), layer


@pytest.fixture(scope="module")
def averaging():
    """ResNet-18 with random weights that pools averages, whose gradients reach every pixel of a window."""
    return resnet.build("resnet18", resnet_arrays("resnet18"), "average")


def test_each_rectified_layer_has_its_twin(averaging):
    rectified = [name for name, layer in averaging.layers.items() if layer.kind == "relu"]
    assert len(rectified) == 17
    assert_twins_rectified(averaging, rectified, RANDOM.uniform(size=(1, 64, 64, 3)).astype(np.float32))


@pytest.mark.parametrize(
    ("layer", "field", "stride"),
    [
        ("conv1_relu", 7, 2),
        ("pool1_pool", 11, 4),
        ("conv2_block1_1_relu", 19, 4),
        ("conv2_block2_out", 43, 4),
        ("conv3_block1_out", 67, 8),
        ("conv4_block1_out", 147, 16),
    ],
)
def test_receptive_field_is_the_support_of_the_gradient(averaging, layer, field, stride):
    view = averaging.view(layer)
    assert (view.receptive_field, view.stride) == (field, stride)
    assert_field_is_support_of_gradient(averaging, layer)


def test_a_pixel_is_enough_and_an_odd_picture_has_a_position_for_each_beginning(averaging):
    for size, positions in (((1, 1), (1, 1)), ((33, 66), (2, 3))):
        found = averaging(RANDOM.uniform(size=(1, *size, 3)).astype(np.float32), ["conv5_block2_out", "softmax"])
        assert found["conv5_block2_out"].shape == (1, *positions, 512)
        assert float(tf.reduce_sum(found["softmax"])) == pytest.approx(1, abs=1e-5)


def test_pictures_of_a_batch_do_not_mix(averaging):
    pictures = RANDOM.uniform(size=(3, 41, 52, 3)).astype(np.float32)
    assert_pictures_do_not_mix(averaging, "conv4_block2_out", pictures)


def test_a_damaged_variance_is_refused():
    arrays = resnet_arrays("resnet18")
    arrays["bn1.running_var"][3] = -1
    with pytest.raises(WeightsError, match=r"bn1\.running_var of resnet18 is below 0"):
        resnet.build("resnet18", arrays)


@pytest.fixture(scope="module")
def real(real_resnet50):
    return resnet.build("resnet50", real_resnet50)


@pytest.mark.parametrize(
    ("picture", "classes"),
    [
        ("sample:cat", {281, 282, 283, 284, 285, 287}),  # cats
        ("sample:coffee", {967, 968, 504}),  # espresso, cup, mug
        ("sample:rocket", {517, 657, 744, 812}),  # crane, missile, projectile, shuttle
        ("pilatus800.jpg", {970, 979, 972}),  # alp, valley, cliff
        ("shipwreck.jpg", {913, 724, 871}),  # wreck, pirate ship, trimaran
    ],
)
def test_real_weights_see_what_is_there(real, shared_images, picture, classes):
    path = samples.resolve(picture) if picture.startswith("sample:") else shared_images / picture
    pixels = images.load(path).pixels
    short = min(pixels.shape[:2])
    sides = [round(side * 256 / short) for side in pixels.shape[:2]]
    scaled = tf.image.resize(pixels[None, ..., :3], sides, antialias=True)
    probabilities = real(tf.image.resize_with_crop_or_pad(scaled, 224, 224), ["softmax"])["softmax"].numpy()[0]
    assert int(probabilities.argmax()) in classes


@pytest.mark.parametrize(
    ("picture", "names"),
    [
        ("pilatus800.jpg", {"alp", "valley", "cliff"}),
        ("shipwreck.jpg", {"wreck", "pirate", "trimaran", "schooner"}),
        ("tubingen.jpg", {"castle", "palace", "monastery", "church"}),
        ("flowers.jpg", {"daisy", "pot", "vase", "bee", "greenhouse"}),
        ("sky1024px.jpg", {"airship", "balloon", "parachute"}),  # nothing but sky and clouds
    ],
)
def test_classify_names_what_is_there(real, shared_images, picture, names):
    pixels = images.load(shared_images / picture).pixels
    longest = round(256 * max(pixels.shape[:2]) / min(pixels.shape[:2]))
    guesses = classify(real, images.resize(pixels, images.fit(pixels.shape[:2], longest)).clip(0, 1))
    assert len(guesses) == 5
    assert names & {guess.name for guess in guesses}
    assert sum(guess.probability for guess in guesses) > 0.2
