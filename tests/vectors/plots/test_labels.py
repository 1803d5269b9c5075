import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_boxes import overlapping

from tfgraphs.vectors.plots.labels import place_labels

FRAME = np.array([500.0, 400.0])


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(0, 8))
def test_labels_never_overlap_and_stay_on_the_page(seed, count, lines):
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, FRAME, size=(count, 2))
    sizes = rng.uniform((10, 10), (60, 15), size=(count, 2))
    segments = places[rng.integers(count, size=(lines, 2))]
    corners, _ = place_labels(places, sizes, segments, FRAME, 3)
    shown = np.isfinite(corners).all(axis=1)
    boxes = np.concatenate([corners, corners + sizes], axis=1)[shown]
    assert not overlapping(boxes)
    assert (boxes >= 0).all()
    assert (boxes[:, 2:] <= FRAME).all()


def test_a_lonely_label_stands_to_the_right_of_its_point():
    corners, tips = place_labels(FRAME[None] / 2, np.array([[40.0, 12.0]]), np.empty((0, 2, 2)), FRAME, 3)
    assert 3 < corners[0, 0] - FRAME[0] / 2 < 8
    assert corners[0, 1] + 6 == pytest.approx(FRAME[1] / 2)
    assert np.isnan(tips).all()


@pytest.mark.parametrize("angle", np.arange(0, 360, 30))
def test_a_label_does_not_cover_an_arrow(angle):
    start = FRAME / 2
    end = start + 100 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    sizes = np.array([[40.0, 12.0]])
    corners, _ = place_labels(start[None], sizes, np.array([[start, end]]), FRAME, 3)
    way = start + np.linspace(0, 1, 200)[:, None] * (end - start)
    assert not ((way > corners[0]) & (way < corners[0] + sizes[0])).all(axis=1).any()


def test_labels_cover_no_points_where_there_is_room():
    places = FRAME / 2 + np.array([(x, y) for x in (-60, 0, 60) for y in (-15, 0, 15)])
    sizes = np.full((9, 2), (40.0, 10.0))
    corners, _ = place_labels(places, sizes, np.empty((0, 2, 2)), FRAME, 3)
    nearest = np.clip(places[:, None], corners, corners + sizes)
    assert np.linalg.norm(places[:, None] - nearest, axis=-1).min() >= 3


def test_labels_of_equal_points_are_all_placed_with_lines():
    places = np.full((9, 2), FRAME / 2)
    corners, tips = place_labels(places, np.full((9, 2), (40.0, 12.0)), np.empty((0, 2, 2)), FRAME, 3)
    assert np.isfinite(corners).all()
    assert np.isfinite(tips).any()
    ends = tips[np.isfinite(tips).all(axis=1)]
    assert (np.abs(ends - FRAME / 2).max(axis=1) < 80).all()


def test_a_label_without_room_is_left_out():
    corners, tips = place_labels(FRAME[None] / 2, FRAME[None] * 2, np.empty((0, 2, 2)), FRAME, 3)
    assert np.isnan(corners).all()
    assert np.isnan(tips).all()
