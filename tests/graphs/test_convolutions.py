"""Faster forms of convolutions beside TensorFlow's plain ones."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones import layers
from tfgraphs.graphs import processor
from tfgraphs.graphs.convolutions import every_position, faster_convolution, transposed_convolution
from tfgraphs.graphs.processor import Processor

RANDOM = np.random.default_rng(0)


def values(*shape):
    return tf.constant(RANDOM.normal(size=shape).astype(np.float32))


def value_and_gradient(function, activation, upstream):
    with tf.GradientTape() as tape:
        tape.watch(activation)
        result = function(activation)
    return result.numpy(), tape.gradient(result, activation, upstream).numpy()


def assert_equal(form, plain, activation):
    """Same value and gradient, up to rounding."""
    upstream = values(*plain(activation).shape)
    results = [value_and_gradient(function, activation, upstream) for function in (form, plain)]
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("size", [(7, 5), (1, 1), (2, 9)])
@pytest.mark.parametrize("side", [3, 5])
def test_a_convolution_as_a_transpose_is_the_plain_one(side, size):
    kernel = tf.Variable(values(side, side, 24, 26) / 30)
    plain = lambda activation: tf.nn.conv2d(activation, kernel, 1, "SAME")  # noqa: E731
    assert_equal(transposed_convolution(kernel), plain, values(2, *size, 24))


@pytest.mark.parametrize(("stride", "size"), [(2, (7, 4)), (3, (7, 9)), (2, (1, 1))])
def test_gathered_positions_are_those_of_a_slice(stride, size):
    plain = lambda activation: activation[:, ::stride, ::stride]  # noqa: E731
    assert_equal(lambda activation: every_position(activation, stride), plain, values(2, *size, 6))


def test_gathered_positions_keep_the_sides_that_are_known():
    graph = tf.function(lambda activation: every_position(activation, 2))
    traced = graph.get_concrete_function(tf.TensorSpec([None, 7, None, 3]))
    assert traced.output_shapes.as_list() == [None, 4, None, 3]


@pytest.mark.parametrize("padding", ["SAME", "VALID", 0])
def test_a_kernel_of_one_position_with_a_stride_is_the_plain_one(padding):
    kernel = tf.Variable(values(1, 1, 6, 5))
    plain = lambda activation: tf.nn.conv2d(activation, kernel, 2, padding or "VALID")  # noqa: E731
    assert_equal(faster_convolution(kernel, 2, padding), plain, values(2, 7, 4, 6))


@pytest.mark.parametrize(
    ("side", "stride", "padding"),
    [(1, 1, "SAME"), (2, 1, "SAME"), (3, 1, "VALID"), (3, 2, "SAME"), (5, 1, 1), (1, 2, 1)],
)
def test_other_convolutions_stay_plain(side, stride, padding):
    assert faster_convolution(tf.Variable(values(side, side, 2, 2)), stride, padding) is None


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (Processor(onednn=True), {"Conv2DBackpropInput"}),
        (Processor(onednn=True, avx512=True), {"Conv2D"}),
        (Processor(onednn=False), {"Conv2D"}),
        (Processor(gpus=1, onednn=True), {"Conv2D"}),
    ],
    ids=["oneDNN", "AVX-512", "no oneDNN", "GPU"],
)
@pytest.mark.parametrize("padding", ["SAME", 1])
def test_the_processor_chooses_the_form_of_a_layer(found, kinds, padding, monkeypatch):
    monkeypatch.setattr(processor, "current", lambda: found)
    assert _convolutions(layers.convolution("any", "input", values(3, 3, 4, 5), values(5), 1, padding)) == kinds


@pytest.mark.parametrize(("found", "gathers"), [(Processor(), True), (Processor(gpus=1), False)], ids=["CPU", "GPU"])
def test_the_processor_chooses_the_form_of_a_stride(found, gathers, monkeypatch):
    monkeypatch.setattr(processor, "current", lambda: found)
    layer = layers.convolution("any", "input", values(1, 1, 4, 5), values(5), 2)
    assert ("GatherNd" in _operations(layer)) == gathers


def _operations(layer):
    graph = tf.function(layer.compute).get_concrete_function(tf.TensorSpec([1, 9, 9, 4])).graph
    return {operation.type for operation in graph.get_operations()}


def _convolutions(layer):
    return {kind for kind in _operations(layer) if kind.startswith("Conv2D")}
