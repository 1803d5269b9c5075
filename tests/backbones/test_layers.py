"""Nodes of networks, beside TensorFlow's plain operations."""

import platform

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.layers import convolution, local_response_normalization, pooling

RANDOM = np.random.default_rng(0)


def values(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def with_gradient(function, activation, upstream):
    with tf.GradientTape() as tape:
        tape.watch(activation)
        result = function(activation)
    return result.numpy(), tape.gradient(result, activation, upstream).numpy()


@pytest.mark.parametrize("size", [(7, 5), (1, 1), (2, 9)])
@pytest.mark.parametrize("side", [3, 5])
def test_a_convolution_as_a_transpose_is_the_plain_one(side, size):
    kernel, bias = values(side, side, 24, 26) / 30, values(26)
    activation, upstream = tf.constant(values(2, *size, 24)), values(2, *size, 26)
    found = with_gradient(convolution("any", "input", kernel, bias).compute, activation, upstream)
    plain = with_gradient(lambda given: tf.nn.conv2d(given, kernel, 1, "SAME") + bias, activation, upstream)
    for ours, expected in zip(found, plain, strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_convolutions_are_transposes_where_onednn_computes_them():
    """As it does in all commands, on x86: the package asks TensorFlow for it before it is imported."""
    compute = convolution("any", "input", values(3, 3, 4, 5), values(5)).compute
    graph = tf.function(compute).get_concrete_function(tf.TensorSpec([1, 9, 9, 4])).graph
    kinds = {operation.type for operation in graph.get_operations()}
    transposed = platform.machine() in ("x86_64", "AMD64")
    assert ("Conv2DBackpropInput" in kinds, "Conv2D" in kinds) == (transposed, not transposed)


@pytest.mark.parametrize("padding", ["SAME", "VALID", 0])
@pytest.mark.parametrize(("stride", "size"), [(2, (7, 4)), (3, (7, 9)), (2, (1, 1))])
def test_a_kernel_of_one_position_with_a_stride_is_the_plain_one(stride, size, padding):
    kernel, bias = values(1, 1, 6, 5), values(5)
    activation = tf.constant(values(2, *size, 6))
    border = "VALID" if padding == 0 else padding
    plain = tf.nn.conv2d(activation, kernel, stride, border) + bias
    upstream = values(*plain.shape)
    found = with_gradient(convolution("any", "input", kernel, bias, stride, padding).compute, activation, upstream)
    expected = with_gradient(lambda given: tf.nn.conv2d(given, kernel, stride, border) + bias, activation, upstream)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["SAME", "VALID", 2])
def test_a_convolution_in_groups_is_one_of_each_group(padding, stride):
    kernel, bias, activation = values(5, 5, 2, 9), values(9), tf.constant(values(2, 12, 11, 6))
    found = convolution("grouped", "input", kernel, bias, stride, padding).compute(activation)
    border = padding if isinstance(padding, str) else [[0, 0], [padding] * 2, [padding] * 2, [0, 0]]
    for group in range(3):
        part = tf.nn.conv2d(
            activation[..., 2 * group : 2 * group + 2], kernel[..., 3 * group : 3 * group + 3], stride, border
        )
        np.testing.assert_allclose(
            found[..., 3 * group : 3 * group + 3], part + bias[3 * group : 3 * group + 3], atol=1e-5
        )


def test_the_zeros_around_a_pooling_count_in_an_average():
    ones = tf.ones([1, 4, 4, 1])
    pooled = pooling("pool", "input", "average", 3, 2, padding=1).compute(ones)
    np.testing.assert_allclose(pooled[0, ..., 0], [[4 / 9, 6 / 9], [6 / 9, 1]])


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(("size", "stride", "sides"), [(3, 2, (3, 4)), (4, 3, (2, 3)), (2, 2, (4, 4))])
def test_windows_that_reach_over_the_end_count_as_far_as_they_are_there(kind, size, stride, sides):
    """7 and 8 positions, beside numpy; the number of windows is Caffe's."""
    activation = np.abs(values(2, 7, 8, 3))
    found = pooling("pool", "input", kind, size, stride, "CEIL").compute(tf.constant(activation))
    assert found.shape == (2, *sides, 3)
    reduced = {"max": np.max, "average": np.mean}[kind]
    for row, column in np.ndindex(*sides):
        top, left = row * stride, column * stride
        window = activation[:, top : top + size, left : left + size]
        np.testing.assert_allclose(found[:, row, column], reduced(window, axis=(1, 2)), rtol=1e-5)


def test_rounding_up_works_for_sizes_that_are_not_known():
    layer = pooling("pool", "input", "average", 3, 2, "CEIL")
    traced = tf.function(layer.compute, input_signature=[tf.TensorSpec([None, None, None, 3])])
    activation = np.abs(values(1, 6, 9, 3))
    np.testing.assert_allclose(traced(activation), layer.compute(tf.constant(activation)), rtol=1e-6)


def test_normalization_is_krizhevskys():
    activation = values(1, 2, 2, 9)
    found = local_response_normalization("norm", "input", radius=2, bias=1.5, alpha=0.3, beta=0.75).compute(activation)
    for channel in range(9):
        near = activation[..., max(0, channel - 2) : channel + 3]
        expected = activation[..., channel] / (1.5 + 0.3 * (near**2).sum(axis=-1)) ** 0.75
        np.testing.assert_allclose(found[..., channel], expected, rtol=1e-5)
