"""Functions as programs of their own: compiled with their gradients, or kept out of the loops that call them."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgraphs.graphs.own_gradients import custom_gradient

Function = Callable[[list[tf.Tensor], list[tf.Tensor]], tuple[tf.Tensor, tf.Tensor]]


def apart(function: Callable[..., Any]) -> Any:
    """Makes a function a graph that no other takes in, so that loops which call it compute the same bytes every time.

    As part of a loop it would be part of a cycle, in which TensorFlow meets max pooling before its gradient or after
    it, as the addresses of nodes will have it, and takes oneDNN's gradient or its own. These add up in different
    orders: one process in twenty gave other last bits.
    """
    return tf.function(function, experimental_attributes={"_noinline": True})


def with_gradient(function: Function) -> Function:
    """Compiles a function so that one program computes its value and its gradients together.

    TensorFlow would make two programs of a compiled function, one for each direction, and run them one after the
    other. Several calls of such a program in one graph have nothing to wait for and run side by side on as many cores.

    Args:
        function: maps two lists of tensors to a scalar and to another tensor that has no gradient. The scalar is
            differentiated by the tensors of the first list.

    Returns:
        A function with the same arguments and results.
    """

    @tf.function(jit_compile=True)
    def value_and_gradients(
        points: list[tf.Tensor], constants: list[tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            value, other = function(points, constants)
        return value, other, tape.gradient(value, points)

    def call(points: Sequence[tf.Tensor], constants: Sequence[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        @custom_gradient
        def differentiable(
            *points: tf.Tensor,
        ) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[[tf.Tensor, tf.Tensor], list[tf.Tensor]]]:
            value, other, gradients = value_and_gradients(list(points), list(constants))

            def backward(upstream: tf.Tensor, _: tf.Tensor) -> list[tf.Tensor]:
                if tf.get_static_value(upstream) == 1:  # of a sum of such functions: nothing to multiply with
                    return gradients
                return [upstream * gradient for gradient in gradients]

            return (value, other), backward

        return differentiable(*points)

    return call
