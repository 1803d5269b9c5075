"""Figures for noise, on pictures that are noisy in a known way."""

import numpy as np
import pytest

from benchmarks.picture_noise import PERIOD, WINDOW, colour_noise, screen_door

ROWS, COLUMNS = np.mgrid[:384, :448]
CLOUDS = 0.5 + 0.2 * np.sin(ROWS / 17) * np.cos(COLUMNS / 23)
GRAIN = np.random.default_rng(0).normal(0, 0.02, CLOUDS.shape)


def grey(luma):
    return luma[..., None].repeat(3, axis=-1)


def test_grey_noise_is_no_noise_of_colours():
    assert colour_noise(grey(CLOUDS + GRAIN)) < 1e-12


@pytest.mark.parametrize("share", [0.1, 1.0])
@pytest.mark.parametrize(("axis", "factors"), [("Cb", (0, -0.344136, 1.772)), ("Cr", (1.402, -0.714136, 0))])
def test_noise_in_a_chroma_is_the_square_of_its_share(axis, factors, share):
    """These factors of JPEG change one chroma alone."""
    picture = grey(CLOUDS + GRAIN) + share * (CLOUDS + GRAIN)[..., None] * factors
    assert colour_noise(picture) == pytest.approx(share**2, rel=1e-4)


def test_colours_that_change_slowly_are_no_noise():
    slowly = 0.1 * np.sin(COLUMNS / 12)[..., None] * (1.402, -0.714136, 0)
    finely = 0.1 * np.sin(COLUMNS * 1.5)[..., None] * (1.402, -0.714136, 0)
    picture = grey(CLOUDS + GRAIN)
    assert colour_noise(picture + slowly) < 0.01 < 10 < colour_noise(picture + finely)


def test_a_picture_of_one_colour_has_no_noise():
    picture = np.tile([0.2, 0.4, 0.6], (*CLOUDS.shape, 1))
    assert colour_noise(picture) == 0
    assert screen_door(picture) == pytest.approx(1)


@pytest.mark.parametrize("period", [2, 4, 8, 16 / 3])
@pytest.mark.parametrize("axis", ["rows", "columns", "both", "against"])
def test_a_lattice_is_a_screen_door(period, axis):
    position = {"rows": ROWS, "columns": COLUMNS, "both": ROWS + COLUMNS, "against": ROWS - COLUMNS}[axis]
    lattice = 0.01 * np.cos(2 * np.pi * position / period)
    assert screen_door(grey(CLOUDS + GRAIN)) < 3
    assert screen_door(grey(CLOUDS + GRAIN + lattice)) > 10


def test_the_screen_door_grows_with_the_power_of_the_lattice():
    """White noise of deviation s has the power s^2 sum(w^2) everywhere, a wave a cos the power (a sum(w) / 2)^2."""
    noise, wave = np.random.default_rng(1).normal(0, 0.02, (512, 640)), np.cos(np.pi / 2 * np.arange(640))
    hann = np.hanning(WINDOW + 1)[:-1]
    hann = np.outer(hann, hann)
    expected = (0.01 * hann.sum() / 2) ** 2 / (0.02**2 * np.square(hann).sum()) + 1
    assert screen_door(grey(noise + 0.01 * wave)) == pytest.approx(expected, rel=0.3)


def test_a_wave_beside_the_multiples_of_the_period_is_no_screen_door():
    wave = 0.05 * np.cos(2 * np.pi * COLUMNS * 9.5 / PERIOD / 2)
    assert screen_door(grey(CLOUDS + GRAIN + wave)) < 5


def test_a_picture_smaller_than_a_window_is_refused():
    with pytest.raises(ValueError, match="the picture has 448 x 100 px: 128 a side are needed"):
        screen_door(grey(CLOUDS[:100]))
