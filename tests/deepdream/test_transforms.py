"""Random transforms: results, shapes, borders, gradients, randomness."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.deepdream.transforms import (
    GREY,
    compose,
    jitter,
    noise,
    pad,
    random_crop,
    random_roll,
    random_rotate,
    random_scale,
    random_window,
)

RANDOM = {
    "jitter": jitter(4),
    "roll": random_roll,
    "crop": random_crop(40),
    "scale": random_scale(0.5, 1.5),
    "rotate": random_rotate(45),
    "window": random_window(0.3, 1.0),
    "noise": noise(0.1),
    "composed": compose([pad(3), random_rotate(10), random_crop(6)]),
}
SIZES = {"crop": (25, 30), "window": (65, 65)}  # of results of which the size is another one
BORDERED = {
    "pad": pad(5),
    "scale": random_scale(0.3, 0.8),
    "rotate": random_rotate(60),
    "composed": compose([pad(4), random_scale(0.5, 0.9), random_rotate(20), random_crop(4)]),
}
IDENTITIES = {
    "jitter of nothing": jitter(0),
    "pad of nothing": pad(0),
    "crop of nothing": random_crop(0),
    "scale of one": random_scale(1, 1),
    "no rotation": random_rotate(0),
    "no noise": noise(0),
    "compose of nothing": compose([]),
}


def numbered(height, width):
    """A picture whose values are all different and tell where they came from."""
    return np.arange(height * width * 3, dtype=np.float32).reshape(1, height, width, 3)


def colourful(batch=2, height=65, width=70):
    return np.random.default_rng(0).uniform(size=(batch, height, width, 3)).astype(np.float32)


def moved(transform, pictures, seed=3, step=0):
    return transform(tf.constant(pictures), seed, tf.constant(step, tf.int64)).numpy()


def shift_of(rolled, picture):
    """How far a numbered picture was rolled down and across."""
    _, height, width, channels = picture.shape
    place = int(rolled[0, 0, 0, 0]) // channels
    return -(place // width) % height, -(place % width) % width


def jittered(picture, amount, seed=3, step=0):
    return jitter(amount)(tf.constant(picture), seed, tf.constant(step, tf.int64)).numpy()


@pytest.mark.parametrize("name", RANDOM)
def test_the_same_seed_and_step_give_the_same_result(name):
    assert moved(RANDOM[name], colourful(), 5, 6).tobytes() == moved(RANDOM[name], colourful(), 5, 6).tobytes()


@pytest.mark.parametrize("varied", ["seed", "step"])
@pytest.mark.parametrize("name", RANDOM)
def test_results_depend_on(name, varied):
    assert len({moved(RANDOM[name], colourful(), **{varied: value}).tobytes() for value in range(5)}) >= 4


@pytest.mark.parametrize("name", RANDOM)
def test_outputs_have_a_static_shape(name):
    graph = tf.function(RANDOM[name]).get_concrete_function(
        tf.TensorSpec([2, 65, 70, 3]), 3, tf.TensorSpec([], tf.int64)
    )
    size = SIZES.get(name, (65, 70))
    assert graph.structured_outputs.shape.as_list() == [2, *size, 3]
    assert moved(RANDOM[name], colourful()).shape == (2, *size, 3)


@pytest.mark.parametrize("name", [name for name in RANDOM if name not in ("window", "noise")])
def test_all_pictures_of_a_batch_are_transformed_alike(name):
    once = moved(RANDOM[name], colourful(1))
    twice = moved(RANDOM[name], np.repeat(colourful(1), 2, axis=0))
    np.testing.assert_array_equal(twice, np.repeat(once, 2, axis=0))


@pytest.mark.parametrize("name", BORDERED)
def test_grey_pictures_have_no_border(name):
    grey = np.full((1, 20, 30, 3), GREY, np.float32)
    found = np.concatenate([moved(BORDERED[name], grey, step=step).ravel() for step in range(5)])
    np.testing.assert_allclose(found, GREY, atol=1e-6)


@pytest.mark.parametrize("name", BORDERED)
def test_pixels_beyond_the_border_are_grey(name):
    white = np.ones((1, 20, 30, 3), np.float32)
    found = [moved(BORDERED[name], white, step=step) for step in range(5)]
    assert min(one.min() for one in found) == pytest.approx(GREY, abs=1e-6)
    assert max(one.max() for one in found) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", [name for name in RANDOM if name not in ("scale", "rotate", "noise", "composed")])
def test_pixels_beyond_the_border_do_not_appear(name):
    white = np.ones((2, 65, 70, 3), np.float32)
    for step in range(20):
        np.testing.assert_allclose(moved(RANDOM[name], white, step=step), 1, atol=1e-6)


@pytest.mark.parametrize("name", IDENTITIES)
def test_transforms_by_nothing_are_identities(name):
    pictures = colourful(2, 9, 12)
    np.testing.assert_allclose(moved(IDENTITIES[name], pictures), pictures, atol=1e-6)


@pytest.mark.parametrize("name", RANDOM)
def test_the_gradient_reaches_the_pictures(name):
    """The sum of bilinear weights is at most the number of output values."""
    pictures = tf.constant(colourful())
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        seen = RANDOM[name](pictures, 3, tf.constant(0, tf.int64))
        total = tf.reduce_sum(seen)
    gradient = tape.gradient(total, pictures).numpy()
    assert gradient.min() >= 0
    assert 0.5 * seen.numpy().size < gradient.sum() <= 1.0001 * seen.numpy().size


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("transform", [jitter(4), random_roll], ids=["jitter", "random_roll"])
def test_a_roll_loses_nothing(transform, step):
    picture = numbered(9, 11)
    rolled = moved(transform, picture, step=step)
    np.testing.assert_array_equal(rolled, np.roll(picture, shift_of(rolled, picture), axis=(1, 2)))


def test_jitter_draws_every_shift_up_to_its_amount():
    picture = numbered(20, 20)
    shifts = {shift_of(jittered(picture, 1, step=step), picture) for step in range(100)}
    assert shifts == {(down % 20, across % 20) for down in (-1, 0, 1) for across in (-1, 0, 1)}


def test_a_random_roll_draws_every_shift():
    picture = numbered(3, 2)
    shifts = {shift_of(moved(random_roll, picture, step=step), picture) for step in range(100)}
    assert shifts == {(down, across) for down in range(3) for across in range(2)}


@pytest.mark.parametrize("step", range(3))
def test_the_gradient_rolls_back(step):
    """d sum(roll(x) w) / dx is w rolled the other way."""
    picture = numbered(9, 11)
    weights = np.random.default_rng(0).normal(size=picture.shape).astype(np.float32)
    variable = tf.Variable(picture)
    with tf.GradientTape() as tape:
        rolled = jitter(4)(variable, 3, tf.constant(step, tf.int64))
        value = tf.reduce_sum(rolled * weights)
    down, across = shift_of(rolled.numpy(), picture)
    np.testing.assert_array_equal(tape.gradient(value, variable), np.roll(weights, (-down, -across), axis=(1, 2)))


def test_a_pad_puts_grey_around():
    pictures = colourful(2, 4, 5)
    expected = np.pad(pictures, [(0, 0), (3, 3), (3, 3), (0, 0)], constant_values=0.5)
    np.testing.assert_array_equal(moved(pad(3), pictures), expected)


def test_a_pad_is_traced_without_a_warning(caplog, monkeypatch):
    """AutoGraph, which reads the source of each function, cannot read that of every lambda."""
    caplog.set_level("WARNING", tf.get_logger().name)
    monkeypatch.setattr(tf.get_logger(), "handlers", [caplog.handler])
    transform = pad(3)
    traced = tf.function(lambda pictures: transform(pictures, 0, tf.constant(0, tf.int64)))
    assert traced(tf.zeros([1, 8, 8, 3])).shape == [1, 14, 14, 3]
    assert caplog.messages == []


def test_a_crop_takes_all_offsets():
    picture = numbered(6, 7)
    found = {moved(random_crop(2), picture, step=step).tobytes() for step in range(100)}
    assert found == {
        picture[:, down : down + 4, across : across + 5].tobytes() for down in (0, 1, 2) for across in (0, 1, 2)
    }


def ramp(height, width):
    """The values are x and y from the centre."""
    down, across = np.mgrid[:height, :width].astype(np.float32)
    places = np.stack([across - (width - 1) / 2, down - (height - 1) / 2, np.ones_like(down)], axis=-1)
    return places[None]


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_a_picture_is_scaled_about_its_middle(factor):
    picture = ramp(21, 30)
    scaled = moved(random_scale(factor, factor), picture)
    np.testing.assert_allclose(scaled[0, 6:15, 8:22, :2], picture[0, 6:15, 8:22, :2] / factor, atol=1e-4)


def turned_by(step, degrees=30):
    """The angle of the rotation in a step, the distance of a rotated point, and the centre."""
    picture = ramp(31, 31)
    turned = moved(random_rotate(degrees), picture, step=step)
    x, y = turned[0, 15, 20, :2]
    return math.degrees(math.atan2(y, x)), math.hypot(x, y), turned[0, 15, 15, :2]


@pytest.mark.parametrize("step", range(3))
def test_a_rotation_keeps_the_middle_and_all_distances(step):
    _, distance, middle = turned_by(step)
    np.testing.assert_allclose(middle, 0, atol=1e-4)
    assert distance == pytest.approx(5, abs=1e-3)


def test_rotations_go_both_ways_up_to_their_largest():
    angles = [turned_by(step)[0] for step in range(60)]
    assert -30 <= min(angles) < -20
    assert 20 < max(angles) <= 30


def test_scales_are_drawn_from_the_smallest_to_the_largest():
    factors = [5 / moved(random_scale(0.8, 1.2), ramp(31, 31), step=step)[0, 15, 20, 0] for step in range(60)]
    assert 0.8 <= min(factors) < 0.85
    assert 1.15 < max(factors) <= 1.2001


@pytest.mark.parametrize("size", [(24, 36), (36, 24), (24, 24)], ids=str)
def test_the_largest_window_has_the_shorter_side(size):
    """Neighbours in the result are neighbours in the picture along the shorter side."""
    window = moved(random_window(1, 1), ramp(*size))
    assert window.shape == (1, 24, 24, 3)
    shorter = 1 if size[0] == 24 else 0
    np.testing.assert_allclose(np.diff(window[0, ..., shorter], axis=1 - shorter), 1, atol=1e-4)


def test_windows_differ_between_pictures():
    windows = moved(random_window(0.3, 0.9), np.repeat(ramp(24, 30), 4, axis=0))
    assert len({window.tobytes() for window in windows}) == 4


def test_a_window_is_a_square_inside_the_picture():
    for step in range(20):
        across, down = moved(random_window(0.3, 0.9), ramp(24, 36), step=step)[0, ..., :2].transpose(2, 0, 1)
        assert np.ptp(across) == pytest.approx(np.ptp(down), rel=0.02)
        assert np.abs(across).max() <= 17.5001
        assert np.abs(down).max() <= 11.5001


def test_noise_has_its_deviation():
    pictures = np.zeros((2, 40, 50, 3), np.float32)
    assert moved(noise(0.2), pictures).std() == pytest.approx(0.2, rel=0.03)


def test_noise_differs_between_pictures():
    first, second = moved(noise(0.2), np.zeros((2, 9, 9, 3), np.float32))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.3


def test_composed_transforms_follow_one_another():
    def plus(amount):
        return lambda pictures, seed, step: pictures + amount

    def times(factor):
        return lambda pictures, seed, step: pictures * factor

    picture = numbered(3, 4)
    np.testing.assert_array_equal(moved(compose([plus(1), times(2)]), picture), (picture + 1) * 2)


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
def test_composed_transforms_are_independent(nested):
    """Sums of the same noise would deviate twice as much, those of independent noise by the square root of two."""
    parts = [compose([noise(0.1)]), compose([noise(0.1)])] if nested else [noise(0.1), noise(0.1)]
    found = moved(compose(parts), np.zeros((1, 60, 60, 3), np.float32))
    assert found.std() == pytest.approx(0.1 * math.sqrt(2), rel=0.05)


def test_a_single_transform_is_composed_as_it_is():
    pictures = np.zeros((1, 9, 9, 3), np.float32)
    np.testing.assert_array_equal(moved(compose([noise(0.1)]), pictures), moved(noise(0.1), pictures))
