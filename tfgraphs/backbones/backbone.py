"""A pretrained network: pictures and layer names in, {layer name: activation} out."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import tensorflow as tf

from tfgraphs.backbones.layers import Layer
from tfgraphs.errors import TfgraphsError


class BackboneError(TfgraphsError):
    """No network has that name, or not with that kind of pooling."""


class LayerError(TfgraphsError):
    """A layer was asked for that the network does not have, or cannot compute for a picture so small."""


@dataclass(frozen=True)
class View:
    """How a layer sees the picture.

    Attributes:
        channels: features at each position.
        stride: pixels of the picture from one position of the layer to the next.
        receptive_field: side in pixels of the square that one position depends on; 0 for the whole picture.
        smallest: side in pixels of the smallest picture for which the layer has a position at all.
    """

    channels: int
    stride: int
    receptive_field: int
    smallest: int


class Backbone(tf.Module):
    """A network of named layers, evaluated only as far as it is asked.

    Calling it maps float32 pictures [batch, height, width, 3], RGB in 0..1, and layer names to a dictionary of
    activations, [batch, positions down, positions across, channels] each (global layers: [batch, channels]).

    Attributes:
        layers: all layers by name, each after those it reads.
        preprocess: maps pictures to what the network was trained on.
        aliases: further names of layers, as other releases have them.
    """

    def __init__(
        self,
        name: str,
        layers: Iterable[Layer],
        preprocess: Callable[[tf.Tensor], tf.Tensor],
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name=name)
        self.layers = {layer.name: layer for layer in layers}
        self.aliases = {alias: layer for alias, layer in (aliases or {}).items() if layer in self.layers}
        self.preprocess = preprocess
        self._weights = [weight for layer in self.layers.values() for weight in layer.weights]
        self._views = {"input": View(channels=3, stride=1, receptive_field=1, smallest=1)}
        for layer in self.layers.values():
            self._views[layer.name] = _view(layer, [self._views[source] for source in layer.inputs])

    def __call__(self, pictures: tf.Tensor, layers: Iterable[str]) -> dict[str, tf.Tensor]:
        """Computes the activations of `layers`.

        Raises:
            LayerError: a name is unknown, or the pictures are too small for a layer.
        """
        names = [layers] if isinstance(layers, str) else list(layers)
        for name in names:
            self.check(name, pictures.shape[1:3])
        with tf.name_scope(self.name):
            pictures = tf.ensure_shape(pictures, [None, None, None, 3])
            with tf.name_scope("preprocess"):
                activations = {"input": self.preprocess(pictures)}
            return {name: self._activation(self.aliases.get(name, name), activations) for name in names}

    def _activation(self, name: str, activations: dict[str, tf.Tensor]) -> tf.Tensor:
        if name not in activations:
            layer = self.layers[name]
            inputs = [self._activation(source, activations) for source in layer.inputs]
            with tf.name_scope(name):
                activations[name] = layer.compute(*inputs)
        return activations[name]

    def view(self, layer: str) -> View:
        """Channels, stride and receptive field of a layer."""
        self.check(layer)
        return self._views[self.aliases.get(layer, layer)]

    def check(self, layer: str, size: Iterable[int | None] = ()) -> None:
        """Raises LayerError if there is no such layer, or none of its positions fits into a picture of `size`."""
        found = self.aliases.get(layer, layer)
        if found not in self.layers:
            names = [*self.layers, *self.aliases]
            nearest = difflib.get_close_matches(layer, names, n=3, cutoff=0) or names[:3]
            raise LayerError(f"{self.name} has no layer {layer!r}; the nearest names are {', '.join(nearest)}")
        smallest = self._views[found].smallest
        if any(side is not None and side < smallest for side in size):
            shape = " x ".join(str(side) for side in size)
            raise LayerError(
                f"a picture of {shape} px is too small for layer {layer} of {self.name}: "
                f"give at least {smallest} px a side"
            )


def _view(layer: Layer, sources: list[View]) -> View:
    """Follows the sizes through one layer: a window of k positions, s apart, over positions that are j pixels apart."""
    stride = max(source.stride for source in sources)
    field = max(source.receptive_field for source in sources)
    smallest = max(source.smallest for source in sources)
    channels = layer.channels or sum(source.channels for source in sources)
    if layer.kernel == 0 or field == 0:
        return View(channels, stride, 0, smallest)
    reach = (layer.kernel - 1) * stride
    return View(channels, stride * layer.stride, field + reach, smallest if layer.padded else smallest + reach)
