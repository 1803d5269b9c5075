"""The kernels of a convolution as pictures.

Kernels that read the picture are shown in its colours, each as the picture of its contrast that excites it most. Deeper
ones read the channels of the layer below: the slices of the strongest channels are shown, positive weights in a warm
colour, negative ones in a cold one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone, LayerError, View
from tfgraphs.backbones.layers import Layer

WARM, COLD = np.array([1.0, 0.55, 0.1]), np.array([0.15, 0.5, 1.0])
_PASSED = {"relu", "normalization", "bias"}  # kinds that may follow a convolution


@dataclass(frozen=True)
class Kernel:
    """One kernel of a convolution, or a slice of it.

    Attributes:
        channel: output channel of the convolution.
        source: input channel that the slice reads; None for all three of a picture.
        pixels: [height, width, 3], RGB in 0..1.
        largest: weight of a slice that is furthest from 0, on a scale where that of the whole kernel is 1 or -1.
    """

    channel: int
    source: int | None
    pixels: np.ndarray
    largest: float = 1.0


def convolution_of(backbone: Backbone, layer: str) -> Layer:
    """Finds the convolution that a layer is, or that it rectifies or normalizes.

    Raises:
        LayerError: there is no such layer, or none whose kernels can be shown.
    """
    found = backbone.layer(layer)
    while found.kind in _PASSED and found.inputs != ("input",) and len(found.inputs) == 1:
        found = backbone.layers[found.inputs[0]]
    if found.kind != "convolution":
        kinds = {"convolution", *_PASSED}
        below = [name for name in found.inputs if name != "input" and backbone.layers[name].kind in kinds]
        rather = f": show those of {', '.join(below)}" if below else ""
        article = "an" if found.kind[0] in "aeiou" else "a"
        raise LayerError(f"{layer} of {backbone.name} is made by {article} {found.kind}, which has no kernels{rather}")
    if backbone.has_weights and _kernel(found) is None:
        raise LayerError(f"the kernels of {layer} are inside the graph of {backbone.name}: they cannot be shown")
    return found


def _kernel(convolution: Layer) -> Any:
    """The weights of a convolution as an array; None if its graph computes them, or has them without a name."""
    kernel = convolution.weights[0] if convolution.weights else None
    if isinstance(kernel, tf.Variable):
        return kernel.numpy()
    return tf.get_static_value(kernel) if tf.is_tensor(kernel) else None


def first_convolution(backbone: Backbone) -> str:
    """Finds the first layer with kernels.

    Raises:
        LayerError: there is none.
    """
    for layer in backbone.layers.values():
        if layer.kind == "convolution":
            return layer.name
    raise LayerError(f"{backbone.name} has no layer with kernels that could be shown")


def sees_colours(backbone: Backbone, convolution: Layer) -> bool:
    """Whether a convolution reads the picture itself."""
    below = _below(backbone, convolution)
    return (below.receptive_field, below.channels) == (1, 3)


def colour_kernels(backbone: Backbone, convolution: Layer, channels: Sequence[int]) -> list[Kernel]:
    """Draws the kernels of a convolution that reads the picture, each scaled to its largest weight.

    The network's preprocessing is included: a kernel is shown by its weights of red, green and blue.
    """
    colours = np.einsum("hwio,ij->ohwj", _kernel(convolution), _preprocessing(backbone))
    return [Kernel(channel, None, 0.5 + colours[channel] / _twice_largest(colours[channel])) for channel in channels]


def _preprocessing(backbone: Backbone) -> np.ndarray:
    """The derivative of the preprocessed channels with respect to red, green and blue: [channels, 3]."""
    corners = tf.constant(np.eye(4, 3, -1).reshape(4, 1, 1, 3), tf.float32)  # black, red, green, blue
    prepared = backbone.preprocess(corners).numpy().reshape(4, -1)
    return np.stack(prepared[1:] - prepared[0], axis=1)


def strongest_slices(backbone: Backbone, convolution: Layer, channels: Sequence[int], count: int) -> list[list[Kernel]]:
    """Draws the `count` slices of each kernel with the largest norm (root of the sum of squares).

    Returns:
        For each of `channels` its slices, the strongest first, scaled to the largest weight of the kernel.
    """
    kernel = _kernel(convolution)
    before, after = kernel.shape[2:]
    groups = max(1, _below(backbone, convolution).channels // before)
    rows = []
    for channel in channels:
        slices = kernel[..., channel]
        strongest = np.argsort(-np.sqrt((slices**2).sum(axis=(0, 1))), kind="stable")[:count]
        first = channel * groups // after * before  # channel below that its group begins with
        values = 2 * slices / _twice_largest(slices)
        rows.append([_slice(channel, int(first + one), values[..., one]) for one in strongest])
    return rows


def _slice(channel: int, source: int, values: np.ndarray) -> Kernel:
    """A slice with weights in -1..1, as colours on black."""
    strengths = np.clip(values, -1, 1)[..., None]
    pixels = np.where(strengths > 0, strengths * WARM, -strengths * COLD)
    return Kernel(channel, source, pixels, float(values.flat[np.abs(values).argmax()]))


def _below(backbone: Backbone, convolution: Layer) -> View:
    (source,) = convolution.inputs
    return View(channels=3, stride=1, receptive_field=1, smallest=1) if source == "input" else backbone.view(source)


def _twice_largest(values: np.ndarray) -> float:
    return 2 * max(float(np.abs(values).max()), 1e-12)
