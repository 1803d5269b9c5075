"""The image transformation network and its layers, against numpy."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.neural_style.one_pass.network import (
    SMALLEST_SIDE,
    TransformationNetwork,
    convolution,
    instance_normalization,
    resize_convolution,
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).random((*shape, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    return TransformationNetwork(channels=(6, 8), blocks=2)


def numpy_convolution(activation, kernel, stride):
    """The sum over a window of the mirrored activation times the kernel, at every position."""
    side = kernel.shape[0]
    margin = side // 2
    padded = np.pad(activation, [(0, 0), (margin, margin), (margin, margin), (0, 0)], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("bhwcyx,yxcd->bhwd", windows, kernel)


def test_instance_normalization_is_of_each_channel_of_each_picture():
    activation, scale, shift = normal(2, 5, 7, 3), normal(3, seed=1), normal(3, seed=2)
    mean, deviation = activation.mean(axis=(1, 2), keepdims=True), activation.std(axis=(1, 2), keepdims=True)
    found = instance_normalization(tf.constant(activation), tf.constant(scale), tf.constant(shift))
    np.testing.assert_allclose(found, scale * (activation - mean) / deviation + shift, rtol=1e-3, atol=1e-4)


def test_instance_normalization_of_an_even_channel_is_its_shift():
    even = tf.ones([1, 4, 4, 2])
    np.testing.assert_allclose(instance_normalization(even, tf.ones(2), tf.constant([3.0, 4.0]))[0, 0, 0], [3, 4])


def test_a_convolution_mirrors_what_is_inside():
    activation, kernel = normal(1, 3, 4, 1), np.eye(25, dtype=np.float32).reshape(5, 5, 1, 25)  # each position alone
    np.testing.assert_array_equal(
        convolution(tf.constant(activation), kernel), numpy_convolution(activation, kernel, 1)
    )


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(6, 8), (7, 5)], ids=["even", "odd"])
@pytest.mark.parametrize("side", [3, 5])
def test_a_convolution_is_that_of_the_mirrored_picture(size, stride, side):
    activation, kernel = normal(2, *size, 3), normal(side, side, 3, 4, seed=1)
    found = convolution(tf.constant(activation), tf.constant(kernel), stride)
    np.testing.assert_allclose(found, numpy_convolution(activation, kernel, stride), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("side", [1, 3, 5, 7])
def test_a_resize_convolution_is_a_convolution_of_nearest_neighbours(side):
    activation, kernel = normal(2, 4, 5, 2), normal(side, side, 2, 3, seed=1)
    nearest = activation.repeat(2, axis=1).repeat(2, axis=2)
    found = resize_convolution(tf.constant(activation), tf.constant(kernel))
    np.testing.assert_allclose(found, numpy_convolution(nearest, kernel, 1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("size", [(16, 24), (17, 23), (18, 9), (SMALLEST_SIDE, SMALLEST_SIDE + 1)], ids=str)
def test_a_painted_picture_has_the_shape_of_the_photograph(network, size, batch):
    painted = network(tf.constant(pictures(batch, *size)))
    assert painted.shape == (batch, *size, 3)
    assert painted.numpy().min() >= 0
    assert painted.numpy().max() <= 1


def test_pictures_of_a_batch_are_painted_as_each_alone(network):
    batch = pictures(3, 16, 20)
    alone = tf.concat([network(tf.constant(picture[None])) for picture in batch], axis=0)
    np.testing.assert_allclose(network(tf.constant(batch)), alone, atol=1e-5)


def without_noise():
    network = TransformationNetwork(channels=(6, 8), blocks=2)
    (strength,) = (variable for variable in network.variables if variable.name.endswith("/noise/strength:0"))
    strength.assign(tf.zeros_like(strength))
    return network


EVEN = np.full((1, 24, 25, 3), 0.5, np.float32)


def test_borders_are_painted_as_the_middle():
    """Stripes are painted the same from one end to the other."""
    rows = np.tile(np.random.default_rng(0).random((1, 24, 1, 3), np.float32), (1, 1, 25, 1))
    network = without_noise()
    assert np.ptp(network(tf.constant(rows)), axis=2).max() < 1e-4
    assert np.ptp(network(tf.constant(rows.swapaxes(1, 2))), axis=1).max() < 1e-4


def test_noise_is_painted_where_a_photograph_is_even(network):
    painted = network(tf.constant(EVEN)).numpy()
    assert painted.std(axis=(1, 2)).min() > 1e-3
    np.testing.assert_array_equal(network(tf.constant(EVEN)), painted)


@pytest.mark.parametrize("seed", range(3))
def test_an_untrained_network_paints_neither_black_nor_white(seed):
    painted = TransformationNetwork(seed=seed)(tf.constant(pictures(1, 32, 40))).numpy()
    assert 0.2 < painted.mean() < 0.8
    assert np.mean((painted > 0.02) & (painted < 0.98)) > 0.5


def test_networks_of_one_seed_are_the_same():
    photograph = tf.constant(pictures(1, 16, 16))
    first, again, other = (TransformationNetwork(seed=seed)(photograph) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_weight_has_a_gradient(network):
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(tf.square(network(tf.constant(pictures(1, 16, 16)))))
    gradients = tape.gradient(value, network.trainable_variables)
    assert len(gradients) == 3 * (2 + 2 * 2 + 1) + 3
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
