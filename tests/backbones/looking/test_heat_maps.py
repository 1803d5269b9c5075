"""Where in a picture a network responds."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones import LayerError
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, global_average, pooling
from tfgraphs.backbones.looking.heat_maps import heat_map, position_at, responses, richest_places, spread

RANDOM = np.random.default_rng(0)


def test_channels_come_in_the_order_of_their_mean_response(squeezenet):
    pixels = RANDOM.uniform(size=(96, 80, 3)).astype(np.float32)
    found = responses(squeezenet, "fire5", pixels)
    activation = squeezenet(tf.constant(pixels[None]), ["fire5"])["fire5"].numpy()[0]
    means = activation.mean(axis=(0, 1))  # of a rectified layer
    np.testing.assert_allclose([one.strength for one in found], np.sort(means)[::-1], rtol=1e-5)
    for one in found[:5]:
        np.testing.assert_allclose(one.places, activation[..., one.channel], rtol=1e-5)
        assert one.largest == pytest.approx(activation[..., one.channel].max())


def test_what_is_below_zero_is_no_response(squeezenet):
    pixels = RANDOM.uniform(size=(96, 80, 3)).astype(np.float32)
    before, after = (responses(squeezenet, name, pixels) for name in ("fire5_pre_relu", "fire5"))
    assert {one.channel: one.strength for one in before} == pytest.approx({one.channel: one.strength for one in after})


@pytest.mark.parametrize("row", [0, 3, 5])
def test_a_spot_is_hot_where_its_position_lies(row):
    places = np.zeros((6, 8))
    places[row, 2] = 5.0
    pixels = np.full((96, 128, 3), 0.5)
    warmth = heat_map(pixels, places, stride=16)[..., 0]
    peak = np.unravel_index(warmth.argmax(), warmth.shape)
    assert abs(peak[0] - (row + 0.5) * 16) <= 8
    assert abs(peak[1] - 2.5 * 16) <= 8


def test_positions_of_windows_that_stay_inside_lie_in_the_middle():
    places = np.zeros((3, 3))
    places[1, 1] = 1
    hot = spread(places, (101, 131), stride=10)
    assert np.unravel_index(hot.argmax(), hot.shape) == pytest.approx((50, 65), abs=1)


@pytest.mark.parametrize(("side", "positions", "stride"), [(101, 10, 10), (96, 6, 16), (131, 3, 40), (64, 5, 16)])
def test_the_position_at_a_pixel_is_the_one_that_is_drawn_there(side, positions, stride):
    for position in range(positions):
        places = np.zeros((positions, positions))
        places[position] = 1
        peak = int(spread(places, (side, side), stride)[:, 0].argmax())
        assert position_at(peak, side, positions, stride) == position
    found = [position_at(pixel, side, positions, stride) for pixel in range(side)]
    assert found == sorted(found)


def test_no_response_is_shown_as_the_picture_in_grey():
    pixels = RANDOM.uniform(size=(20, 30, 3))
    shown = heat_map(pixels, -np.ones((2, 3)), stride=10)
    np.testing.assert_allclose(shown, np.repeat(shown[..., :1], 3, axis=-1))
    assert np.corrcoef(shown[..., 0].ravel(), pixels.mean(axis=-1).ravel())[0, 1] > 0.8


def test_the_strongest_place_is_as_bright_on_black_as_on_white():
    places = np.zeros((8, 8))
    places[1, 1], places[6, 6] = 1, 0.3
    black, white = (heat_map(np.full((128, 128, 3), grey), places, stride=16) for grey in (0.0, 1.0))
    assert black[24, 24].min() > 0.5
    assert np.abs(black[24, 24] - white[24, 24]).max() < 0.2
    assert black[24, 24].sum() > 2 * black[104, 104].sum() > 0.2


@pytest.mark.parametrize("size", [(20, 30), (23, 31), (7, 9), (200, 5)])
def test_a_map_is_as_large_as_the_picture_and_in_range(size):
    shown = heat_map(RANDOM.uniform(size=(*size, 3)), RANDOM.normal(size=(3, 2)), stride=10)
    assert shown.shape == (*size, 3)
    assert shown.min() >= 0
    assert shown.max() <= 1


def test_a_layer_without_places_says_so(squeezenet):
    with pytest.raises(LayerError, match="pool10 of squeezenet is one value for the whole picture"):
        responses(squeezenet, "pool10", np.zeros((64, 64, 3)))


@pytest.mark.parametrize(
    ("channels", "richest"),
    [((8, 16, 16), "third"), ((16, 8, 8), "first"), ((4, 8, 1000), "second")],
    ids=["deepest", "first", "classes"],
)
def test_the_layer_with_the_most_channels_is_shown_but_no_classes(channels, richest):
    layers, source, before = [], "input", 3
    for name, after in zip(("first", "second", "third"), channels, strict=True):
        layers.append(convolution(name, source, np.zeros((1, 1, before, after), np.float32), np.zeros(after, "f")))
        source, before = name, after
    layers.append(pooling("far", source, "max", 17, 17))
    assert richest_places(Backbone("made_up", layers, tf.identity)) == richest


def test_a_network_without_places_says_so():
    with pytest.raises(LayerError, match="no layer of made_up has places to show"):
        richest_places(Backbone("made_up", [global_average("mean", "input")], tf.identity))


def test_squeezenet_is_shown_by_its_last_fire(squeezenet):
    assert richest_places(squeezenet) == "fire9"
