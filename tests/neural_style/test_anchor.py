"""What holds the frames of a painted film: what is kept, the temporal loss, and how much steadier frames are for both.

The bar of a still camera: 1/255 of mean change where nothing moves.
"""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf
from film_frames import recorded, rolling_ball, town

from tfgraphs.neural_style import StyleSettings, paint
from tfgraphs.neural_style.anchor import Anchor, anchored, drying, kept, temporal_error
from tfgraphs.neural_style.transfer import Painter
from tfgraphs.pictures.flow import flow, reliable, warp
from tfgraphs.pictures.images import resize
from tfgraphs.pictures.stillness import SteadyFrame, steady_frames

SIZE = (60, 120)
SETTINGS = StyleSettings(content_layer="conv1", style_layers={"conv1": 1.0, "conv2": 1.0}, steps=30, seed=2)


def texture(*size, seed=0):
    random = np.random.default_rng(seed)
    spots = [random.random((1 + size[0] // spot, 1 + size[1] // spot, 3), np.float32) for spot in (3, 8, 20)]
    return np.mean([resize(layer, size) for layer in spots], axis=0).clip(0, 1)


CONTENT, STYLE = texture(*SIZE), texture(60, 70, seed=1)
LEFT = np.zeros(SIZE, np.float32)
LEFT[:, :60] = 1
ALL = np.ones((*SIZE, 1), np.float32)


def everywhere(*size):
    return np.ones(size, np.float32), 1.0, np.ones((*size, 1), np.float32)


def in_motion(before, after):
    return SteadyFrame(before, after, np.ones((*after.shape[:2], 1), np.float32))


def painted_film(frames, small):
    """The frames of a film as the command paints them, with the 8 bits of a file."""
    painter, pictures = Painter(STYLE, small, SETTINGS), []
    for given in drying(steady_frames(frames)):
        anchor = anchored(pictures[-1], given, weight=100.0) if pictures else None
        *_, last = painter.paint(given.frame, anchor=anchor, steps=20 if anchor else 200)
        pictures.append(np.round(last.picture * 255).astype(np.float32) / 255)
    return pictures


def test_the_error_is_the_mean_over_what_is_reliable():
    painting, share = texture(*SIZE, seed=3), np.float32(np.random.default_rng(4).random(SIZE))
    picture, weights, _ = Anchor(CONTENT, share, 7.0, ALL).resized(SIZE)
    error = temporal_error(tf.constant(painting[None]), picture, weights)
    assert float(error) == pytest.approx(7 * (share[..., None] * np.square(painting - CONTENT)).mean(), rel=1e-5)


@pytest.mark.parametrize("size", [(30, 60), (40, 80)])
def test_at_a_smaller_scale_the_anchor_is_smaller(size):
    picture, weights, changed = Anchor(CONTENT, *everywhere(*SIZE)).resized(size)
    assert float(temporal_error(tf.constant(resize(CONTENT, size)[None]), picture, weights)) == 0
    assert changed.shape == (1, *size, 1)


def test_a_painting_starts_from_its_anchor_at_the_finest_scales(small):
    anchor = Anchor(texture(72, 225, seed=3), *everywhere(72, 225))
    settings = dataclasses.replace(SETTINGS, steps=2, learning_rate=1e-9)
    first, last = paint(texture(72, 225), STYLE, small, settings, anchor=anchor)
    assert [progress.picture.shape[:2] for progress in (first, last)] == [(48, 150), (72, 225)]
    np.testing.assert_allclose(first.picture, resize(anchor.picture, (48, 150)).clip(0, 1), atol=1e-6)


def test_an_anchor_holds_where_it_is_reliable(small):
    anchor = Anchor(CONTENT, LEFT, 1e6, ALL)
    *_, last = paint(CONTENT, STYLE, small, SETTINGS, anchor=anchor)
    moved = np.abs(last.picture - CONTENT).mean(axis=(0, 2))
    assert moved[:55].mean() < 0.2 * moved[65:].mean()


def test_the_term_is_named(small):
    anchor, settings = Anchor(1 - CONTENT, LEFT, 1.0, ALL), dataclasses.replace(SETTINGS, steps=1)
    progress = next(paint(CONTENT, STYLE, small, settings, start=CONTENT, anchor=anchor))
    assert progress.terms["temporal"] > 0


def test_the_anchor_of_a_frame_is_the_painted_one_before_moved_as_things_have():
    before, after, painted = CONTENT, np.roll(CONTENT, 6, axis=1), texture(*SIZE, seed=3)
    anchor = anchored(painted, in_motion(before, after), weight=2.0)
    assert anchor.weight == 2
    assert anchor.reliable[10:-10, 16:-10].mean() > 0.95
    assert anchor.reliable[10:-10, :5].mean() < 0.2
    errors = np.abs(anchor.picture - np.roll(painted, 6, axis=1))[10:-10, 16:-10]
    assert errors.mean() < 0.03


def test_a_slow_change_of_light_moves_no_paint():
    before, painted = town(*SIZE), texture(*SIZE, seed=3)
    after = 0.98 * before + np.random.default_rng(0).normal(0, 0.01, before.shape).astype(np.float32)
    anchor = anchored(painted, SteadyFrame(before, after, 0.4 * ALL), weight=2.0)
    np.testing.assert_array_equal(anchor.picture, painted)


def test_after_a_cut_nothing_holds():
    assert anchored(CONTENT, in_motion(texture(*SIZE), texture(*SIZE, seed=9)), weight=2.0) is None


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
    alone, held = painted(2, after), painted(2, after, anchor=anchored(first, in_motion(before, after), weight=100.0))
    changes = [np.abs(second - warp(first, backward)).mean(axis=-1)[mask].mean() for second in (alone, held)]
    assert mask.mean() > 0.8
    assert changes[1] < 0.4 * changes[0]


# --- what does not change


def test_what_has_not_changed_is_kept_and_edges_are_mixed():
    before, after, share = np.float32([[[0.2] * 3]]), np.float32([[[0.7] * 3]]), np.float32([[[0.4]]])
    np.testing.assert_array_equal(kept(before, after, 0 * share), before)
    np.testing.assert_allclose(kept(before, after, share), np.float32([[[0.4] * 3]]), rtol=1e-6)
    np.testing.assert_allclose(kept(*map(tf.constant, (before, after, share))), kept(before, after, share), rtol=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_paint_stays_to_the_bit_where_nothing_changes_and_only_there(small, optimizer):
    if optimizer == "lbfgs":
        pytest.importorskip("scipy")
    anchor = Anchor(texture(*SIZE, seed=3), LEFT, 1.0, 1 - LEFT[..., None])
    *_, last = paint(CONTENT, STYLE, small, dataclasses.replace(SETTINGS, optimizer=optimizer), anchor=anchor)
    np.testing.assert_array_equal(last.picture[:, :60], anchor.picture[:, :60])
    assert np.abs(last.picture - anchor.picture)[:, 60:].mean() > 0.02


def test_paint_dries_for_some_frames_after_something_has_moved():
    """Not where light fades, which leaves no trail."""
    moved = SteadyFrame(CONTENT, CONTENT, np.stack([LEFT, 0.4 * (1 - LEFT)]).sum(axis=0)[..., None])
    frames = [SteadyFrame(None, CONTENT, ALL), moved, *[moved._replace(changed=0 * ALL)] * 20]
    shares = np.stack([given.changed[0, :, 0] for given in drying(frames)])
    np.testing.assert_allclose(shares[1:6, 10], 0.8 ** np.arange(5), rtol=1e-5)
    assert shares[10, 10] > 0
    assert shares[16:, 10].max() == 0
    np.testing.assert_allclose(shares[1:, 100], [0.4, *[0] * 20], rtol=1e-5)


def test_the_loss_is_that_of_the_picture_with_what_is_kept(small):
    """A canvas of other pixels where the anchor is kept has the same loss."""
    anchor = Anchor(CONTENT, LEFT, 1.0, 1 - LEFT[..., None])
    settings = dataclasses.replace(SETTINGS, steps=1, learning_rate=1e-9)
    other = np.where(LEFT[..., None] > 0, texture(*SIZE, seed=5), CONTENT)
    losses = [next(paint(CONTENT, STYLE, small, settings, start=one, anchor=anchor)).loss for one in (CONTENT, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_a_still_camera_gives_a_still_painting(small):
    moving, never = rolling_ball(5)
    pictures = painted_film(recorded(moving), small)
    changes = [np.abs(after - before) for before, after in itertools.pairwise(pictures)]
    assert max(change[never].mean() for change in changes) < 1 / 255
    assert min(change[~never].mean() for change in changes) > 3 / 255
    assert max(change[:30, 100:].max() for change in changes) == 0


def test_colours_follow_a_light_that_fades(small):
    frames = recorded([town() * np.float32(1 - 0.01 * number) for number in range(20)])
    pictures = painted_film(frames, small)
    *_, alone = paint(frames[-1], STYLE, small, SETTINGS, steps=200)
    means = [picture.mean(axis=(0, 1)) for picture in (pictures[-1], alone.picture)]
    assert np.abs(means[0] - means[1]).max() < 3 / 255
    assert max(np.abs(after - before).mean() for before, after in itertools.pairwise(pictures)) < 4 / 255


def test_colours_of_what_moves_stay_as_they_are(small):
    wide = town(60, 160)
    frames = recorded([wide[:, 2 * number : 2 * number + 90] for number in range(30)])
    means = [picture.mean(axis=(0, 1)) for picture in painted_film(frames, small)]
    assert np.abs(np.diff(means, axis=0)).max() < 2 / 255
    assert np.abs(means[-1] - means[0]).max() < 4 / 255
