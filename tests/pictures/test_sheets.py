"""Sheets of pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.pictures.sheets import bars, enlarged, sheet

COLOURS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1]], np.float32)


def tiles(count, height=6, width=9):
    return [np.broadcast_to(COLOURS[number % len(COLOURS)], (height, width, 3)) for number in range(count)]


def test_pictures_stand_in_rows_from_left_to_right():
    pixels = sheet(tiles(5), columns=3, gap=2)
    assert pixels.shape == (2 * 8 + 2, 3 * 11 + 2, 3)
    for number in range(5):
        row, column = divmod(number, 3)
        np.testing.assert_array_equal(
            pixels[2 + row * 8 : 8 + row * 8, 2 + column * 11 : 11 + column * 11], tiles(5)[number]
        )


def test_there_is_nothing_but_paper_between_pictures():
    pixels = sheet(tiles(4), columns=2, gap=3)
    assert (pixels[:3] == pixels[0, 0]).all()
    assert (pixels[:, 12:15] == pixels[0, 0]).all()


def test_a_caption_is_written_below_its_picture_and_nowhere_else():
    plain, written = (sheet(tiles(2, 20, 60), captions, columns=2) for captions in (["", ""], ["", "139"]))
    changed = (plain != written).any(axis=-1)
    assert changed.any()
    assert not changed[:28].any()
    assert not changed[:, :76].any()


def test_a_caption_that_is_too_long_is_cut():
    pixels = sheet(tiles(2, 10, 30), ["many words that do not fit", ""], columns=2, gap=8)
    assert (pixels[18:, 38:46] == pixels[0, 0]).all()


def test_a_legend_stands_above_the_pictures_in_as_many_lines_as_it_needs():
    plain = sheet(tiles(2, 20, 60), columns=2)
    short, long = (sheet(tiles(2, 20, 60), columns=2, legend=legend) for legend in ("kernels", "many kernels " * 5))
    for written in (short, long):
        head = len(written) - len(plain)
        assert written.shape[1] == plain.shape[1]
        np.testing.assert_array_equal(written[head + 8 :], plain[8:])
        assert (written[: head + 8] != plain[0, 0]).any()
        assert (written[:, -8:] == plain[0, 0]).all()
    assert len(long) > len(short)


def test_bars_are_as_long_as_their_numbers():
    drawn = bars(["7", "12", "100"], [1, -0.5, 0.25], 140, ((1, 0, 0), (0, 0, 1)))
    rows = drawn[9], drawn[19 + 9], drawn[38 + 9]
    lengths = [int((row == colour).all(axis=-1).sum()) for row, colour in zip(rows, COLOURS[[0, 2, 0]], strict=True)]
    assert drawn.shape == (57, 140, 3)
    assert lengths[1] == pytest.approx(lengths[0] / 2, abs=1)
    assert lengths[2] == pytest.approx(lengths[0] / 4, abs=1)
    assert lengths[0] > 90


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 40))
def test_rows_are_as_full_as_they_can_be(count, height, width):
    gap = 2
    pixels = sheet(tiles(count, height, width), gap=gap)
    columns, rows = (
        (side - gap) // (inner + gap) for side, inner in zip(pixels.shape[1::-1], (width, height), strict=True)
    )
    assert (rows - 1) * columns < count <= rows * columns


def test_values_beyond_the_range_are_clipped():
    assert (
        sheet([np.full((2, 2, 3), 7.0), np.full((2, 2, 3), -7.0)], gap=0, columns=2)[:, 1:3].tolist()
        == [[[1] * 3, [0] * 3]] * 2
    )


@pytest.mark.parametrize(("side", "times"), [(11, 1), (66, 6), (5, 1)])
def test_a_pixel_becomes_a_square(side, times):
    pixels = np.random.default_rng(0).uniform(size=(11, 7, 3))
    large = enlarged(pixels, side)
    assert large.shape == (11 * times, 7 * times, 3)
    np.testing.assert_array_equal(large[::times, ::times], pixels)
    np.testing.assert_array_equal(large[times - 1 :: times, times - 1 :: times], pixels)
