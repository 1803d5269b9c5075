"""Which paintings go where."""

import numpy as np
import pytest

from tfgraphs.neural_style.regions import Style, regions

PIXELS = np.zeros((40, 40, 3), np.float32)
LEFT = np.tile(np.float32([1, 0]), (8, 4))


def shares(region):
    return [style.weight for style in region.styles]


def test_paintings_without_a_place_are_blended_by_their_weights():
    (region,) = regions([Style(PIXELS, 0.7), Style(PIXELS, 2.1)], (8, 8))
    assert region.where is None
    assert shares(region) == pytest.approx([0.25, 0.75])
    assert region.weight == pytest.approx(1)


def test_paintings_of_equal_places_share_a_region():
    first, second = regions([Style(PIXELS, where=LEFT), Style(PIXELS), Style(PIXELS, where=LEFT.copy())], (8, 8))
    assert shares(first) == pytest.approx([0.5, 0.5])
    assert shares(second) == pytest.approx([1])


def test_weights_of_regions_are_one_on_average():
    found = regions([Style(PIXELS, 3.0, where=LEFT), Style(PIXELS, 1.0, where=1 - LEFT)], (8, 8))
    assert [region.weight for region in found] == pytest.approx([1.5, 0.5])
