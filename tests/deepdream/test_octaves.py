"""Octaves: their sizes and steps, where each starts, and optimizers with and without slots."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.deepdream.octaves import PixelAscent, octave_levels, octave_sizes, octave_start, steps_before
from tfgraphs.optimize.pyramid import Level


@pytest.mark.parametrize(
    ("size", "count", "scale", "sizes"),
    [
        ((480, 640), 4, 1.4, [(175, 233), (245, 327), (343, 457), (480, 640)]),
        ((400, 200), 3, 2.0, [(100, 50), (200, 100), (400, 200)]),
        ((400, 200), 4, 2.0, [(100, 50), (200, 100), (400, 200)]),
        ((96, 96), 2, 2.0, [(48, 48), (96, 96)]),
        ((95, 300), 2, 2.0, [(48, 150), (95, 300)]),
        ((94, 300), 2, 2.0, [(94, 300)]),
        ((30, 20), 4, 1.4, [(30, 20)]),
        ((500, 500), 1, 1.4, [(500, 500)]),
        ((1365, 2049), 3, 1.2, [(948, 1423), (1138, 1708), (1365, 2049)]),
        ((67, 68), 6, 1.2, [(56, 57), (67, 68)]),
    ],
)
def test_octaves_shrink_by_the_scale_until_a_side_is_too_small(size, count, scale, sizes):
    levels = octave_levels(size, count, scale, smallest=48, steps=40)
    assert [level.size for level in levels] == sizes
    in_a_graph = tf.function(octave_sizes)(tf.constant(size), count, scale, 48, tf.constant(40))
    assert in_a_graph.numpy().tolist() == [list(size) for size in sizes]


@pytest.mark.parametrize(
    ("steps", "iterations", "expected"),
    [(40, None, [10] * 4), (10, None, [2, 3, 2, 3]), (3, None, [1, 1, 1]), (1, None, [1]), (1, 7, [7] * 4)],
)
def test_steps_are_split_evenly_between_octaves(steps, iterations, expected):
    levels = octave_levels((480, 640), 4, 1.4, 48, steps, iterations)
    assert [level.steps for level in levels] == expected
    assert levels[-1].size == (480, 640)


def test_steps_before_are_the_same_for_tensors():
    for octave in range(5):
        assert int(steps_before(tf.constant(octave), tf.constant(4), tf.constant(11))) == steps_before(octave, 4, 11)


def test_an_octave_starts_with_the_detail_gained_so_far_on_the_original():
    smaller, picture = np.full((2, 2, 3), 0.25), np.full((2, 2, 3), 0.75)
    original = np.random.default_rng(0).uniform(size=(4, 4, 3))
    start = octave_start(picture, smaller, original, lambda detail: detail.repeat(2, axis=0).repeat(2, axis=1))
    np.testing.assert_array_equal(start, original + 0.5)


TARGET = 0.7


def distance(pictures, step):
    return tf.reduce_mean(tf.square(pictures - TARGET))


@pytest.mark.parametrize(
    ("optimizer", "graphs"),
    [("sgd", 1), ("adam", 2), (tf.keras.optimizers.SGD(0.05, momentum=0.9), 2)],
    ids=["sgd", "adam", "momentum"],
)
def test_any_optimizer_works_at_any_size(optimizer, graphs):
    made = []
    levels = [Level(4, 6, 10), Level(5, 3, 10)]
    ascent = PixelAscent(distance, optimizer, 0.05, lambda gradient: 300 * gradient, batch=2, on_graph=made.append)
    progress = list(ascent.ascend(levels, lambda number, _: np.full((2, *levels[number].size, 3), 0.2, np.float32)))
    for level, step in zip(levels, (10, 20), strict=True):
        (pictures,) = (one.picture for one in progress if one.step == step)
        assert pictures.shape == (2, *level.size, 3)
        assert np.abs(pictures - TARGET).mean() < 0.4
    assert len(made) == graphs


def test_the_loss_gets_the_steps_before_and_those_of_smaller_octaves():
    steps = []

    def loss(pictures, step):
        tf.numpy_function(lambda number: steps.append(int(number)), [step], [])
        return tf.reduce_sum(pictures)

    ascent = PixelAscent(loss, "sgd", 0.05, tf.convert_to_tensor)
    levels = [Level(2, 3, 2), Level(4, 6, 3)]
    list(ascent.ascend(levels, lambda number, _: np.ones((1, *levels[number].size, 3), np.float32), steps_before=7))
    assert sorted(set(steps)) == [7, 8, 9, 10, 11]
