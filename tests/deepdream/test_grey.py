"""What is grey stays grey: dreams about grey photographs, and dreams and features of networks that see greys."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution
from tfgraphs.deepdream import DreamSettings, FeatureSettings, channel, dream, layer_l2, visualize_feature
from tfgraphs.deepdream.exported import export_dream
from tfgraphs.deepdream.settings import STYLES

SETTINGS = DreamSettings(octaves=2, octave_scale=1.2, iterations=3, step_size=0.02, chroma=1, chroma_blur=0)


def network(channels):
    """A convolution that sees RGB, or greys."""
    kernel = np.random.default_rng(0).normal(0, 0.3, (5, 5, channels, 6)).astype(np.float32)
    layers = [convolution("conv1", "input", kernel, np.zeros(6, np.float32))]
    return Backbone("small", layers, tf.image.rgb_to_grayscale if channels == 1 else lambda pictures: pictures)


COLOR, GREY = network(3), network(1)
PHOTOGRAPH = np.random.default_rng(1).uniform(0.3, 0.7, (60, 72, 3)).astype(np.float32)
GREY_PHOTOGRAPH = PHOTOGRAPH[..., :1].repeat(3, axis=-1)


def spread(pixels):
    """The largest difference of two channels."""
    return np.ptp(pixels, axis=-1).max()


def dreamt(pixels, backbone, **settings):
    *_, last = dream(pixels, layer_l2("conv1"), backbone, DreamSettings(**{**vars(SETTINGS), **settings}))
    assert np.abs(last.picture - pixels).mean() > 0.01
    return last.picture


def test_a_network_says_whether_it_sees_greys():
    assert (GREY.sees_greys, COLOR.sees_greys) == (True, False)


@pytest.mark.parametrize("settings", [{}, {"optimizer": "adam"}, {"normalize": "laplacian"}, {"tile_size": 48}])
def test_a_dream_about_a_grey_photograph_is_grey(settings):
    assert spread(dreamt(GREY_PHOTOGRAPH, COLOR, **settings)) < 1e-6


def test_a_dream_about_a_grey_photograph_may_have_colours():
    assert spread(dreamt(GREY_PHOTOGRAPH, COLOR, grey=False)) > 0.05


def test_one_graph_dreams_about_pictures_with_and_without_colours():
    from tfgraphs.deepdream.dreamer import Dreamer

    dreamer = Dreamer(layer_l2("conv1"), COLOR, SETTINGS)
    found = [[*dreamer.dream(pixels)][-1].picture for pixels in (PHOTOGRAPH, GREY_PHOTOGRAPH, PHOTOGRAPH)]
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[0], dreamt(PHOTOGRAPH, COLOR))
    np.testing.assert_array_equal(found[1], dreamt(GREY_PHOTOGRAPH, COLOR))


@pytest.mark.parametrize(("backbone", "grey"), [(GREY, None), (COLOR, True)])
def test_a_colour_photograph_keeps_the_differences_of_its_channels(backbone, grey):
    changed = dreamt(PHOTOGRAPH, backbone, grey=grey, octaves=1) - PHOTOGRAPH
    assert spread(changed) < 1e-6


@pytest.mark.parametrize("backbone", [COLOR, GREY])
def test_an_exported_dream_is_grey_where_a_dream_is(tmp_path, backbone):
    export_dream(tmp_path / "model", layer_l2("conv1"), backbone, SETTINGS)
    model = tf.saved_model.load(tmp_path / "model")
    grey = model.dream(tf.constant(GREY_PHOTOGRAPH[None]), 6, 0.02).numpy()
    assert spread(grey) < 1e-6
    assert np.abs(grey - GREY_PHOTOGRAPH).mean() > 0.01
    changed = model.dream(tf.constant(PHOTOGRAPH[None]), 6, 0.02).numpy() - PHOTOGRAPH
    assert (spread(changed) > 0.1) == (backbone is COLOR)


@pytest.mark.parametrize("style", STYLES)
def test_features_of_a_network_that_sees_greys_are_grey(style):
    settings = FeatureSettings(style=style, size=(32, 32), steps=4, batch=2)
    *_, last = visualize_feature(channel("conv1", 2), GREY, settings)
    assert spread(last.pictures) < 1e-6
    assert last.pictures.std() > 0.01


@pytest.mark.parametrize("style", ["naive", "fourier"])
def test_features_of_other_networks_are_grey_if_asked_for(style):
    spreads = {}
    for grey in (None, True):
        settings = FeatureSettings(style=style, size=(32, 32), steps=4, grey=grey)
        *_, last = visualize_feature(channel("conv1", 2), COLOR, settings)
        spreads[grey] = spread(last.picture)
    assert spreads[True] < 1e-6 < 0.01 < spreads[None]


def test_grey_pictures_keep_their_opacity():
    settings = FeatureSettings(style="fourier", size=(32, 32), steps=4, grey=True, alpha=True)
    *_, last = visualize_feature(channel("conv1", 2), COLOR, settings)
    assert last.alpha.shape == (1, 32, 32)
