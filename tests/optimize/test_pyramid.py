"""The climb from coarse to fine: order, steps, share of the work, the picture that is handed on; and the canvas."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.optimize.lbfgs import LBFGS
from tfgraphs.optimize.pyramid import Canvas, Level, coarse_to_fine
from tfgraphs.optimize.reports import GRADIENT_NORM, Report

LEVELS = [Level(20, 30, 2), Level(40, 60, 3), Level(80, 120, 1)]

pyramids = st.lists(st.builds(Level, st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 20)), min_size=1)


def picture_of(number, step):
    return np.full((1, 1, 3), 100 * number + step)


def climb(levels, first_step=1, given_pictures=None):
    """Each step of each level reports; the picture tells the level and the step."""

    def optimise(number, picture):
        if given_pictures is not None:
            given_pictures.append(picture)
        steps = levels[number].steps
        for step in range(min(first_step, steps), steps + 1):
            yield Report(step, steps, number + step / 10, {"term": step}), picture_of(number, step)

    return list(coarse_to_fine(levels, optimise, "octave"))


def test_stages_come_in_order_with_their_width_and_height():
    stages = [stage for stage, _ in itertools.groupby(climb(LEVELS), lambda progress: progress.stage)]
    assert stages == ["octave 1 of 3, 30 x 20", "octave 2 of 3, 60 x 40", "octave 3 of 3, 120 x 80"]


def test_steps_are_counted_over_all_stages():
    assert [progress.step for progress in climb(LEVELS)] == [1, 2, 3, 4, 5, 6]


@given(levels=pyramids)
def test_the_share_of_work_rises_to_exactly_one(levels):
    done = [0, *(progress.done for progress in climb(levels))]
    assert all(before < after for before, after in itertools.pairwise(done))
    assert done[-1] == 1


def test_a_step_counts_by_its_pixels():
    levels = [Level(10_000, 10_000, 2), Level(20_000, 30_000, 2)]
    small, smaller_end, large, larger_end = (progress.done for progress in climb(levels))
    assert (larger_end - large) / (smaller_end - small) == pytest.approx(6, rel=1e-3)


def test_a_level_that_was_finished_before_counts_as_done():
    done = {progress.step: progress.done for progress in climb(LEVELS)}
    assert {progress.step: progress.done for progress in climb(LEVELS, first_step=99)} == {
        step: done[step] for step in (2, 5, 6)
    }


def test_each_level_starts_from_the_last_picture_of_the_one_before():
    given_pictures = []
    climb(LEVELS, given_pictures=given_pictures)
    assert given_pictures[0] is None
    np.testing.assert_array_equal(given_pictures[1:], [picture_of(0, 2), picture_of(1, 3)])


def test_progress_has_the_picture_loss_and_terms_of_its_report():
    progress = climb(LEVELS)[3]
    np.testing.assert_array_equal(progress.picture, picture_of(1, 2))
    assert (progress.loss, progress.terms) == (1.2, {"term": 2})


def test_each_level_has_a_figure_for_its_loss():
    names = {tuple(progress.figures) for progress in climb(LEVELS)}
    assert names == {("octave1/loss",), ("octave2/loss",), ("octave3/loss",)}
    assert all(list(progress.figures.values()) == [progress.loss] for progress in climb(LEVELS))


AIM = np.random.default_rng(1).uniform(-0.3, 1.3, (6, 8, 3)).astype(np.float32)


def canvas(optimizer):
    return Canvas(lambda pictures, step: tf.reduce_mean(tf.square(pictures - AIM)), optimizer, [1, *AIM.shape])


OPTIMIZERS = {"sgd": lambda: keras.optimizers.SGD(50.0), "lbfgs": LBFGS}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_canvas_comes_as_near_to_its_aim_as_its_range_allows(optimizer):
    *_, (report, (picture,)) = canvas(OPTIMIZERS[optimizer]()).improve(np.full_like(AIM, 0.5)[None], 30)
    np.testing.assert_allclose(picture, AIM.clip(0, 1), atol=1e-4)
    assert report.loss == pytest.approx(np.mean((AIM.clip(0, 1) - AIM) ** 2), rel=1e-4)
    assert GRADIENT_NORM in report.terms
