"""Painting: the sizes and steps of scales, and the shifts against the lattice of strided layers."""

import collections
import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.neural_style.scales import painted_size, scale_levels, scale_sizes, scale_steps, style_size
from tfgraphs.neural_style.shifts import MARGIN, SHIFTS, STYLE_SHIFTS, mirror_and_shift
from tfgraphs.pictures.images import fit


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        ((64, 64), [(64, 64)]),
        ((149, 149), [(149, 149)]),
        ((150, 150), [(100, 100), (150, 150)]),
        ((48, 150), [(32, 100), (48, 150)]),
        ((46, 150), [(46, 150)]),
        ((480, 640), [(94, 126), (142, 190), (213, 284), (320, 427), (480, 640)]),
    ],
)
def test_scales_grow_by_one_and_a_half_to_the_full_size(size, sizes):
    assert [level.size for level in scale_levels(size, 100)] == sizes


@pytest.mark.parametrize("size", [(32, 32), (480, 640), (3000, 4000), (33, 999)])
def test_scales_keep_the_proportions_of_the_photograph(size):
    sizes = [level.size for level in scale_levels(size, 100)]
    assert sizes[::-1] == [fit(size, round(max(size) / 1.5**number)) for number in range(len(sizes))]


def test_a_graph_has_the_same_scales():
    size = tf.constant((480, 640))
    np.testing.assert_array_equal(tf.function(scale_sizes)(size), scale_sizes(size))
    np.testing.assert_array_equal(tf.function(scale_steps)(tf.constant(650), tf.constant(5)), scale_steps(650, 5))


def test_at_most_so_many_scales_are_the_finest_ones():
    assert [level.size for level in scale_levels((480, 640), 80, most=2)] == [(320, 427), (480, 640)]


@pytest.mark.parametrize(
    ("factor", "most_pixels", "painted"),
    [(1.0, 0, (41, 60)), (1.5, np.inf, (62, 90)), (1.5, 62 * 90, (62, 90)), (1.5, 62 * 90 - 1, (41, 60))],
)
def test_a_picture_is_painted_larger_unless_it_had_too_many_pixels_then(factor, most_pixels, painted):
    size = tf.constant((41, 60))
    assert tuple(painted_size(size, factor, most_pixels).numpy()) == painted
    assert tuple(tf.function(painted_size)(size, factor, most_pixels).numpy()) == painted


@pytest.mark.parametrize(
    ("size", "longest", "reduced"),
    [
        ((50, 70), 101, (50, 70)),
        ((50, 70), 50, (36, 50)),
        ((50, 70), 20, (32, 45)),
        ((300, 100), 4000, (300, 100)),
        ((300, 100), 150.4, (150, 50)),
        ((32, 400), 50, (32, 400)),
    ],
)
def test_a_painting_is_reduced_as_far_as_its_shorter_side_allows(size, longest, reduced):
    assert tuple(style_size(tf.constant(size), longest).numpy()) == reduced


@pytest.mark.parametrize("size", [(64, 64), (150, 200), (480, 640), (3000, 4000)])
@pytest.mark.parametrize("steps", [50, 650])
def test_the_steps_of_all_scales_are_about_those_asked_for(size, steps):
    levels = scale_levels(size, steps)
    assert sum(level.steps for level in levels) == pytest.approx(steps, abs=len(levels))


def test_the_coarsest_scale_has_three_times_the_steps_of_the_finest():
    first, *_, last = scale_levels((480, 640), 650)
    assert first.steps / last.steps == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize("size", [(64, 64), (480, 640)])
def test_every_scale_has_a_step(size):
    assert all(level.steps >= 1 for level in scale_levels(size, 1))


def offsets(shift, picture):
    """Where a picture lies in its mirrored frame; each place in which it lies there unchanged."""
    frame = mirror_and_shift(tf.constant(picture), shift).numpy()
    _, height, width, _ = picture.shape
    return [
        (down, across)
        for down, across in itertools.product(range(2 * MARGIN + 1), repeat=2)
        if np.array_equal(frame[:, down : down + height, across : across + width], picture)
    ]


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).random((1, 32, 36, 3)).astype(np.float32)


@pytest.mark.parametrize("shift", range(SHIFTS))
def test_a_shift_mirrors_the_picture_around_one_unchanged_copy(shift, noise):
    ((down, across),) = offsets(shift, noise)
    frame = [(0, 0), (down, 2 * MARGIN - down), (across, 2 * MARGIN - across), (0, 0)]
    np.testing.assert_array_equal(mirror_and_shift(tf.constant(noise), shift), np.pad(noise, frame, mode="reflect"))


@pytest.mark.parametrize(("down", "across"), [(16, 1), (1, 16), (4, 4), (2, 2), (8, 2), (2, 8)])
def test_the_shifts_meet_each_place_of_a_lattice_equally_often(down, across, noise):
    places = [offsets(shift, noise)[0] for shift in range(SHIFTS)]
    counts = collections.Counter((row % down, column % across) for row, column in places)
    assert set(counts.values()) == {SHIFTS // (down * across)}
    assert len(counts) == down * across


def test_the_shifts_of_paintings_meet_each_place_of_a_lattice_of_two(noise):
    places = [offsets(shift, noise)[0] for shift in STYLE_SHIFTS]
    assert {(row % 2, column % 2) for row, column in places} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_shift_drawn_inside_a_graph_keeps_the_shape_known(noise):
    drawn = tf.function(lambda shift: tf.zeros(mirror_and_shift(tf.constant(noise), shift).shape))
    assert drawn(tf.constant(5)).shape == (1, 32 + 2 * MARGIN, 36 + 2 * MARGIN, 3)
