"""Where films stand still: noise is not a change, and movements, cuts and slow changes of light are."""

import itertools

import numpy as np
import pytest
from film_frames import recorded, rolling_ball, town, write_video

from tfgraphs.pictures import films
from tfgraphs.pictures.camera import sampled
from tfgraphs.pictures.images import resize
from tfgraphs.pictures.stillness import FADE, NOISE, changes, steady_frames


def seen_from(x, height=96, width=128):
    """The town where the camera looks x px further to the right."""
    columns = 4 + x + np.arange(width) + np.zeros((height, 1))
    return sampled(town(height, width + 128), columns, np.arange(height)[:, None] + np.zeros(width))


def fading(count, step):
    return [town() * np.float32(1 - step * number) for number in range(count)]


@pytest.mark.parametrize("noise", [0, 1, 3])
def test_noise_is_no_change(noise):
    frames = recorded([town()] * 4, noise)
    first, *others = steady_frames(frames)
    assert first.before is None
    assert first.changed.min() == 1
    np.testing.assert_array_equal(first.frame, frames[0])
    for one in others:
        assert one.changed.max() == 0
        np.testing.assert_array_equal(one.frame, frames[0])


def test_noise_of_a_compressed_film_is_hardly_a_change(tmp_path):
    pytest.importorskip("av")
    path = write_video(tmp_path / "film.mp4", recorded([town()] * 12, 3), options={"crf": "28"})
    _, *others = steady_frames(films.open_film(path).frames())
    assert np.mean([one.changed.mean() for one in others]) < 0.02


def test_what_moves_has_changed_and_what_is_far_from_it_has_not():
    moving, _ = rolling_ball(6)
    for before, one in itertools.pairwise(steady_frames(recorded(moving))):
        difference = np.abs(one.frame - before.frame).max(axis=-1)
        np.testing.assert_array_equal(one.before, before.frame)
        assert one.changed[difference > 0.15].min() > 0.9
        np.testing.assert_array_equal(one.frame[:40, 100:], before.frame[:40, 100:])
        assert (one.changed > 0).mean() < 0.25


def test_edges_are_soft():
    moving, _ = rolling_ball(2)
    _, one = steady_frames(recorded(moving))
    steps = [np.abs(np.diff(one.changed, axis=axis)).max() for axis in (0, 1)]
    assert max(steps) < 0.5


@pytest.mark.parametrize("speed", [0.5, 1, 4, 20])
def test_a_camera_that_moves_changes_all_even_a_clear_sky(speed):
    frames = recorded([seen_from(speed * number) for number in range(5)])
    assert all(one.changed.mean() > 0.95 for one in steady_frames(frames))


def test_slow_movements_add_up():
    frames = recorded([seen_from(0.1 * number) for number in range(13)])
    shares = [one.changed.mean() for one in steady_frames(frames)]
    assert shares[1] < 0.1
    assert sum(shares[1:]) > 2


def test_after_a_cut_all_is_new():
    assert changes(*recorded([town(), seen_from(90)[::-1]])).mean() > 0.97


@pytest.mark.parametrize("step", [0.002, 0.01, 0.05])
def test_light_that_fades_is_followed_closely_and_softly(step):
    frames = recorded(fading(16, step))
    for given, one in zip(frames, steady_frames(frames), strict=True):
        assert np.abs(resize(one.frame - given, (12, 16))).max() < NOISE + FADE
    if step == 0.002:
        assert max(one.changed.mean() for one in itertools.islice(steady_frames(frames), 1, None)) < 0.2


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (32, 33), (7, 4)])
def test_pictures_of_any_size(size):
    frame = np.random.default_rng(0).random((*size, 3)).astype(np.float32)
    assert changes(frame, frame).shape == (*size, 1)
    assert changes(frame, frame).max() == 0
    assert changes(frame, 1 - frame).mean() > 0.5 or size == (1, 1)
