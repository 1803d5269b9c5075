"""Memory of graphs: `tf.custom_gradient` in graphs that are freed when nobody uses them any more.

TensorFlow registers each custom gradient under a name in a process-wide registry and never forgets it. The gradient
refers to tensors of its graph, so that the graph and all its variables stay in memory: a painting of 12 megapixels has
graphs of ten sizes. There is no public way to unregister a gradient; this module is the only one that touches the
private registry. Where `tf.stop_gradient` serves, or a graph lives as long as the process, it is not needed.
"""

import gc
import itertools
import weakref
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops

_made_graphs = itertools.count(1)


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `tf.custom_gradient`, but the registry refers to the gradient only as long as its graph exists."""
    differentiable = tf.custom_gradient(function)

    def call(*arguments: Any) -> Any:
        results = differentiable(*arguments)
        first = tf.nest.flatten(results)[0]
        if not tf.executing_eagerly():
            _let_graph_own(first.op.get_attr("_gradient_op_type").decode(), first.graph)
        return results

    return call


def forget_gradients(graph: tf.Graph) -> None:
    """Does the same for every `tf.custom_gradient` that others have put into a graph, as Keras does."""
    for operation in graph.get_operations():
        if operation.type == "IdentityN" and "_gradient_op_type" in operation.node_def.attr:
            _let_graph_own(operation.get_attr("_gradient_op_type").decode(), graph)


def _let_graph_own(name: str, graph: tf.Graph) -> None:
    """Moves the strong reference to a registered gradient from the registry to its graph."""
    registry = ops.gradient_registry._registry
    gradient = registry[name]["type"]
    owned = getattr(graph, "_own_gradients", {})
    if name in owned:
        return
    graph._own_gradients = {**owned, name: gradient}  # type: ignore[attr-defined]
    weak = weakref.ref(gradient)

    def call_gradient(operation: tf.Operation, *upstream: tf.Tensor) -> Any:
        gradient = weak()
        assert gradient is not None, "the graph of an operation exists while its gradient is made"
        return gradient(operation, *upstream)

    registry[name]["type"] = call_gradient
    weakref.finalize(graph, registry.pop, name, None)


def collect_old_graphs() -> None:
    """Frees unused graphs at every eighth call; to be called whenever a graph is made.

    The graphs of TensorFlow are reference cycles, and hold megabytes of native memory that Python does not see: its own
    collection of old objects would leave twenty graphs of dreams, 200 MB, waiting. A collection takes 0.2 s, so not
    every call does one.
    """
    if next(_made_graphs) % 8 == 0:
        gc.collect()
