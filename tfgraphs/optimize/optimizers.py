"""Keras optimizers by name."""

import inspect
from typing import Any

import keras

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
