"""Losses: what `minimize` lowers. They compose with `+`, `-` and `*`.

    loss = content + 0.5 * style

A loss holds no optimizer, no loop and no input or output.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfgraphs.errors import TfgraphsError
from tfgraphs.graphs.scopes import in_scope, scope

LossValue = tf.Tensor | tuple[tf.Tensor, Mapping[str, tf.Tensor]]
LossFunction = Callable[[tf.Tensor], LossValue]
"""Maps the number of the step, an int64 scalar, to a float scalar, or to a pair (scalar, {name: scalar}).

The terms of such a pair are parts of the loss; reports and TensorBoard list them by name.

The step is there for random losses: `tf.random.stateless_uniform([], seed=[seed, step])` draws the same number when an
interrupted run comes to the same step again.
"""


class NonFiniteLoss(TfgraphsError):
    """The loss or its gradient became infinite or not a number."""


class Loss:
    """A loss with arithmetic: `a + b`, `a - b`, `2 * a`, `a / 2`, `-a`.

    Terms are added, subtracted and scaled as the loss is. Terms of the same name are added up, so that terms which
    make up a loss also make up its sums and multiples.

    Args:
        function: see `LossFunction`; another `Loss` is one, too.
        name: if given, the whole value of the function becomes a term of this name, and is computed in a scope of
            this name.

    >>> x = tf.Variable(3.0)
    >>> square, line = Loss(lambda step: x**2, "square"), Loss(lambda step: x, "line")
    >>> value, terms = (square - 2 * line)(tf.constant(0))
    >>> float(value), {name: float(term) for name, term in terms.items()}
    (3.0, {'square': 9.0, 'line': -6.0})
    """

    def __init__(self, function: LossFunction, name: str = "") -> None:
        self._function, self.name = function, name

    def __call__(self, step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns the value and its terms, which are empty if the function has none."""
        with scope(self.name):
            result = self._function(step)
        value, terms = result if isinstance(result, tuple) else (result, {})
        return value, {**terms, self.name: value} if self.name else dict(terms)

    def within(self, name: str) -> "Loss":
        """Returns the same loss, computed in a scope of a name; in the present one if that is empty."""
        return Loss(in_scope(name)(self.__call__))

    def differentiate(
        self, step: tf.Tensor, variables: Sequence[Any]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor], list[Any]]:
        """Returns the value, its terms, and its gradients with respect to the variables, nested as they are."""
        with tf.GradientTape(watch_accessed_variables=False) as tape, scope("loss"):
            tape.watch(variables)
            value, terms = self(step)
        with scope("gradients"):
            return value, terms, tape.gradient(value, variables)

    def __add__(self, other: "Loss | float") -> "Loss":
        return Loss(lambda step: _sum(self(step), other(step) if isinstance(other, Loss) else (other, {})))

    def __mul__(self, factor: float | tf.Tensor) -> "Loss":
        def scaled(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            value, terms = self(step)
            with scope("total"):
                return factor * value, {name: factor * term for name, term in terms.items()}

        return Loss(scaled)

    def __neg__(self) -> "Loss":
        return self * -1.0

    def __sub__(self, other: "Loss | float") -> "Loss":
        return self + (-other)

    def __rsub__(self, other: float) -> "Loss":
        return -self + other

    def __truediv__(self, divisor: float) -> "Loss":
        return self * (1 / divisor)

    __radd__, __rmul__ = __add__, __mul__


def weighted_sum(weights: Iterable[float | tf.Tensor], losses: Iterable[Loss]) -> Loss:
    """sum_i weights_i losses_i, of at least one loss."""
    return functools.reduce(operator.add, [weight * loss for weight, loss in zip(weights, losses, strict=True)])


def _sum(
    first: tuple[tf.Tensor, Mapping[str, tf.Tensor]], second: tuple[tf.Tensor | float, Mapping[str, tf.Tensor]]
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    terms = dict(first[1])
    with scope("total"):
        for name, term in second[1].items():
            terms[name] = terms[name] + term if name in terms else term
        return first[0] + second[0], terms


def is_finite(tensor: tf.Tensor | tf.IndexedSlices) -> tf.Tensor:
    """Returns whether the sum of all values is finite."""
    values = tensor.values if isinstance(tensor, tf.IndexedSlices) else tensor
    return tf.math.is_finite(tf.reduce_sum(values))


def non_finite(step: int, steps: int, value: tf.Tensor, advice: str) -> NonFiniteLoss:
    """Returns the error for a step with such a loss, or such a gradient of it."""
    return NonFiniteLoss(
        f"the loss or its gradient is no longer finite at step {step} of {steps} (loss {float(value)}): {advice}"
    )
