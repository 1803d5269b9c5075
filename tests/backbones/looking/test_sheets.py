"""Sheets of kernels and heat maps: how many are on them, and which are chosen."""

import numpy as np
import pytest
from small_networks import small_backbone

from tfgraphs.backbones import LayerError
from tfgraphs.backbones.looking.heat_maps import heat_map, responses
from tfgraphs.backbones.looking.sheets import kernel_sheet, response_sheet

SMALL = small_backbone()


def test_of_a_deeper_layer_the_first_kernels_are_drawn(squeezenet):
    drawn = kernel_sheet(squeezenet, "fire9_expand3x3")
    assert (drawn.shown, drawn.count) == (48, 256)
    assert kernel_sheet(squeezenet, "conv1").shown == 64


def test_channels_choose_kernels():
    assert (kernel_sheet(SMALL, "conv2", [1, 5]).shown, kernel_sheet(SMALL, "conv2").shown) == (2, 8)


def test_a_layer_without_kernels_is_refused(squeezenet):
    with pytest.raises(LayerError, match="has no kernels"):
        kernel_sheet(squeezenet, "pool1")


def test_one_response_has_the_size_of_the_picture_and_a_caption():
    pixels = np.random.default_rng(0).uniform(size=(30, 70, 3)).astype(np.float32)
    found = responses(SMALL, "conv1", pixels)
    alone = response_sheet(SMALL, "conv1", pixels, found[:1])
    np.testing.assert_allclose(alone[:30, :70], heat_map(pixels, found[0].places, 2), atol=1 / 255)
    assert (alone.shape[1], alone.shape[0] > 40) == (70, True)
    assert response_sheet(SMALL, "conv1", pixels, found).shape[0] > alone.shape[0]
