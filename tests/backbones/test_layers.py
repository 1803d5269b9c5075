"""Nodes of networks, beside TensorFlow's plain operations."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.layers import convolution, local_response_normalization, pooling

RANDOM = np.random.default_rng(0)


def values(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


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
