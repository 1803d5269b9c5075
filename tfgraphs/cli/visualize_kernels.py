"""Draws the kernels of `visualize kernels` with captions and a legend. It imports TensorFlow."""

from collections.abc import Sequence

import numpy as np

from tfgraphs.backbones import Backbone
from tfgraphs.backbones.layers import Layer
from tfgraphs.backbones.looking.kernels import COLD, WARM, Kernel, colour_kernels, sees_colours, strongest_slices
from tfgraphs.pictures.sheets import bars, enlarged, sheet

_SIDE = 66  # px of a kernel in colours
_SLICES = 6
_SLICE = 33  # px
_LINES = (90, 90, 95)  # RGB between slices
_BARS = 150  # px


Drawn = tuple[list[np.ndarray], list[str], str]
"""A picture of each kernel, the captions below them, and the legend that explains them."""


def draw(backbone: Backbone, convolution: Layer, channels: Sequence[int]) -> Drawn:
    """Draws some kernels of a convolution."""
    if sees_colours(backbone, convolution):
        found = colour_kernels(backbone, convolution, channels)
        tiles = [enlarged(kernel.pixels, _SIDE) for kernel in found]
        legend = "Each is shown as the picture that excites it most, above the number of its channel."
        return tiles, [str(kernel.channel) for kernel in found], legend
    rows = strongest_slices(backbone, convolution, channels, _SLICES)
    return _as_bars(rows) if rows[0][0].pixels.shape[:2] == (1, 1) else _as_slices(rows)


def _as_slices(rows: Sequence[Sequence[Kernel]]) -> Drawn:
    tiles = [
        sheet([enlarged(one.pixels, _SLICE) for one in row], columns=len(row), gap=2, paper=_LINES) for row in rows
    ]
    captions = [f"{row[0].channel}: {' '.join(str(one.source) for one in row)}" for row in rows]
    legend = (
        "Below each kernel its output channel, and the input channels with the strongest weights, whose slices are "
        "above from left to right. Orange is positive, blue is negative, black is 0."
    )
    return tiles, captions, legend


def _as_bars(rows: Sequence[Sequence[Kernel]]) -> Drawn:
    """Kernels of one position have one weight for each input channel, and no pattern to draw."""
    colours = tuple(WARM), tuple(COLD)
    tiles = [bars([str(one.source) for one in row], [one.largest for one in row], _BARS, colours) for row in rows]
    captions = [f"output channel {row[0].channel}" for row in rows]
    legend = (
        "Each kernel has one weight for each input channel: the bars are the weights furthest from 0, after the number "
        "of their input channel. Orange is positive, blue is negative."
    )
    return tiles, captions, legend
