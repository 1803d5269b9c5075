"""Paintings that are painted larger than they are in the end."""

import dataclasses

import numpy as np

from tfgraphs.neural_style import Painter, StyleSettings, paint
from tfgraphs.neural_style.anchor import Anchor
from tfgraphs.pictures.images import resize

SHALLOW = StyleSettings(content_layer="conv2", style_layers={"conv1": 1.0, "conv2": 1.0}, steps=3, seed=2)
PHOTOGRAPH, STYLE = (
    np.random.default_rng(seed).random((5, 5, 3)).repeat(8, 0).repeat(8, 1).astype(np.float32) for seed in (0, 1)
)


def test_a_supersampled_painting_is_reduced_at_its_end(small):
    *_, large = paint(resize(PHOTOGRAPH, (80, 80)), STYLE, small, SHALLOW)
    *_, last = paint(PHOTOGRAPH, STYLE, small, dataclasses.replace(SHALLOW, supersampling=2.0))
    np.testing.assert_allclose(last.picture, np.clip(resize(large.picture, (40, 40)), 0, 1), atol=1e-5)


def test_a_frame_with_an_anchor_is_painted_in_its_own_size(small):
    anchor = Anchor(PHOTOGRAPH, np.ones((40, 40), np.float32), 1.0, np.ones((40, 40, 1), np.float32))
    pictures = []
    for factor in (1.0, 2.0):
        settings = dataclasses.replace(SHALLOW, supersampling=factor)
        *_, last = Painter(STYLE, small, settings).paint(PHOTOGRAPH, anchor=anchor)
        pictures.append(last.picture)
    np.testing.assert_array_equal(*pictures)
