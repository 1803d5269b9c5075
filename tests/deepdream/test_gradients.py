"""Smoothing and normalisations of gradients, and the Laplacian pyramid."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.deepdream import gradients
from tfgraphs.deepdream.gradients import LEVELS, NORMALIZATIONS, blurred, laplacian, mean_abs, merge, smooth, split, std
from tfgraphs.deepdream.settings import DreamSettings

SIZES = [(1, 1), (1, 8), (2, 3), (5, 1), (16, 16), (31, 45), (33, 64)]
MEASURES = {"mean_abs": lambda gradient: np.abs(gradient).mean(), "std": np.std}


def normal(*shape, dtype=np.float32):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def normalized(name, gradient):
    return NORMALIZATIONS[name](tf.constant(gradient)).numpy()


def gaussian_matrix(side, deviation):
    """The matrix that blurs a line of `side` pixels: a Gaussian, cut off at three deviations, with sum 1."""
    if not deviation:
        return np.eye(side)
    reach = np.arange(-np.ceil(3 * deviation), np.ceil(3 * deviation) + 1)
    distance = np.abs(np.subtract.outer(np.arange(side), np.arange(side)))
    weights = np.exp(-0.5 * (distance / deviation) ** 2) * (distance <= reach[-1])
    return weights / np.exp(-0.5 * (reach / deviation) ** 2).sum()


def blurred_by_matrices(pictures, deviation):
    rows, columns = (gaussian_matrix(side, deviation) for side in pictures.shape[1:3])
    return np.einsum("ij,bjkc,kl->bilc", rows, pictures, columns)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("deviation", [0, 0.3, 0.7, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_blur_is_a_product_with_matrices(size, deviation, channels):
    pictures = normal(2, *size, channels)
    np.testing.assert_allclose(
        blurred(tf.constant(pictures), deviation), blurred_by_matrices(pictures, deviation), atol=1e-6
    )


@pytest.mark.parametrize(("chroma", "blur", "chroma_blur"), [(0.3, 0.7, 3), (1, 0, 2), (0, 1, 1), (2.5, 2, 0)])
def test_lightness_and_colours_of_a_gradient_are_smoothed_differently(chroma, blur, chroma_blur):
    gradient = normal(2, 17, 12, 3)
    lightness = gradient.mean(axis=-1, keepdims=True)
    expected = blurred_by_matrices(lightness, blur) + chroma * blurred_by_matrices(gradient - lightness, chroma_blur)
    np.testing.assert_allclose(smooth(tf.constant(gradient), chroma, blur, chroma_blur), expected, atol=1e-6)


def test_without_blurs_and_with_all_chroma_gradients_stay_as_they_are():
    gradient = normal(2, 9, 7, 3)
    np.testing.assert_allclose(smooth(tf.constant(gradient), 1.0, 0.0, 0.0), gradient, atol=1e-6)


def test_without_chroma_red_green_and_blue_change_alike():
    found = smooth(tf.constant(normal(1, 9, 7, 3)), 0.0, 0.7, 3.0)
    np.testing.assert_array_equal(np.ptp(found, axis=-1), 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_smoothed_gradient_leads_uphill(seed):
    gradient = np.random.default_rng(seed).normal(size=(1, 12, 15, 3))
    gradient[..., 0] *= 100  # all but pure colour
    assert np.sum(gradient * smooth(tf.constant(gradient, tf.float32), 0.3, 0.7, 3.0)) > 0


@pytest.mark.parametrize("scale", [1e-15, 1e-8, 1, 1e8])
@pytest.mark.parametrize("name", MEASURES)
def test_a_normalized_gradient_measures_one(name, scale):
    gradient = normalized(name, normal(1, 6, 5, 3) * np.float32(scale))
    assert MEASURES[name](gradient) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("name", MEASURES)
def test_a_normalized_gradient_keeps_its_direction(name):
    gradient = normal(1, 6, 5, 3, dtype=np.float64)
    scaled = normalized(name, gradient)
    cosine = np.sum(scaled * gradient) / np.linalg.norm(scaled) / np.linalg.norm(gradient)
    assert cosine == pytest.approx(1, abs=1e-12)


def test_none_is_the_identity():
    gradient = normal(1, 6, 5, 3)
    np.testing.assert_array_equal(normalized("none", gradient), gradient)


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_pictures_of_a_batch_are_normalized_separately(name):
    gradient = normal(2, 9, 7, 3) * np.float32([[[[1]]], [[[1000]]]])
    each = np.concatenate([normalized(name, one[None]) for one in gradient])
    np.testing.assert_allclose(normalized(name, gradient), each, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_a_gradient_of_zero_stays_zero(name, size):
    nothing = np.zeros((2, *size, 3), np.float32)
    np.testing.assert_array_equal(normalized(name, nothing), nothing)


@pytest.mark.parametrize("scale", [1e-38, 1e-25, 1e-15, 1, 1e15])
@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_a_normalized_gradient_is_finite(name, scale):
    assert np.isfinite(normalized(name, normal(2, 9, 7, 3) * np.float32(scale))).all()


@pytest.mark.parametrize("normalization", [mean_abs, std, laplacian])
def test_pictures_of_any_size_share_one_graph(normalization):
    graph = tf.function(normalization, input_signature=[tf.TensorSpec([1, None, None, 3])])
    for size in SIZES[1:]:
        gradient = normal(1, *size, 3)
        np.testing.assert_allclose(graph(gradient), normalization(tf.constant(gradient)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("levels", [0, 1, LEVELS])
def test_merge_inverts_split(size, levels):
    pictures = normal(2, *size, 3)
    np.testing.assert_allclose(merge(split(tf.constant(pictures), levels)), pictures, atol=1e-6)


def test_levels_go_from_coarse_to_fine():
    assert [level.shape[1:3].as_list() for level in split(tf.constant(normal(1, 33, 20, 3)), LEVELS)] == [
        [3, 2],
        [5, 3],
        [9, 5],
        [17, 10],
        [33, 20],
    ]


def halved(picture):
    """The picture blurred along both axes with zeros beyond its borders, and every second pixel of that."""
    weights = np.array([1, 4, 6, 4, 1]) / 16
    for axis in (0, 1):
        picture = np.apply_along_axis(lambda line: np.convolve(line, weights, "same")[::2], axis, picture)
    return picture


def test_the_next_level_is_blurred_by_a_binomial_and_halved():
    """At odd sizes the windows are centred at the first, third, ... pixel."""
    picture = normal(1, 17, 33, 3)
    lowest, _ = split(tf.constant(picture), 1)
    np.testing.assert_allclose(lowest[0], halved(picture[0]), atol=1e-6)


@pytest.mark.parametrize("factor", [1e-10, 1, 1e10])
def test_every_level_is_scaled_to_a_root_mean_square_of_one(monkeypatch, factor):
    merged = []
    monkeypatch.setattr(gradients, "merge", lambda levels: merged.extend(levels) or merge(levels))
    laplacian(tf.constant(normal(2, 31, 45, 3) * np.float32(factor)))
    squares = [np.mean(np.square(level), axis=(1, 2, 3)) for level in merged]
    np.testing.assert_allclose(squares, np.ones((LEVELS + 1, 2)), rtol=1e-4)


def test_levels_keep_their_own_direction_when_scaled():
    gradient = normal(1, 31, 45, 3)
    levels = [level.numpy() for level in split(tf.constant(gradient), LEVELS)]
    by_hand = merge([tf.constant(level / np.sqrt(np.mean(np.square(level)))) for level in levels])
    np.testing.assert_allclose(normalized("laplacian", gradient), by_hand, rtol=1e-4, atol=1e-5)


def test_the_laplacian_makes_fine_noise_smooth():
    """With all octaves of frequencies equally strong, neighbours differ less."""

    def roughness(picture):
        return np.diff(picture, axis=1).std() / picture.std()

    gradient = normal(1, 64, 64, 3)
    assert roughness(normalized("laplacian", gradient)) < 0.7 * roughness(gradient)


def test_settings_offer_all_normalizations():
    assert DreamSettings.CHOICES["normalize"] == tuple(NORMALIZATIONS)
