"""The camera's steps are what geometry says, and no corner is ever empty."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_makers import noise

from tfgraphs.pictures.camera import ZOOMS, CameraError, zoomed

TEXTURE = (noise() / 255).astype(np.float32)
SIDES = st.integers(1, 9)
MOVES = {
    "zoom": st.floats(*ZOOMS),
    "degrees": st.floats(-360, 360),
    "shift": st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
}


def wave(columns, rows):
    """A picture of any extent, in 0.25..0.75, soft enough to be interpolated."""
    waves = [np.sin(columns / 9 + rows / 13), np.cos(rows / 8), np.sin(columns / 11 - rows / 10)]
    return (0.5 + np.stack(waves, axis=-1) / 4).astype(np.float32)


def test_no_move_is_the_same_picture():
    np.testing.assert_array_equal(zoomed(TEXTURE, 1, 0, (0, 0)), TEXTURE)


@given(height=SIDES, width=SIDES)
def test_no_move_is_the_same_picture_in_any_size(height, width):
    picture = noise(height, width) / np.float32(255)
    np.testing.assert_array_equal(zoomed(picture), picture)


@pytest.mark.parametrize("zoom", [0.8, 1.02, 1.05, 1.5])
@pytest.mark.parametrize("degrees", [0, 1, -3, 20])
@pytest.mark.parametrize("shift", [(0, 0), (0.05, -0.1)])
def test_every_point_goes_where_it_should(zoom, degrees, shift):
    """A point (x, y) from the middle, y upwards, is turned as in the plane of complex numbers."""
    height, width = 60, 80
    rows, columns = np.mgrid[0:height, 0:width]
    x, y = columns - 39.5 - shift[0] * width, -(rows - 29.5 - shift[1] * height)
    before = (x + 1j * y) / (zoom * np.exp(1j * math.radians(degrees)))
    expected = wave(39.5 + before.real, 29.5 - before.imag)
    picture = wave(*np.meshgrid(np.arange(width), np.arange(height)))
    inside = (np.abs(before.real) < width / 2 - 2) & (np.abs(before.imag) < height / 2 - 2)
    assert inside.sum() > 2000
    np.testing.assert_allclose(zoomed(picture, zoom, degrees, shift)[inside], expected[inside], atol=2e-3)


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        pytest.param({"degrees": 180}, TEXTURE[::-1, ::-1], id="half a turn"),
        pytest.param({"degrees": 360}, TEXTURE, id="a whole turn"),
        pytest.param({"shift": (0.25, 0)}, np.concatenate([TEXTURE[:, 7::-1], TEXTURE[:, :-8]], axis=1), id="right"),
        pytest.param({"shift": (0, 0.25)}, np.concatenate([TEXTURE[5::-1], TEXTURE[:-6]]), id="down"),
        pytest.param({"shift": (1, 0)}, TEXTURE[:, ::-1], id="a whole width"),
    ],
)
def test_moves_by_whole_pixels(move, expected):
    np.testing.assert_allclose(zoomed(TEXTURE, **move), expected, atol=1e-5)


def test_turn_is_counter_clockwise():
    square = TEXTURE[:, :24]
    np.testing.assert_allclose(zoomed(square, degrees=90), np.rot90(square), atol=1e-5)


def test_twice_as_large_shows_the_middle_half():
    picture = wave(*np.meshgrid(np.arange(40.0), np.arange(30.0)))
    shown = zoomed(picture, 2)
    expected = wave(*np.meshgrid(9.75 + np.arange(40) / 2, 7.25 + np.arange(30) / 2))
    np.testing.assert_allclose(shown, expected, atol=2e-3)


@given(height=SIDES, width=SIDES, value=st.floats(0, 1, width=32), **MOVES)
def test_a_plain_picture_stays_plain_to_its_corners(height, width, value, zoom, degrees, shift):
    picture = np.full((height, width, 3), value, np.float32)
    np.testing.assert_allclose(zoomed(picture, zoom, degrees, shift), picture, atol=1e-6)


@given(height=SIDES, width=SIDES, **MOVES)
def test_any_move_stays_in_range(height, width, zoom, degrees, shift):
    picture = noise(height, width) / np.float32(255)
    moved = zoomed(picture, zoom, degrees, shift)
    assert (moved.dtype, moved.shape) == (np.float32, picture.shape)
    assert 0 <= moved.min() <= moved.max() <= 1


@pytest.mark.parametrize("height", [63, 64, 65, 130])
def test_rows_are_computed_alike_wherever_they_are(height):
    """A picture that is the same upside down stays so."""
    half = noise((height + 1) // 2, 20) / np.float32(255)
    picture = np.concatenate([half, half[::-1][height % 2 :]])
    moved = zoomed(picture, 1.07)
    np.testing.assert_allclose(moved, moved[::-1], atol=1e-6)


def test_picture_given_is_not_changed():
    picture = TEXTURE.copy()
    zoomed(picture, 1.1, 3)
    np.testing.assert_array_equal(picture, TEXTURE)


@pytest.mark.parametrize(
    ("move", "reason"),
    [
        ({"zoom": 0}, "zoom of 0 "),
        ({"zoom": 0.4}, "zoom of 0.4 "),
        ({"zoom": 11}, "zoom of 11 "),
        ({"zoom": math.nan}, "zoom of nan "),
        ({"degrees": 361}, "turn of 361 "),
        ({"degrees": math.inf}, "turn of inf "),
        ({"shift": (1.1, 0)}, "shift by 1.1 and 0 "),
        ({"shift": (0, math.nan)}, "shift by 0 and nan "),
    ],
)
def test_moves_too_far_are_refused(move, reason):
    with pytest.raises(CameraError, match=reason):
        zoomed(TEXTURE, **move)
