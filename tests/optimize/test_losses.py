"""Losses: arithmetic of values and terms."""

import keras
import pytest
import tensorflow as tf

from tfgraphs import optimize
from tfgraphs.errors import TfgraphsError
from tfgraphs.optimize.losses import Loss, weighted_sum
from tfgraphs.optimize.minimize import minimize

STEP = tf.constant(5, tf.int64)


def constant(value, name="", **terms):
    def function(step):
        tensors = {key: tf.constant(term) for key, term in terms.items()}
        return (tf.constant(value), tensors) if terms else tf.constant(value)

    return Loss(function, name)


def numbers(loss):
    value, terms = loss(STEP)
    return float(value), {name: float(term) for name, term in terms.items()}


A, B = constant(3.0, part=2.0, other=1.0), constant(10.0, "b")


@pytest.mark.parametrize(
    ("loss", "value", "terms"),
    [
        (A, 3, {"part": 2, "other": 1}),
        (B, 10, {"b": 10}),
        (constant(3.0, "all", part=2.0), 3, {"all": 3, "part": 2}),
        (A + B, 13, {"part": 2, "other": 1, "b": 10}),
        (A - B, -7, {"part": 2, "other": 1, "b": -10}),
        (-A, -3, {"part": -2, "other": -1}),
        (0.5 * A, 1.5, {"part": 1, "other": 0.5}),
        (B / 4, 2.5, {"b": 2.5}),
        (A + A, 6, {"part": 4, "other": 2}),
        (A + 0.5 * (A - B), -0.5, {"part": 3, "other": 1.5, "b": -5}),
        (1 + B, 11, {"b": 10}),
        (1 - B, -9, {"b": -10}),
        (B - 1, 9, {"b": 10}),
        (sum([A, B]), 13, {"part": 2, "other": 1, "b": 10}),
        (Loss(A), 3, {"part": 2, "other": 1}),
    ],
)
def test_losses_add_subtract_and_scale_with_their_terms(loss, value, terms):
    assert numbers(loss) == (value, terms)


def test_a_weighted_sum_adds_terms_of_one_name():
    losses = [Loss(lambda step: tf.constant(3.0), "one"), Loss(lambda step: tf.constant(5.0), "one")]
    value, terms = weighted_sum([2.0, 0.5], losses)(tf.constant(0))
    assert float(value) == float(terms["one"]) == 8.5


def test_a_function_gets_the_step():
    assert numbers(Loss(lambda step: tf.cast(step, tf.float32)) * 2)[0] == 10


def test_a_composed_loss_is_minimised():
    x = tf.Variable(1.0)
    loss = Loss(lambda step: x**2, "square") - 4 * Loss(lambda step: x, "line")  # lowest at 2
    *_, report = minimize(loss, [x], keras.optimizers.SGD(0.5), 2)
    assert float(x) == pytest.approx(2)
    assert report.terms == pytest.approx({"square": 4, "line": -8})


def test_errors_of_an_optimisation_are_found_where_a_user_looks():
    assert issubclass(optimize.NonFiniteLoss, TfgraphsError)
    assert issubclass(optimize.CheckpointError, TfgraphsError)
