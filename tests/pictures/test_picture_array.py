"""Arrays that notebooks display as pictures: what is one, what is none, and that they are arrays all the same."""

import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from html_parts import decoded
from IPython.lib.pretty import pretty

import tfgraphs
from tfgraphs.pictures.picture_array import FASTEST, LONGEST_SIDE, SMALLEST, PictureArray, encode_png

PIXELS = np.random.default_rng(0).random((6, 9, 3)).astype(np.float32)
PICTURE = PIXELS.copy().view(PictureArray)


def eight_bits(pixels):
    return np.round(np.clip(pixels, 0, 1) * 255)


def test_a_picture_is_displayed_pixel_by_pixel():
    np.testing.assert_array_equal(decoded(PICTURE._repr_png_()), eight_bits(PIXELS))


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_pictures_are_displayed(channels):
    pixels = np.random.default_rng(1).random((4, 5, channels)).astype(np.float32)
    shown = decoded(pixels.view(PictureArray)._repr_png_())
    np.testing.assert_array_equal(shown.reshape(pixels.shape), eight_bits(pixels))


def test_values_out_of_range_are_clipped_and_what_is_no_number_is_black():
    pixels = np.array([[[-1, 2, np.nan], [np.inf, -np.inf, 0.5]]], np.float32)
    np.testing.assert_array_equal(decoded(encode_png(pixels)), [[[0, 255, 0], [255, 0, 128]]])


def test_compression_changes_the_bytes_and_no_pixel():
    pixels = np.tile(np.linspace(0, 1, 90, dtype=np.float32)[:, None, None], (1, 80, 3))
    fast, small = encode_png(pixels, compress_level=FASTEST), encode_png(pixels, compress_level=SMALLEST)
    assert len(small) < len(fast)
    np.testing.assert_array_equal(decoded(fast), decoded(small))


def test_a_large_picture_is_displayed_smaller():
    large = np.zeros((LONGEST_SIDE, 2 * LONGEST_SIDE, 3), np.float32).view(PictureArray)
    assert decoded(large._repr_png_()).shape == (LONGEST_SIDE // 2, LONGEST_SIDE, 3)


@pytest.mark.parametrize(
    "part",
    [
        PICTURE[0],
        PICTURE[..., 0],
        PICTURE[..., :2],
        PICTURE[None],
        PICTURE[:0],
        PICTURE.transpose(2, 0, 1),
        PICTURE > 0.5,
        (PICTURE * 255).astype(np.uint8),
    ],
    ids=["row", "channel", "two channels", "batch", "nothing", "channels first", "booleans", "bytes"],
)
def test_what_is_no_picture_does_not_claim_to_be_one(part):
    assert part._repr_png_() is None


@pytest.mark.parametrize(
    ("made", "pixels"),
    [
        (PICTURE[1:4, 2:], PIXELS[1:4, 2:]),
        (PICTURE[::-1], PIXELS[::-1]),
        (0.5 * PICTURE, 0.5 * PIXELS),
        (1 - PICTURE, 1 - PIXELS),
        (np.hstack([PIXELS, PICTURE]), np.hstack([PIXELS, PIXELS])),
        (PICTURE.astype(np.float64), PIXELS),
    ],
    ids=["part", "mirrored", "scaled", "negative", "beside another", "float64"],
)
def test_what_is_computed_from_a_picture_is_displayed(made, pixels):
    np.testing.assert_array_equal(decoded(made._repr_png_()), eight_bits(pixels))


@pytest.mark.parametrize("reduce", [np.mean, np.sum, np.max, np.std, np.median], ids=lambda reduce: reduce.__name__)
def test_reductions_are_those_of_a_plain_array(reduce):
    for axis in (None, 2, (0, 1)):
        found, expected = reduce(PICTURE, axis=axis), reduce(PIXELS, axis=axis)
        assert type(found) is type(expected)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "convert",
    [tf.constant, tf.convert_to_tensor, keras.ops.convert_to_tensor, lambda picture: tf.Variable(picture) + 0.0],
    ids=["constant", "tensor", "keras", "variable"],
)
def test_tensorflow_takes_it_as_an_array(convert):
    tensor = convert(PICTURE)
    assert tensor.dtype == tf.float32
    np.testing.assert_array_equal(tensor, PIXELS)


def test_arithmetic_with_a_tensor_gives_a_tensor():
    assert tf.is_tensor(PICTURE * tf.ones([]))
    assert tf.is_tensor(tf.ones([]) * PICTURE)


def test_as_text_ipython_shows_the_size_of_a_picture_and_the_numbers_of_others():
    assert pretty(PICTURE) == "<picture of 9 x 6 px>"
    assert pretty(PICTURE[0]) == repr(PICTURE[0])


def test_asarray_gives_the_plain_array():
    assert type(np.asarray(PICTURE)) is np.ndarray


def test_it_is_pickled_and_read_again():
    again = pickle.loads(pickle.dumps(PICTURE))
    assert type(again) is PictureArray
    np.testing.assert_array_equal(again, PIXELS)


def test_saved_arrays_are_plain_ones(tmp_path):
    np.save(tmp_path / "picture.npy", PICTURE)
    assert type(np.load(tmp_path / "picture.npy")) is np.ndarray


def test_a_loaded_picture_is_displayed(tmp_path):
    tfgraphs.save_picture(tmp_path / "picture.png", PICTURE)
    shown = tfgraphs.load_picture(tmp_path / "picture.png")._repr_png_()
    np.testing.assert_array_equal(decoded(shown), eight_bits(PIXELS))
