"""What holds the frames of a painted film: the temporal loss, where it acts, and how much steadier they are for it."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.neural_style import StyleSettings, paint
from tfgraphs.neural_style.anchor import Anchor, anchored, temporal_error
from tfgraphs.pictures.flow import flow, reliable, warp
from tfgraphs.pictures.images import resize

SIZE = (60, 120)
SETTINGS = StyleSettings(content_layer="conv1", style_layers={"conv1": 1.0, "conv2": 1.0}, steps=30, seed=2)


def texture(*size, seed=0):
    random = np.random.default_rng(seed)
    spots = [random.random((1 + size[0] // spot, 1 + size[1] // spot, 3), np.float32) for spot in (3, 8, 20)]
    return np.mean([resize(layer, size) for layer in spots], axis=0).clip(0, 1)


CONTENT, STYLE = texture(*SIZE), texture(60, 70, seed=1)
LEFT = np.zeros(SIZE, np.float32)
LEFT[:, :60] = 1


def test_the_error_is_the_mean_over_what_is_reliable():
    painting, share = texture(*SIZE, seed=3), np.float32(np.random.default_rng(4).random(SIZE))
    error = temporal_error(tf.constant(painting[None]), *Anchor(CONTENT, share, weight=7.0).resized(SIZE))
    assert float(error) == pytest.approx(7 * (share[..., None] * np.square(painting - CONTENT)).mean(), rel=1e-5)


@pytest.mark.parametrize("size", [(30, 60), (40, 80)])
def test_at_a_smaller_scale_the_anchor_is_smaller(size):
    anchor = Anchor(CONTENT, np.ones(SIZE, np.float32), weight=1.0)
    error = temporal_error(tf.constant(resize(CONTENT, size)[None]), *anchor.resized(size))
    assert float(error) == pytest.approx(0, abs=1e-10)


def test_a_painting_starts_from_its_anchor_at_the_finest_scales(small):
    anchor = Anchor(texture(72, 225, seed=3), np.ones((72, 225), np.float32), weight=1.0)
    settings = dataclasses.replace(SETTINGS, steps=2, learning_rate=1e-9)
    first, last = paint(texture(72, 225), STYLE, small, settings, anchor=anchor)
    assert [progress.picture.shape[:2] for progress in (first, last)] == [(48, 150), (72, 225)]
    np.testing.assert_allclose(first.picture, resize(anchor.picture, (48, 150)).clip(0, 1), atol=1e-6)


def test_an_anchor_holds_where_it_is_reliable(small):
    anchor = Anchor(CONTENT, LEFT, weight=1e6)
    *_, last = paint(CONTENT, STYLE, small, SETTINGS, anchor=anchor)
    moved = np.abs(last.picture - CONTENT).mean(axis=(0, 2))
    assert moved[:55].mean() < 0.2 * moved[65:].mean()


def test_the_term_is_named(small):
    anchor, settings = Anchor(1 - CONTENT, LEFT, weight=1.0), dataclasses.replace(SETTINGS, steps=1)
    progress = next(paint(CONTENT, STYLE, small, settings, start=CONTENT, anchor=anchor))
    assert progress.terms["temporal"] > 0


def test_the_anchor_of_a_frame_is_the_painted_one_before_moved_as_things_have():
    before, after, painted = CONTENT, np.roll(CONTENT, 6, axis=1), texture(*SIZE, seed=3)
    anchor = anchored(painted, before, after, weight=2.0)
    assert anchor.weight == 2
    assert anchor.reliable[10:-10, 16:-10].mean() > 0.95
    assert anchor.reliable[10:-10, :5].mean() < 0.2
    errors = np.abs(anchor.picture - np.roll(painted, 6, axis=1))[10:-10, 16:-10]
    assert errors.mean() < 0.03


def test_after_a_cut_nothing_holds():
    assert anchored(CONTENT, texture(*SIZE), texture(*SIZE, seed=9), weight=2.0) is None


def test_painted_frames_are_steadier_than_ones_that_are_painted_alone(small):
    """The mean of |frame - warp(frame before)| over what is reliable, for noise in all else that a painter chooses."""
    wide = texture(60, 124)
    before, after = wide[:, :120], wide[:, 4:]
    backward = flow(after, before)
    mask = reliable(flow(before, after), backward) > 0

    def painted(seed, content, **options):
        *_, last = paint(content, STYLE, small, dataclasses.replace(SETTINGS, seed=seed), **options)
        return last.picture

    first = painted(1, before)
    alone, held = painted(2, after), painted(2, after, anchor=anchored(first, before, after, weight=100.0))
    changes = [np.abs(second - warp(first, backward)).mean(axis=-1)[mask].mean() for second in (alone, held)]
    assert mask.mean() > 0.8
    assert changes[1] < 0.4 * changes[0]
