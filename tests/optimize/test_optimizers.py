"""Keras optimizers by name, and the update rule of Adam against Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.optimize.optimizers import OptimizerError, adam_step, stock_optimizer


@pytest.mark.parametrize(("name", "kind"), [("AdaGrad", "Adagrad"), ("rmsprop", "RMSprop"), ("SGD", "SGD")])
def test_an_optimizer_is_found_by_its_name_in_any_case(name, kind):
    optimizer = stock_optimizer(name, 0.25)
    assert type(optimizer).__name__ == kind
    assert float(optimizer.learning_rate) == 0.25


def test_settings_reach_the_optimizers_that_take_them():
    assert stock_optimizer("adam", 0.1, beta_2=0.5, epsilon=1e-14).epsilon == 1e-14
    assert not hasattr(stock_optimizer("sgd", 0.1, beta_2=0.5, epsilon=1e-14), "epsilon")


def test_an_optimizer_is_copied_with_its_own_rate_and_settings():
    given = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.5, 10), beta_2=0.9)
    given.build([keras.Variable([0.0])])
    optimizer = stock_optimizer(given, 0.1, beta_2=0.5)
    assert optimizer is not given
    assert not optimizer.built
    assert optimizer.get_config() == given.get_config()


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that Keras cannot copy."""

    def __call__(self, step):
        return 0.5**step


def test_an_optimizer_that_cannot_be_copied_is_refused():
    with pytest.raises(OptimizerError, match=r"^the optimizer adam\w* cannot be copied: [^\n]*$"):
        stock_optimizer(keras.optimizers.Adam(Halving()), 0.1)


def test_the_learning_rate_is_that_of_keras_by_default():
    assert float(stock_optimizer("adam").learning_rate) == pytest.approx(float(keras.optimizers.Adam().learning_rate))


@pytest.mark.parametrize("name", ["hogwild", "LossScaleOptimizer"])
def test_an_unknown_optimizer_is_refused_with_those_there_are(name):
    with pytest.raises(OptimizerError, match=rf"^optimizer is '{name}': choose one of adadelta.*adam.*sgd$"):
        stock_optimizer(name, 0.1)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_optimizers_of_one_kind_share_a_name(name):
    """TensorFlow keeps 35 kB for each new name of a variable for ever."""
    paths = [[variable.path for variable in stock_optimizer(name, 0.1).variables] for _ in range(2)]
    assert paths[0] == paths[1]


@pytest.mark.parametrize("settings", [{}, {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-14}])
def test_steps_of_adam_are_those_of_keras(settings):
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=(2, 3)).astype("f"), random.normal(size=(5, 2, 3)).astype("f")
    variable, optimizer = tf.Variable(start), keras.optimizers.Adam(0.1, **settings)
    value, mean, square = tf.constant(start), tf.zeros([2, 3]), tf.zeros([2, 3])
    for step, gradient in enumerate(gradients, 1):
        optimizer.apply([tf.constant(gradient)], [variable])
        value, mean, square = adam_step(value, gradient, mean, square, tf.constant(float(step)), 0.1, **settings)
    np.testing.assert_allclose(value, variable, rtol=1e-5)
