"""The layers of a network as a table of texts, for terminals and notebooks."""

from collections.abc import Iterable

from tfgraphs.backbones.geometry import View
from tfgraphs.backbones.layers import Layer

COLUMNS = ("Layer", "Kind", "Channels", "Kernel", "Stride", "Receptive field", "Parameters")


def layer_rows(layers: Iterable[tuple[Layer, View]]) -> list[tuple[str, ...]]:
    """Returns a row for each layer, in the order of COLUMNS.

    Kernel and stride are in positions of the layer below. The receptive field is the side in pixels of the square of
    the picture that one position depends on; "all" is the whole picture.
    """
    return [_row(layer, view) for layer, view in layers]


def _row(layer: Layer, view: View) -> tuple[str, ...]:
    side = f"{layer.kernel} x {layer.kernel}" if layer.kernel else "all"
    weights = f"{layer.parameters:,}" if layer.parameters else ""
    field = str(view.receptive_field or "all")
    return layer.name, layer.kind, str(view.channels), side, str(layer.stride), field, weights
