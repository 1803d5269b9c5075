"""A network: maps pictures and layer names to {layer name: activation}."""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.geometry import PICTURE, View, slide, view
from tfgraphs.backbones.layer_table import COLUMNS, layer_rows
from tfgraphs.backbones.layers import Layer
from tfgraphs.errors import TfgraphsError, summary
from tfgraphs.graphs.scopes import scope
from tfgraphs.monitor import html


class BackboneError(TfgraphsError):
    """There is no network of that name, or not with these options, or it has no weights."""


class LayerError(TfgraphsError):
    """The network has no such layer, or cannot compute it for a picture so small."""


Preprocess = Callable[[tf.Tensor], tf.Tensor]
"""Maps pictures, RGB in 0..1, to what a network was trained on."""

Size = tuple[int | None, int | None]
"""Height and width of pictures; None where they are free."""

UNCOMPUTABLE = (TypeError, ValueError, tf.errors.InvalidArgumentError)
"""What layers that others made raise for pictures of a size that they cannot take."""

_END_ROWS = 8  # of a long table of layers in notebooks, at each end


class Backbone(tf.Module):
    """A network of named layers, which computes nothing deeper than what is asked for.

    Calling it maps float32 pictures [batch, height, width, 3], RGB in 0..1, and layer names to a dictionary of
    activations, [batch, positions down, positions across, channels] each (global layers: [batch, channels]).

    It may be a structure without weights, see `loading.structure`: then everything but calling it works.

    Attributes:
        layers: all layers by name, each after those it reads.
        preprocess: maps pictures to what the network was trained on.
        aliases: further names of layers, as in other releases.
        classes: names of its classes in their order, where this is not ImageNet's.
        has_weights: False for a structure without weights.
    """

    classes: Sequence[str] = ()
    _uncomputable: tuple[type[Exception], ...] = ()

    def __init__(
        self, name: str, layers: Iterable[Layer], preprocess: Preprocess, aliases: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(name=re.sub(r"\W|^(?=\d|$)", "_", name, flags=re.ASCII))  # a name that tf.Module accepts
        self.layers = {layer.name: layer for layer in layers}
        self.aliases = {alias: layer for alias, layer in (aliases or {}).items() if layer in self.layers}
        self.preprocess = preprocess
        weights = [weight for layer in self.layers.values() for weight in layer.weights]
        self._weights = [weight for weight in weights if not isinstance(weight, tf.TensorSpec)]
        self.has_weights = len(self._weights) == len(weights)
        self._views = _views(self.layers.values())
        self._sizes: dict[str, Size] = {}  # of pictures, for layers that take one size only
        self._largest: dict[str, int] = {}  # side of pictures, for layers that take no larger ones

    def __repr__(self) -> str:
        return f"<Backbone {self.name}: {len(self.layers)} layers, {self.parameters:,} parameters>"

    def _repr_html_(self) -> str:
        """Returns the layers as a table for notebooks; of a large network the first and the last ones."""
        layers = [(layer, self._views[name]) for name, layer in self.layers.items()]
        if len(layers) <= 2 * _END_ROWS + 1:
            rows = layer_rows(layers)
        else:
            between = (f"… {len(layers) - 2 * _END_ROWS} more", *[""] * (len(COLUMNS) - 1))
            rows = [*layer_rows(layers[:_END_ROWS]), between, *layer_rows(layers[-_END_ROWS:])]
        caption = f"{self.name}: {len(layers)} layers, {self.parameters:,} parameters"
        return html.table(COLUMNS, rows, caption, texts=2)

    @property
    def parameters(self) -> int:
        """Number of trained values of all layers."""
        return sum(layer.parameters for layer in self.layers.values())

    def __call__(self, pictures: tf.Tensor | np.ndarray, layers: Iterable[str]) -> dict[str, tf.Tensor]:
        """Computes the activations of `layers`.

        Raises:
            LayerError: a name is unknown, or a layer cannot be computed for pictures of this size.
            BackboneError: this is a structure without weights.
        """
        if not self.has_weights:
            raise BackboneError(f"{self.name} is a structure without weights: load it to compute its layers")
        names = [layers] if isinstance(layers, str) else list(layers)
        for name in names:
            self.check(name, pictures.shape[1:3])
        with scope(self.name):
            shaped = tf.ensure_shape(pictures, [None, None, None, 3])
            with scope("preprocess"):
                prepared = self.preprocess(shaped)
            try:
                found = self._activations(prepared, {self._own_name(name) for name in names})
            except self._uncomputable as error:
                raise LayerError(
                    f"{self.name} does not compute {', '.join(sorted(set(names)))} for pictures of "
                    f"{size_text(shaped.shape[1:3])} px: {summary(error)}"
                ) from error
            # an imported network may compute in float16
            return {name: tf.cast(found[self._own_name(name)], tf.float32) for name in names}

    def _activations(self, prepared: tf.Tensor, names: Collection[str]) -> dict[str, tf.Tensor]:
        """Computes layers of preprocessed pictures, and only the layers that these need."""
        activations = {"input": prepared}
        needed = self._needed(names)
        for layer in self.layers.values():  # one after the other: a thousand of them are too many to recurse
            if layer.name in needed:
                with scope(layer.name):
                    activations[layer.name] = layer.compute(*(activations[source] for source in layer.inputs))
        return {name: activations[name] for name in names}

    def _needed(self, names: Iterable[str]) -> set[str]:
        """Finds all layers that must be computed for some."""
        needed = set(names)
        for layer in reversed(self.layers.values()):
            if layer.name in needed:
                needed.update(layer.inputs)
        return needed - {"input"}

    @property
    def sees_greys(self) -> bool:
        """Whether the network takes pictures of one channel, which `preprocess` makes of those of three."""
        return self.preprocess(tf.zeros([1, 1, 1, 3])).shape[-1] == 1

    def __contains__(self, name: str) -> bool:
        """Whether a layer has the name or alias."""
        return self._own_name(name) in self.layers

    def _fix_size(self, layers: Iterable[str], size: Size) -> None:
        """Notes that layers take pictures of one size only."""
        for layer in layers:
            view = self._views[layer]
            self._views[layer] = replace(view, smallest=max(view.smallest, min(side or 1 for side in size)))
            self._sizes[layer] = size

    def _own_name(self, layer: str) -> str:
        return self.aliases.get(layer, layer)

    def layer(self, name: str) -> Layer:
        """Returns the layer of a name or alias."""
        self.check(name)
        return self.layers[self._own_name(name)]

    def view(self, layer: str) -> View:
        """Returns channels, stride and receptive field of a layer."""
        return self._views[self.layer(layer).name]

    def size_of(self, layer: str) -> tuple[int, int] | None:
        """Returns the only or largest size, height and width, of pictures that a layer takes; None for any size.

        Raises:
            LayerError: there is no such layer.
        """
        name = self.layer(layer).name
        height, width = self._sizes.get(name, (self._largest.get(name),) * 2)
        return (height, width) if height and width else None

    def nearest_size(self, layers: Iterable[str], size: tuple[int, int]) -> tuple[int, int]:
        """Returns a size, height and width, of pictures that layers take: `size`, a smaller one, or the only one."""
        for layer in layers:
            only = self.size_of(layer)
            if only is not None and not self._takes(layer, size):
                factor = max(only) / max(size)
                smaller = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
                size = smaller if self._takes(layer, smaller) else only
        return size

    def _takes(self, layer: str, size: tuple[int, int]) -> bool:
        try:
            self.check(layer, size)
        except LayerError:
            return False
        return True

    def footprint(self, layers: Iterable[str]) -> float:
        """Returns how many numbers all activations up to some layers have, per pixel of the picture."""
        needed = self._needed(self.layer(name).name for name in layers)
        return sum(self._views[name].channels / self._views[name].stride ** 2 for name in needed)

    def check(self, layer: str, size: Iterable[int | None] = ()) -> None:
        """Raises LayerError if there is no such layer, or it cannot be computed for a picture of `size`."""
        found = self._own_name(layer)
        if found not in self.layers:
            names = [*self.layers, *self.aliases]
            nearest = difflib.get_close_matches(layer, names, n=3, cutoff=0) or names[:3]
            raise LayerError(f"{self.name} has no layer {layer!r}; the nearest names are {', '.join(nearest)}")
        size, fixed = tuple(size), self._sizes.get(found, ())
        if any(None not in pair and pair[0] != pair[1] for pair in zip(size, fixed, strict=False)):
            raise LayerError(
                f"layer {layer} of {self.name} takes pictures of {size_text(fixed)} px only, "
                f"not of {size_text(size)} px"
            )
        smallest = self._views[found].smallest
        if any(side is not None and side < smallest for side in size):
            raise LayerError(
                f"a picture of {size_text(size)} px is too small for layer {layer} of {self.name}: "
                f"give at least {smallest} px a side"
            )
        largest = self._largest.get(found)
        if largest and any(side is not None and side > largest for side in size):
            raise LayerError(
                f"a picture of {size_text(size)} px is too large for layer {layer} of {self.name}: "
                f"give at most {largest} px a side"
            )


def size_text(sides: Iterable[int | None]) -> str:
    """Returns a size for messages: "224 x any"."""
    return " x ".join("any" if side is None else str(side) for side in sides)


def _views(layers: Iterable[Layer]) -> dict[str, View]:
    """Computes the view of each layer, and of the input."""
    axes = {"input": PICTURE}
    views = {"input": view(3, PICTURE)}
    for layer in layers:
        axes[layer.name] = slide((axes[source] for source in layer.inputs), layer.windows)
        channels = layer.channels or sum(views[source].channels for source in layer.inputs)
        views[layer.name] = view(channels, axes[layer.name])
    return views
