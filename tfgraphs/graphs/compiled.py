"""Functions as graphs of their own: compiled together with their gradients, or kept out of their callers' graphs."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgraphs.graphs import processor
from tfgraphs.graphs.own_gradients import custom_gradient
from tfgraphs.graphs.scopes import scope

Function = Callable[[list[tf.Tensor], list[tf.Tensor]], tuple[tf.Tensor, tf.Tensor]]


def not_inlined(function: Callable[..., Any]) -> Any:
    """Makes a `tf.function` that TensorFlow does not inline, so that loops calling it compute the same bytes each time.

    Inlined into a loop, max pooling and its gradient become part of a cycle. Which of the two TensorFlow then reaches
    first depends on the addresses of nodes, and with it whether the gradient is oneDNN's or TensorFlow's own. These
    add up in different orders: one process in twenty differed in the last bits.
    """
    return tf.function(function, experimental_attributes={"_noinline": True})


def with_gradient(function: Function) -> Function:
    """Compiles a function and its gradient into one XLA program, where `processor` says that this is faster.

    TensorFlow would make two programs of a compiled function, one for each direction, and run them one after the
    other. Several calls of one program in a graph do not depend on each other and run in parallel.

    Args:
        function: maps two lists of tensors to a scalar and another tensor without a gradient. The scalar is
            differentiated with respect to the tensors of the first list.

    Returns:
        A function with the same arguments and results.
    """
    if not processor.current().compiled_losses:
        return function

    @tf.function(jit_compile=True)
    def value_and_gradients(
        points: list[tf.Tensor], constants: list[tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            value, other = function(points, constants)
        with scope("gradients"):
            return value, other, tape.gradient(value, points)

    def call(points: Sequence[tf.Tensor], constants: Sequence[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        @custom_gradient
        def differentiable(
            *points: tf.Tensor,
        ) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[[tf.Tensor, tf.Tensor], list[tf.Tensor]]]:
            value, other, gradients = value_and_gradients(list(points), list(constants))

            def backward(upstream: tf.Tensor, _: tf.Tensor) -> list[tf.Tensor]:
                if tf.get_static_value(upstream) == 1:  # part of a sum: nothing to multiply with
                    return gradients
                return [upstream * gradient for gradient in gradients]

            return (value, other), backward

        return differentiable(*points)

    return call
