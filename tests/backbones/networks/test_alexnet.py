"""AlexNet beside its formulas, and with real kernels."""

import math

import numpy as np
import pytest
import tensorflow as tf
from network_properties import (
    assert_field_is_support_of_gradient,
    assert_pictures_do_not_mix,
    assert_twins_rectified,
)

from tfgraphs.backbones import LayerError
from tfgraphs.backbones.networks import alexnet

RANDOM = np.random.default_rng(0)
SHAPES = {  # of Caffe
    "conv1": (96, 3, 11, 11),
    "conv2": (256, 48, 5, 5),
    "conv3": (384, 256, 3, 3),
    "conv4": (384, 192, 3, 3),
    "conv5": (256, 192, 3, 3),
}


@pytest.fixture(scope="module")
def arrays():
    kernels = {
        f"{name}/0": RANDOM.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32)
        for name, shape in SHAPES.items()
    }
    return kernels | {f"{name}/1": RANDOM.normal(0, 0.1, shape[0]).astype(np.float32) for name, shape in SHAPES.items()}


def pooled(x, kind):
    """Windows of 3 x 3, 2 apart, as Caffe counts and cuts them (pooling_layer.cpp): rounded up, cut off at the end."""
    reduced = {"max": np.max, "average": np.mean}[kind]
    rows, columns = (math.ceil((side - 3) / 2) + 1 for side in x.shape[1:3])
    windows = [
        [reduced(x[:, 2 * y : 2 * y + 3, 2 * z : 2 * z + 3], axis=(1, 2)) for z in range(columns)] for y in range(rows)
    ]
    return np.stack([np.stack(row, axis=1) for row in windows], axis=1)


def formulas(arrays, pictures, kind="max"):
    """Caffe's network, one operation after the other, each group of its own."""
    x = pictures[..., ::-1] * 255 - np.float32([103.939, 116.779, 123.68])
    activations = {}
    for name, (stride, margin, groups) in {
        "conv1": (4, 0, 1),
        "conv2": (1, 2, 2),
        "conv3": (1, 1, 1),
        "conv4": (1, 1, 2),
        "conv5": (1, 1, 2),
    }.items():
        x = np.pad(x, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
        kernels = np.split(arrays[f"{name}/0"].transpose(2, 3, 1, 0), groups, axis=3)
        parts = np.split(x, groups, axis=3)
        halves = [
            tf.nn.conv2d(part, kernel, stride, "VALID").numpy() for part, kernel in zip(parts, kernels, strict=True)
        ]
        x = np.maximum(np.concatenate(halves, axis=3) + arrays[f"{name}/1"], 0)
        activations[name] = x
        if name in ("conv1", "conv2"):
            squares = np.pad(x.astype(np.float64) ** 2, [(0, 0), (0, 0), (0, 0), (2, 2)])
            sums = sum(squares[..., shift : shift + x.shape[3]] for shift in range(5))
            x = (x / (1 + 1e-4 / 5 * sums) ** 0.75).astype(np.float32)
            activations[name.replace("conv", "norm")] = x
        if name in ("conv1", "conv2", "conv5"):
            x = pooled(x, kind)
            activations[name.replace("conv", "pool")] = x
    return activations


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("size", [(227, 227), (131, 180), (256, 63)])
def test_every_layer_is_caffes(arrays, size, kind):
    """At 227 px every window fits; the other sizes need Caffe's rounding up."""
    pictures = RANDOM.uniform(size=(2, *size, 3)).astype(np.float32)
    expected = formulas(arrays, pictures, kind)
    ours = alexnet.build("alexnet", arrays, kind)(pictures, expected)
    for layer, activation in expected.items():
        assert ours[layer].shape == activation.shape, layer
        assert np.abs(ours[layer].numpy() - activation).max() <= 1e-4 * np.abs(activation).max(), layer


def test_fully_connected_layers_see_the_whole_picture(arrays, monkeypatch):
    sizes = {"fc6": (40, 9216), "fc7": (41, 40), "fc8": (10, 41)}  # as Caffe has them, but narrow
    monkeypatch.setattr("tfgraphs.backbones.layers.FULLY_CONNECTED", (40, 41, 10))
    whole = dict(arrays)
    for name, shape in sizes.items():
        whole[f"{name}/0"] = RANDOM.standard_normal(shape, np.float32) * np.float32(shape[1] ** -0.5)
        whole[f"{name}/1"] = RANDOM.standard_normal(shape[0], np.float32)
    backbone = alexnet.build("alexnet", whole)
    activations = backbone(RANDOM.uniform(size=(1, 227, 227, 3)).astype(np.float32), ["pool5", "logits", "softmax"])
    x = activations["pool5"].numpy().transpose(0, 3, 1, 2).reshape(1, -1)  # channels first, as Caffe flattens
    for name in sizes:
        x = x @ whole[f"{name}/0"].T + whole[f"{name}/1"]
        x = x if name == "fc8" else np.maximum(x, 0)
    np.testing.assert_allclose(activations["logits"].numpy(), x, atol=1e-4 * np.abs(x).max())
    assert activations["softmax"].numpy().sum() == pytest.approx(1, abs=1e-5)


def test_gradients_pass_through_both_groups(arrays):
    backbone = alexnet.build("alexnet", arrays)
    pictures = tf.constant(RANDOM.uniform(size=(1, 99, 99, 3)), tf.float32)

    with tf.GradientTape() as tape:
        tape.watch(pictures)
        excitement = tf.reduce_sum(backbone(pictures, ["conv5"])["conv5"] ** 2)
    assert np.abs(tape.gradient(excitement, pictures).numpy()).max() > 0
    assert {layer: backbone.view(layer).channels for layer in ("conv1", "norm2", "conv4", "pool5")} == {
        "conv1": 96,
        "norm2": 256,
        "conv4": 384,
        "pool5": 256,
    }


def test_rectified_layers_are_their_twins_rectified(arrays):
    backbone = alexnet.build("alexnet", arrays)
    rectified = [name for name, layer in backbone.layers.items() if layer.kind == "relu"]
    assert rectified == [f"conv{number}" for number in range(1, 6)]
    assert_twins_rectified(backbone, rectified, RANDOM.uniform(size=(2, 83, 70, 3)).astype(np.float32))


def test_pictures_of_a_batch_do_not_mix(arrays):
    pictures = RANDOM.uniform(size=(3, 84, 95, 3)).astype(np.float32)
    assert_pictures_do_not_mix(alexnet.build("alexnet", arrays), "pool5", pictures, tolerance=1e-5)


@pytest.mark.parametrize(
    ("layer", "smallest"), [("conv1", 11), ("pool1", 15), ("conv2", 15), ("pool2", 23), ("pool5", 39)]
)
def test_the_smallest_picture_has_one_position(arrays, layer, smallest):
    backbone = alexnet.build("alexnet", arrays)
    assert backbone(np.zeros((1, smallest, smallest, 3), np.float32), [layer])[layer].shape[1:3] == (1, 1)
    with pytest.raises(LayerError, match=f"too small for layer {layer} of alexnet: give at least {smallest} px"):
        backbone(np.zeros((1, smallest, smallest - 1, 3), np.float32), [layer])


@pytest.mark.parametrize(
    ("layer", "field"),
    [("conv1", 11), ("pool1", 19), ("conv2", 51), ("pool2", 67), ("conv3", 99), ("conv4", 131), ("pool5", 195)],
)
def test_receptive_field_is_the_support_of_the_gradient(arrays, layer, field):
    backbone = alexnet.build("alexnet", arrays, "average")
    assert backbone.view(layer).receptive_field == field
    assert_field_is_support_of_gradient(backbone, layer)
