"""The update rule of Adam, against Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.optimize.adam import adam_step


@pytest.mark.parametrize("settings", [{}, {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-14}])
def test_steps_are_those_of_keras(settings):
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=(2, 3)).astype("f"), random.normal(size=(5, 2, 3)).astype("f")
    variable, optimizer = tf.Variable(start), keras.optimizers.Adam(0.1, **settings)
    value, mean, square = tf.constant(start), tf.zeros([2, 3]), tf.zeros([2, 3])
    for step, gradient in enumerate(gradients, 1):
        optimizer.apply([tf.constant(gradient)], [variable])
        value, mean, square = adam_step(value, gradient, mean, square, tf.constant(float(step)), 0.1, **settings)
    np.testing.assert_allclose(value, variable, rtol=1e-5)
