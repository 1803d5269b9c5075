"""Sheets of what is inside a network: the kernels of a convolution, and where in a picture channels respond."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import Layer
from tfgraphs.backbones.looking.heat_maps import Response, heat_map
from tfgraphs.backbones.looking.kernels import (
    COLD,
    WARM,
    colour_kernels,
    convolution_of,
    sees_colours,
    strongest_slices,
)
from tfgraphs.pictures.images import fit, resize
from tfgraphs.pictures.sheets import bars, enlarged, sheet

MOST_KERNELS = 48  # of deeper layers, on one sheet
_KERNEL = 66  # px of a kernel in colours
_SLICES = 6
_SLICE = 33  # px
_LINES = (90, 90, 95)  # RGB between slices
_BARS = 150  # px
_MAP = 240  # px of a heat map among others


@dataclass(frozen=True)
class KernelSheet:
    """A sheet of kernels.

    Attributes:
        pixels: [height, width, 3], RGB in 0..1.
        shown: number of kernels on it.
        count: number of kernels that the convolution has.
    """

    pixels: np.ndarray
    shown: int
    count: int


def kernel_sheet(backbone: Backbone, layer: str, channels: Sequence[int] | None = None) -> KernelSheet:
    """Draws kernels of the convolution that a layer is or rectifies, with a legend.

    Args:
        backbone: the network.
        layer: name of a layer, see `kernels.convolution_of`.
        channels: output channels, the kernels to draw; by default all that read the picture, or the first of others.

    Raises:
        LayerError: there is no such layer, or it has no kernels.
    """
    convolution = convolution_of(backbone, layer)
    count = backbone.view(convolution.name).channels
    most = count if sees_colours(backbone, convolution) else min(count, MOST_KERNELS)
    drawn = range(most) if channels is None else channels
    tiles, captions, legend = _draw_kernels(backbone, convolution, drawn)
    shown = f"{len(tiles)} of {count}"
    which = shown if channels is not None else str(count) if len(tiles) == count else f"the first {shown}"
    legend = f"{layer} of {backbone.name}: {which} kernels. {legend}"
    return KernelSheet(sheet(tiles, captions, legend=legend), len(tiles), count)


def _draw_kernels(
    backbone: Backbone, convolution: Layer, channels: Sequence[int]
) -> tuple[list[np.ndarray], list[str], str]:
    """Draws some kernels of a convolution: returns pictures, the captions below them, and the legend of all."""
    if sees_colours(backbone, convolution):
        found = colour_kernels(backbone, convolution, channels)
        tiles = [enlarged(kernel.pixels, _KERNEL) for kernel in found]
        legend = "Each is shown as the picture that excites it most, above the number of its channel."
        return tiles, [str(kernel.channel) for kernel in found], legend
    rows = strongest_slices(backbone, convolution, channels, _SLICES)
    if rows[0][0].pixels.shape[:2] == (1, 1):  # one weight for each input channel, and no pattern to draw
        colours = tuple(WARM), tuple(COLD)
        tiles = [bars([str(one.source) for one in row], [one.largest for one in row], _BARS, colours) for row in rows]
        captions = [f"output channel {row[0].channel}" for row in rows]
        legend = (
            "Each kernel has one weight for each input channel: the bars are the weights furthest from 0, after the "
            "number of their input channel. Orange is positive, blue is negative."
        )
        return tiles, captions, legend
    tiles = [
        sheet([enlarged(one.pixels, _SLICE) for one in row], columns=len(row), gap=2, paper=_LINES) for row in rows
    ]
    captions = [f"{row[0].channel}: {' '.join(str(one.source) for one in row)}" for row in rows]
    legend = (
        "Below each kernel its output channel, and the input channels with the strongest weights, whose slices are "
        "above from left to right. Orange is positive, blue is negative, black is 0."
    )
    return tiles, captions, legend


def response_sheet(backbone: Backbone, layer: str, pixels: np.ndarray, found: Sequence[Response]) -> np.ndarray:
    """Draws where channels of a layer respond, float32 [height, width, 3] in 0..1: one in full size, several small.

    Args:
        backbone: the network.
        layer: of the responses.
        pixels: the picture, [height, width, 3] in 0..1.
        found: responses to it, see `heat_maps.responses`.
    """
    stride = backbone.view(layer).stride
    maps = [heat_map(pixels, response.places, stride) for response in found]
    if len(maps) == 1:
        caption = f"{layer}, channel {found[0].channel}: at most {found[0].largest:.3g}, mean {found[0].strength:.3g}"
        return sheet(maps, [caption], gap=0)
    captions = [f"{one.channel}: {one.strength:.3g}, at most {one.largest:.3g}" for one in found]
    below = "Below each its channel: the mean response and the largest, in pale yellow."
    return sheet([small_map(one) for one in maps], captions, legend=f"{layer} of {backbone.name}. {below}")


def small_map(pixels: np.ndarray) -> np.ndarray:
    """Reduces a heat map to the size that it has among others."""
    return resize(pixels, fit((pixels.shape[0], pixels.shape[1]), _MAP))
