"""Colours of one picture for another."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.pictures.colors import grey_gradient, is_grey, luma, matched, with_colors_of


def picture(seed, low=0.3, high=0.7):
    """Correlated colours, far from black and white."""
    random = np.random.default_rng(seed)
    values = random.uniform(low, high, (16, 18, 3))
    return (values @ [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6]]).astype(np.float32)


def moments(pixels):
    colors = pixels.reshape(-1, 3)
    return colors.mean(axis=0), np.cov(colors.T)


@given(st.integers(0, 1000), st.integers(1001, 2000))
def test_matched_colours_have_the_mean_and_covariance_of_the_original(one, other):
    original = picture(other)
    for found, expected in zip(moments(matched(picture(one, 0.4, 0.6), original)), moments(original), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-4)


def test_a_picture_matched_to_itself_is_itself():
    np.testing.assert_allclose(matched(picture(3), picture(3)), picture(3), atol=1e-5)


def test_a_grey_picture_can_be_matched():
    found = matched(np.full((5, 6, 3), 0.5, np.float32), picture(1))
    np.testing.assert_allclose(found, np.broadcast_to(moments(picture(1))[0], (5, 6, 3)), atol=1e-3)


def test_luma_is_that_of_bt_601():
    np.testing.assert_allclose(luma(picture(1)), picture(1) @ np.float32([0.299, 0.587, 0.114]), rtol=1e-6)


@pytest.mark.parametrize("kind", [np.asarray, tf.constant], ids=["array", "tensor"])
def test_luma_of_one_and_colours_of_the_other(kind):
    found, light, color = with_colors_of(kind(picture(1)), kind(picture(2))), picture(1), picture(2)
    assert type(found) is type(kind(light))
    np.testing.assert_allclose(luma(found), luma(light), atol=1e-5)
    for first, second in ((0, 1), (1, 2)):
        np.testing.assert_allclose(
            found[..., first] - found[..., second], color[..., first] - color[..., second], atol=1e-5
        )


def test_results_are_pictures():
    found = matched(picture(1, 0, 1), np.random.default_rng(0).random((9, 9, 3)).astype(np.float32))
    assert found.dtype == np.float32
    assert (found.min() >= 0, found.max() <= 1) == (True, True)
    assert found.shape == pytest.approx((16, 18, 3))


@pytest.mark.parametrize(("tint", "grey"), [((0, 0, 0), True), ((0, 2, 1), True), ((0, 0, 4), False)])
def test_grey_is_what_has_equal_channels_but_for_rounding(tint, grey):
    pixels = (np.random.default_rng(0).integers(9, 240, (8, 9, 1)) + np.array(tint)).astype(np.float32) / 255
    assert is_grey(pixels) == grey
    assert bool(is_grey(tf.constant(pixels))) == grey


@pytest.mark.parametrize("grey", [False, True])
def test_a_grey_gradient_is_the_mean_of_the_channels(grey):
    gradient = np.random.default_rng(0).normal(size=(1, 4, 5, 3)).astype(np.float32)
    expected = gradient.mean(axis=-1, keepdims=True).repeat(3, axis=-1) if grey else gradient
    np.testing.assert_allclose(grey_gradient(tf.constant(gradient), tf.constant(grey)), expected, atol=1e-6)
