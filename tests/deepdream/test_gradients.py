"""Objectives, the scaling of gradients, and jitter."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.deepdream.gradients import mean_abs
from tfgraphs.deepdream.objectives import layer_l2
from tfgraphs.deepdream.transforms import jitter


def normal(*shape, dtype=np.float64):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def test_the_gradient_of_layer_l2_is_the_activations_over_their_number():
    activations = normal(1, 5, 7, 3)
    variable = tf.Variable(activations)
    with tf.GradientTape() as tape:
        value = layer_l2("fire7").value({"fire7": variable})
    np.testing.assert_allclose(tape.gradient(value, variable), activations / activations.size, rtol=1e-12)


def test_layer_l2_reads_only_its_layer():
    assert layer_l2("fire7").layers == ("fire7",)


@pytest.mark.parametrize("scale", [1e-8, 1, 1e8])
def test_a_normalized_gradient_has_a_mean_absolute_value_of_one(scale):
    normalized = mean_abs(tf.constant(normal(1, 6, 5, 3, dtype=np.float32) * scale, tf.float32))
    assert np.abs(normalized).mean() == pytest.approx(1, rel=1e-5)


def test_a_normalized_gradient_keeps_its_direction():
    gradient = normal(1, 6, 5, 3)
    normalized = mean_abs(tf.constant(gradient)).numpy()
    cosine = np.sum(normalized * gradient) / np.linalg.norm(normalized) / np.linalg.norm(gradient)
    assert cosine == pytest.approx(1, abs=1e-12)


def test_a_gradient_of_zero_stays_zero():
    np.testing.assert_array_equal(mean_abs(tf.zeros([1, 4, 4, 3])), np.zeros((1, 4, 4, 3)))


def numbered(height, width):
    """A picture whose values are all different, so that each shows where it came from."""
    return np.arange(height * width * 3, dtype=np.float32).reshape(1, height, width, 3)


def shift_of(moved, picture):
    """How far a numbered picture was rolled down and across."""
    _, height, width, channels = picture.shape
    place = int(moved[0, 0, 0, 0]) // channels
    return -(place // width) % height, -(place % width) % width


def jittered(picture, amount, seed=3, step=0):
    return jitter(tf.constant(picture), amount, seed, tf.constant(step, tf.int64)).numpy()


@pytest.mark.parametrize("step", range(5))
def test_jitter_is_a_pure_roll(step):
    picture = numbered(9, 11)
    moved = jittered(picture, 4, step=step)
    np.testing.assert_array_equal(moved, np.roll(picture, shift_of(moved, picture), axis=(1, 2)))


def test_jitter_draws_every_shift_up_to_its_amount():
    picture = numbered(20, 20)
    shifts = {shift_of(jittered(picture, 1, step=step), picture) for step in range(100)}
    assert shifts == {(down % 20, across % 20) for down in (-1, 0, 1) for across in (-1, 0, 1)}


def test_the_same_seed_and_step_give_the_same_jitter():
    picture = numbered(9, 11)
    np.testing.assert_array_equal(jittered(picture, 4, 5, 6), jittered(picture, 4, 5, 6))


@pytest.mark.parametrize("varied", ["seed", "step"])
def test_jitter_depends_on(varied):
    picture = numbered(65, 65)
    assert len({jittered(picture, 32, **{varied: value}).tobytes() for value in range(5)}) == 5


def test_jitter_of_amount_zero_changes_nothing():
    picture = numbered(9, 11)
    np.testing.assert_array_equal(jittered(picture, 0), picture)


@pytest.mark.parametrize("step", range(3))
def test_the_gradient_rolls_back(step):
    """d sum(roll(x) w) / dx is w rolled the other way."""
    picture = numbered(9, 11)
    weights = normal(*picture.shape, dtype=np.float32)
    variable = tf.Variable(picture)
    with tf.GradientTape() as tape:
        moved = jitter(variable, 4, 3, tf.constant(step, tf.int64))
        value = tf.reduce_sum(moved * weights)
    down, across = shift_of(moved.numpy(), picture)
    np.testing.assert_array_equal(tape.gradient(value, variable), np.roll(weights, (-down, -across), axis=(1, 2)))
