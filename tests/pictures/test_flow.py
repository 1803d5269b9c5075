"""Optical flow: pictures shifted by whole pixels, patches that hide and show, and what numpy says of all that."""

import sys

import numpy as np
import pytest

from tfgraphs.pictures.flow import FlowError, flow, reliable, warp
from tfgraphs.pictures.images import resize

HEIGHT, WIDTH = 90, 120


def texture(height=HEIGHT, width=WIDTH, seed=0):
    """Spots of several sizes, as photographs have them; no place looks like another."""
    random = np.random.default_rng(seed)
    spots = [random.random((1 + height // size, 1 + width // size, 3), np.float32) for size in (3, 8, 20)]
    return np.mean([resize(layer, (height, width)) for layer in spots], axis=0).clip(0, 1)


def constant(right, down, size=(HEIGHT, WIDTH)):
    return np.broadcast_to(np.float32([right, down]), (*size, 2))


def inner(array, margin=12):
    return array[margin:-margin, margin:-margin]


@pytest.mark.parametrize(("right", "down"), [(0, 0), (5, 0), (0, -3), (-4, 6)])
def test_the_flow_of_a_shifted_picture_is_its_shift(right, down):
    before = texture()
    found = flow(before, np.roll(before, (down, right), axis=(0, 1)))
    assert found.dtype == np.float32
    assert np.abs(inner(found) - constant(right, down)[:1, :1]).mean() < 0.1


def test_the_same_pictures_have_the_same_flow():
    one, other = texture(), texture(seed=1)
    np.testing.assert_array_equal(flow(one, other), flow(one, other))


@pytest.mark.parametrize("size", [(1, 1), (11, 11), (1, 30), (12, 12)])
def test_pictures_of_any_size_have_a_flow(size):
    assert flow(texture(*size), texture(*size, seed=1)).shape == (*size, 2)
    assert reliable(constant(0, 0, size), constant(0, 0, size)).shape == size


@pytest.mark.parametrize(("right", "down"), [(0, 0), (7, 0), (0, 4), (-3, -9)])
def test_a_picture_is_warped_back_over_a_shift_to_the_bit(right, down):
    picture = texture()
    moved = np.roll(picture, (down, right), axis=(0, 1))
    np.testing.assert_array_equal(inner(warp(picture, constant(-right, -down))), inner(moved))


def test_what_comes_from_outside_is_mirrored():
    picture = texture()
    np.testing.assert_array_equal(warp(picture, constant(-3, 0))[:, :3], picture[:, 2::-1])


def test_between_pixels_a_ramp_stays_a_ramp():
    columns, rows = np.arange(WIDTH) / 200, np.arange(HEIGHT)[:, None] / 200
    ramp = np.stack(np.broadcast_arrays(columns, rows, columns + rows), axis=-1).astype(np.float32)
    expected = ramp + np.float32([0.25, -1.5, -1.25]) / 200
    np.testing.assert_allclose(inner(warp(ramp, constant(0.25, -1.5))), inner(expected), atol=1e-6)


def test_a_steady_movement_is_reliable_but_for_what_comes_in():
    mask = reliable(constant(6, 0), constant(-6, 0))
    assert mask.dtype == np.float32
    assert (mask[:, 6:] == 1).all()
    assert (mask[:, :5] == 0).all()


@pytest.mark.parametrize(("error", "believed"), [(0.6, 1), (1.2, 0)])
def test_ways_there_and_back_that_differ_are_not_believed(error, believed):
    """For ways of 6 px and back the paper allows the square root of 0.01 (36 + 36) + 0.5, 1.1 px."""
    assert (inner(reliable(constant(6, 0), constant(-6, error))) == believed).all()


@pytest.mark.parametrize(("slope", "believed"), [(0.04, 1), (0.05, 0)])
def test_the_boundary_of_a_movement_is_not_believed(slope, believed):
    """Where hardly anything moves the paper allows a gradient of the square root of 0.002, 0.045 px a px."""
    backward = constant(0, 0).copy()
    backward[40:50, :, 0] = slope * np.arange(-5, 5)[:, None]
    assert (reliable(-backward, backward)[42:48, 20:-20] == believed).all()


def scene(left):
    """A patch of 30 x 30 px before a still background."""
    picture = texture()
    picture[30:60, left : left + 30] = texture(30, 30, seed=5)
    return picture


@pytest.fixture(scope="module")
def passing():
    """A patch that goes 8 px to the right, and both flows."""
    before, after = scene(40), scene(48)
    return before, after, flow(before, after), flow(after, before)


def test_what_appears_behind_a_patch_is_not_believed(passing):
    *_, forward, backward = passing
    mask = reliable(forward, backward)
    assert mask[34:56, 40:48].mean() < 0.2
    assert mask[:20].mean() > 0.95


def test_where_it_is_believed_the_warped_picture_is_the_one_after(passing):
    before, after, forward, backward = passing
    mask = reliable(forward, backward) > 0
    errors = np.abs(warp(before, backward) - after).mean(axis=-1)
    assert mask.mean() > 0.75
    assert errors[mask].mean() < 0.01
    assert errors[~mask].mean() > 5 * errors[mask].mean()


def test_without_opencv_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(FlowError, match=r"pip install .*\[video\]"):
        flow(texture(), texture())
