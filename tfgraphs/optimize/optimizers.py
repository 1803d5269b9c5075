"""Keras optimizers by name, and the update rule of Adam as a pure function."""

import inspect
from typing import Any

import keras
import tensorflow as tf

from tfgraphs.errors import TfgraphsError, summary

# Wrappers of other optimizers; and Muon, which tells variables apart by the names that layers give them.
_NOT_BY_NAME = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "Muon"}


class OptimizerError(TfgraphsError):
    """There is no such optimizer."""


def stock_optimizer(
    optimizer: str | keras.optimizers.Optimizer,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule | None = None,
    **settings: Any,
) -> keras.optimizers.Optimizer:
    """Makes a new Keras optimizer.

    Args:
        optimizer: the name of a Keras optimizer in any case ("adam", "RMSprop"); or an optimizer, of which an unused
            copy is made. The copy keeps the learning rate and the settings of the original.
        learning_rate: of an optimizer given by name; by default that of Keras.
        settings: other arguments of its class, such as `epsilon=1e-14`. Those that the class does not take are ignored.

    Raises:
        OptimizerError: Keras has no optimizer of this name, or the optimizer cannot be copied.
    """
    if isinstance(optimizer, keras.optimizers.Optimizer):
        try:
            return type(optimizer).from_config(optimizer.get_config())
        except (NotImplementedError, TypeError) as error:  # a schedule that is not registered with Keras
            raise OptimizerError(f"the optimizer {optimizer.name} cannot be copied: {summary(error)}") from error
    stock: dict[str, Any] = {
        name.lower(): value
        for name, value in vars(keras.optimizers).items()
        if inspect.isclass(value) and issubclass(value, keras.optimizers.Optimizer) and name not in _NOT_BY_NAME
    }
    if optimizer.lower() not in stock:
        raise OptimizerError(f"optimizer is {optimizer!r}: choose one of {', '.join(sorted(stock))}")
    kind = stock[optimizer.lower()]
    # Keras gives each new optimizer a new name, and TensorFlow keeps 35 kB for each new name of a variable for ever.
    settings = {name: value for name, value in settings.items() if name in inspect.signature(kind).parameters}
    if learning_rate is not None:
        settings["learning_rate"] = learning_rate
    return kind(name=kind.__name__, **settings)


def adam_step(
    value: tf.Tensor,
    gradient: tf.Tensor,
    mean: tf.Tensor,
    square: tf.Tensor,
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns x_t, m_t and v_t of Adam (Kingma and Ba, arXiv 1412.6980, end of section 2; the form that Keras uses).

    A Keras optimizer keeps its moments in variables of a fixed size; exported programs change pictures of any size.

        m_t = m_{t-1} + (1 - beta_1) (g_t - m_{t-1})
        v_t = v_{t-1} + (1 - beta_2) (g_t^2 - v_{t-1})
        x_t = x_{t-1} - learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m_t / (sqrt(v_t) + epsilon)

    Args:
        value, gradient: x_{t-1} and g_t, of one shape, as are the two moments.
        mean, square: m_{t-1} and v_{t-1}, zeros before the first step.
        step: t, a float scalar, 1 in the first step.
        learning_rate: of this step, a float scalar.
        beta_1, beta_2: decay rates of the moments.
        epsilon: keeps the quotient finite where gradients are zero.
    """
    mean += (1 - beta_1) * (gradient - mean)
    square += (1 - beta_2) * (tf.square(gradient) - square)
    rate = learning_rate * (tf.sqrt(1 - beta_2**step) / (1 - beta_1**step))
    return value - rate * mean / (tf.sqrt(square) + epsilon), mean, square
