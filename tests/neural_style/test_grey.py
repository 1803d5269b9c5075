"""A grey photograph in the style of a grey painting becomes a grey picture."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.neural_style import Style, StyleSettings, paint
from tfgraphs.neural_style.exported import export_painter

SETTINGS = StyleSettings(content_layer="conv2", style_layers={"conv1": 1.0, "conv2": 1.0}, steps=20)
PHOTOGRAPH, PAINTING = (np.random.default_rng(seed).random((40, 48, 3)).astype(np.float32) for seed in (0, 1))


def greyed(pixels):
    return pixels[..., :1].repeat(3, axis=-1)


def painted(small, photograph, styles, **settings):
    *_, last = paint(photograph, styles, small, dataclasses.replace(SETTINGS, **settings))
    assert last.picture.shape == photograph.shape
    assert last.picture.std() > 0.02
    return np.ptp(last.picture, axis=-1).max()


@pytest.mark.parametrize("settings", [{}, {"optimizer": "lbfgs"}, {"tile_size": 64}, {"statistic": "mean_variance"}])
def test_grey_stays_grey(small, settings):
    assert painted(small, greyed(PHOTOGRAPH), greyed(PAINTING), **settings) == 0


def test_a_scan_whose_channels_differ_by_rounding_is_grey(small):
    scan = greyed(PHOTOGRAPH) * 0.9 + np.float32([0, 1, 2]) / 255
    assert painted(small, scan, greyed(PAINTING)) == 0


@pytest.mark.parametrize(
    ("photograph", "styles"),
    [
        (PHOTOGRAPH, greyed(PAINTING)),
        (greyed(PHOTOGRAPH), PAINTING),
        (greyed(PHOTOGRAPH), [Style(greyed(PAINTING)), Style(PAINTING)]),
    ],
    ids=["photograph", "painting", "one painting of two"],
)
def test_one_picture_with_colours_brings_colours(small, photograph, styles):
    assert painted(small, photograph, styles) > 0.05


def test_the_setting_decides(small):
    assert painted(small, greyed(PHOTOGRAPH), greyed(PAINTING), grey=False) > 0.05
    assert painted(small, PHOTOGRAPH, PAINTING, grey=True) == 0


def test_a_start_with_colours_becomes_grey(small):
    *_, last = paint(greyed(PHOTOGRAPH), greyed(PAINTING), small, SETTINGS, start=PHOTOGRAPH)
    assert np.ptp(last.picture, axis=-1).max() == 0


def test_an_exported_painter_keeps_grey_what_is_grey(small, tmp_path):
    export_painter(tmp_path / "model", small, SETTINGS)
    model = tf.saved_model.load(tmp_path / "model")
    spreads = [
        np.ptp(model.stylize(tf.constant(one[None]), tf.constant(greyed(PAINTING)[None]), 10).numpy(), axis=-1).max()
        for one in (greyed(PHOTOGRAPH), PHOTOGRAPH)
    ]
    assert spreads[0] < 1e-6
    assert spreads[1] > 0.05
