"""Heat maps: where in a picture the channels of a layer respond."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.backbones.layers import PRE_RELU
from tfgraphs.backbones.looking.classes import class_names
from tfgraphs.pictures.colors import luma
from tfgraphs.pictures.images import resize

# From no response to the strongest: night, violet, red, orange, pale yellow.
_RAMP = np.array([[0.02, 0.0, 0.1], [0.35, 0.05, 0.45], [0.85, 0.15, 0.3], [1.0, 0.6, 0.1], [1.0, 0.98, 0.75]])
_FAR = 16  # pixels
_DIMMED = 0.75  # of the brightness of the picture, so that its bright places do not look like responses
_MOST_COVERED = 0.85  # opacity of the colour at the strongest place
_COVERING = 0.7  # power of the response, below 1 so that weak responses are visible


@dataclass(frozen=True)
class Response:
    """The response of a channel of a layer to a picture.

    Attributes:
        channel: its number.
        strength: mean of the rectified activations.
        largest: the largest activation.
        places: activations, [positions down, positions across].
    """

    channel: int
    strength: float
    largest: float
    places: np.ndarray


def responses(backbone: Backbone, layer: str, pixels: np.ndarray) -> list[Response]:
    """Returns the responses of all channels of a layer to a picture [height, width, 3], the strongest first.

    Raises:
        LayerError: there is no such layer, the picture is too small for it, or it is a global layer.
    """
    activation = backbone(tf.constant(pixels[None], tf.float32), [layer])[layer].numpy()[0]
    if activation.ndim != 3:
        raise LayerError(f"{layer} of {backbone.name} is one value for the whole picture: it has no places to show")
    strengths, largest = np.maximum(activation, 0).mean(axis=(0, 1)), activation.max(axis=(0, 1))
    return [
        Response(int(channel), float(strengths[channel]), float(largest[channel]), activation[..., channel])
        for channel in np.argsort(-strengths, kind="stable")
    ]


def heat_map(pixels: np.ndarray, places: np.ndarray, stride: int) -> np.ndarray:
    """Draws a picture in grey, with colours where a layer responds: violet, red, orange, pale yellow at the strongest.

    The opacity of a colour depends on the response only, so that dark places that excite are as bright as others.

    Args:
        pixels: [height, width, 3] in 0..1.
        places: activations [positions down, positions across]; negative ones count as 0.
        stride: pixels from one position to the next. The positions lie in the middle of the picture.

    Returns:
        [height, width, 3] in 0..1.
    """
    heat = np.maximum(places, 0) / max(float(places.max()), 1e-12)
    heat = spread(heat, pixels.shape[:2], stride)[..., None]
    steps = np.linspace(0, 1, len(_RAMP))
    colours = np.concatenate([np.interp(heat, steps, _RAMP[:, colour]) for colour in range(3)], axis=-1)
    grey = luma(pixels.astype(np.float64))[..., None]
    cover = _MOST_COVERED * heat**_COVERING
    return _DIMMED * grey * (1 - cover) + colours * cover


def spread(places: np.ndarray, size: tuple[int, int], stride: int) -> np.ndarray:
    """Interpolates values in 0..1 of the positions of a layer, as of `heat_map`, to the pixels of a picture."""
    wide = resize(places[..., None], (places.shape[0] * stride, places.shape[1] * stride))[..., 0]
    for axis, side in enumerate(size):
        pixels = np.arange(side) + margin(side, places.shape[axis], stride)
        wide = wide.take(pixels.clip(0, wide.shape[axis] - 1), axis)
    return wide.clip(0, 1)


def margin(side: int, positions: int, stride: int) -> int:
    """Returns how many pixels the positions of a layer begin before a picture, whose side has so many pixels."""
    return (positions * stride - side) // 2


def position_at(pixel: int, side: int, positions: int, stride: int) -> int:
    """Returns the position of a layer that lies at a pixel, along one side of a picture, as `heat_map` draws them."""
    return min(max(pixel + margin(side, positions, stride), 0) // stride, positions - 1)


def richest_places(backbone: Backbone) -> str:
    """Finds the layer with the most channels of those with a stride of at most 16 pixels, and of several the deepest.

    It represents things, and still resolves where they are.

    Raises:
        LayerError: no layer has positions.
    """
    views = {name: backbone.view(name) for name in backbone.layers if not name.endswith(PRE_RELU)}
    fine = {
        name: view.channels
        for name, view in views.items()
        if view.receptive_field and view.stride <= _FAR and not class_names(view.channels)
    }
    if not fine:
        raise LayerError(f"no layer of {backbone.name} has places to show")
    return max(reversed(fine), key=lambda name: fine[name])
