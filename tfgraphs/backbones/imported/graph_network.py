"""Networks that the graph of a wrapped TensorFlow function computes."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import tensorflow as tf

from tfgraphs.backbones.backbone import UNCOMPUTABLE, Backbone
from tfgraphs.backbones.layers import Layer


def computed_in_graph(*_: tf.Tensor) -> tf.Tensor:
    """Stands for `Layer.compute` of a layer that only the whole graph computes."""
    raise NotImplementedError("this layer is computed within its graph")


class GraphNetwork(Backbone):
    """A backbone whose layers are tensors of a graph.

    Args:
        name: name of the network.
        function: wrapped function of one batch of pictures.
        tensors: the tensor of each layer in its graph.
        layers, preprocess, aliases: as of `Backbone`.
    """

    _uncomputable = UNCOMPUTABLE

    def __init__(
        self,
        name: str,
        function: Any,
        tensors: Mapping[str, tf.Tensor],
        layers: Iterable[Layer],
        preprocess: Callable[[tf.Tensor], tf.Tensor],
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name, layers, preprocess, aliases)
        self.has_weights = True  # in the graph; the layers only know their shapes
        self._function, self._tensors = function, dict(tensors)
        self._functions: dict[tuple[str, ...], Any] = {}

    def _activations(self, prepared: tf.Tensor, names: Collection[str]) -> dict[str, tf.Tensor]:
        wanted = sorted(names)
        computed = self._pruned(wanted)(tf.cast(prepared, self._function.inputs[0].dtype)) if wanted else []
        return dict(zip(wanted, computed, strict=True))

    def _pruned(self, layers: Iterable[str]) -> Any:
        """Returns a function of the pictures that computes these layers and nothing that they do not need."""
        key = tuple(layers)
        if key not in self._functions:
            with tf.init_scope():
                self._functions[key] = self._function.prune(
                    self._function.inputs, [self._tensors[layer] for layer in key]
                )
        return self._functions[key]
