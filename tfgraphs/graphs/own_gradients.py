"""Functions with gradients of their own, in graphs that are freed when nobody uses them any more."""

import weakref
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `tf.custom_gradient`, which keeps every graph that it was ever used in, with all variables, for ever.

    TensorFlow registers the gradient under a name, and the gradient knows the tensors of its graph. Here the registry
    only knows the gradient as long as the graph is there: a painting of 12 megapixels has graphs of ten sizes.
    """
    known = tf.custom_gradient(function)

    def call(*arguments: Any) -> Any:
        results = known(*arguments)
        first = tf.nest.flatten(results)[0]
        if not tf.executing_eagerly():
            _leave_to_graph(first.op.get_attr("_gradient_op_type").decode(), first.graph)
        return results

    return call


def forget_gradients(graph: tf.Graph) -> None:
    """Keeps a graph from being kept for ever for what others have put in with `tf.custom_gradient`, as Keras does."""
    for operation in graph.get_operations():
        if operation.type == "IdentityN" and "_gradient_op_type" in operation.node_def.attr:
            _leave_to_graph(operation.get_attr("_gradient_op_type").decode(), graph)


def _leave_to_graph(name: str, graph: tf.Graph) -> None:
    """Lets a graph hold the gradient of a name, which the registry holds weakly from now on."""
    registry = ops.gradient_registry._registry  # it has no public way to forget
    gradient = registry[name]["type"]
    held = getattr(graph, "_own_gradients", {})
    if name in held:
        return
    graph._own_gradients = {**held, name: gradient}
    weak = weakref.ref(gradient)

    def found(operation: tf.Operation, *upstream: tf.Tensor) -> Any:
        gradient = weak()
        assert gradient is not None, "the graph of an operation is there while its gradient is made"
        return gradient(operation, *upstream)

    registry[name]["type"] = found
    weakref.finalize(graph, registry.pop, name, None)
