"""The octaves of a picture at which style is compared."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.neural_style import StyleSettings, paint
from tfgraphs.neural_style.octaves import octave, octave_shares
from tfgraphs.neural_style.shifts import SHIFTS, lattice_offset


def picture(*size, seed=0):
    return np.random.default_rng(seed).random((*size, 3), np.float32)


@pytest.mark.parametrize("shift", [0, 5, SHIFTS - 1])
@pytest.mark.parametrize("number", [1, 2])
def test_a_pixel_of_an_octave_is_the_mean_of_a_square(number, shift):
    side, pixels = 2**number, picture(21, 30)
    down, across = (offset % side for offset in lattice_offset(shift))
    frame = [(down, side - 1 - down), (across, side - 1 - across), (0, 0)]
    padded = np.pad(pixels, frame, mode="symmetric")
    height, width = -(-21 // side), -(-30 // side)
    squares = padded[: height * side, : width * side].reshape(height, side, width, side, 3)
    found = octave(tf.constant(pixels[None]), number, tf.constant(shift))
    np.testing.assert_allclose(found[0], squares.mean(axis=(1, 3)), rtol=1e-5)


def test_the_first_octave_is_the_picture():
    pixels = tf.constant(picture(5, 6)[None])
    assert octave(pixels, 0, 3) is pixels


@pytest.mark.parametrize(
    ("size", "painting", "octaves", "expected"),
    [
        ((200, 300), (500, 500), 3, [4 / 7, 2 / 7, 1 / 7]),
        ((200, 300), (500, 500), 1, [1]),
        ((191, 300), (500, 500), 3, [2 / 3, 1 / 3, 0]),
        ((200, 300), (127, 500), 3, [2 / 3, 1 / 3, 0]),
        ((200, 300), (191, 500), 3, [2 / 3, 1 / 3, 0]),
        ((40, 40), (40, 40), 3, [1, 0, 0]),
    ],
)
def test_each_octave_counts_half_as_much_as_the_one_above_it(size, painting, octaves, expected):
    shares = octave_shares(tf.constant(size), [tf.constant(painting)], octaves)
    np.testing.assert_allclose(shares, expected, rtol=1e-6)


def test_octaves_change_the_painting_only_where_the_picture_is_large_enough(small):
    settings = StyleSettings(content_layer="conv1", style_layers={"conv1": 1.0}, steps=2)

    def painted(side, octaves):
        *_, last = paint(
            picture(side, side), picture(120, 120, seed=1), small, dataclasses.replace(settings, octaves=octaves)
        )
        return last.picture.tobytes()

    assert painted(80, 1) == painted(80, 2)
    assert painted(96, 1) != painted(96, 2)


def test_a_small_painting_has_the_octaves_that_it_is_large_enough_for(small):
    settings = StyleSettings(content_layer="conv1", style_layers={"conv1": 1.0}, steps=2)
    *_, last = paint(picture(200, 200), picture(40, 300, seed=1), small, settings)
    assert np.isfinite(last.loss)
