"""Figures for strokes, on pictures with strokes of a known length."""

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.strokes import BORDER, LEFT, border_detail, stroke_length

ROWS, COLUMNS = np.mgrid[:256, :288]
NOISE = np.random.default_rng(0).normal(0, 0.1, ROWS.shape)


def grey(luma):
    return luma[..., None].repeat(3, axis=-1)


@pytest.mark.parametrize("length", [3, 5, 8])
def test_noise_that_is_blurred_in_one_direction_has_strokes_of_that_length(length):
    """A Gaussian of deviation s gives noise the correlation exp(-d^2 / 4 s^2) at a distance d."""
    strokes = ndimage.gaussian_filter(NOISE, (0.7, length), mode="mirror")
    expected = 2 * length * np.sqrt(-np.log(LEFT))
    assert stroke_length(grey(strokes)) == pytest.approx(expected, rel=0.25)
    assert stroke_length(grey(strokes.T)) == pytest.approx(stroke_length(grey(strokes)), rel=0.02)


@pytest.mark.parametrize("angle", [0, 0.5, 2])
def test_stripes_are_long_in_any_direction(angle):
    """They bend at the borders, where they are mirrored."""
    stripes = np.sin((ROWS * np.cos(angle) + COLUMNS * np.sin(angle)) * 2 * np.pi / 6)
    assert stroke_length(grey(stripes)) > 40


def test_noise_has_no_strokes():
    assert stroke_length(grey(NOISE)) < 2.5


@pytest.mark.parametrize("factor", [0.5, 1, 2])
def test_the_detail_at_borders_is_relative_to_that_of_the_middle(factor):
    amplitude = np.full(ROWS.shape, factor)
    amplitude[BORDER:-BORDER, BORDER:-BORDER] = 1
    assert border_detail(grey(NOISE * amplitude)) == pytest.approx(factor**2, rel=0.1)
