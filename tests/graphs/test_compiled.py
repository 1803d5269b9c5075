"""Compiled functions with their gradients, against plain automatic differentiation."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.graphs import processor
from tfgraphs.graphs.compiled import with_gradient

X = tf.constant(np.random.default_rng(0).normal(size=(4, 3)))
Y = tf.constant(np.random.default_rng(1).normal(size=(4, 3)))
OFFSET = tf.constant(2.0, tf.float64)


def function(points, constants):
    x, y = points
    return tf.reduce_sum(tf.sin(x) * y + constants[0] * x), tf.reduce_max(x)


USES = {
    "alone": lambda compute: compute([X, Y], [OFFSET])[0],
    "scaled": lambda compute: 3 * compute([X, Y], [OFFSET])[0],
    "twice": lambda compute: tf.add_n([compute([X, Y], [OFFSET])[0], compute([Y, X], [OFFSET])[0]]),
    "squared": lambda compute: compute([X, Y], [OFFSET])[0] ** 2,
}


@pytest.fixture(scope="module")
def compiled():
    return with_gradient(function)


@pytest.mark.parametrize("use", USES)
def test_value_and_gradients_are_those_of_the_function(use, compiled):
    results = []
    for compute in (function, compiled):
        with tf.GradientTape() as tape:
            tape.watch([X, Y])
            value = USES[use](compute)
        results.append([value, *tape.gradient(value, [X, Y])])
    for plain, found in zip(*results, strict=True):
        np.testing.assert_allclose(found, plain, rtol=1e-12)


def test_the_second_result_comes_along(compiled):
    assert float(compiled([X, Y], [OFFSET])[1]) == pytest.approx(float(tf.reduce_max(X)))


def test_with_a_gpu_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr(processor, "current", lambda: processor.Processor(gpus=1))
    assert with_gradient(function) is function
