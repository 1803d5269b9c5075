"""What holds the next frame of a painted film, so that it does not flicker.

The temporal loss is that of Ruder, Dosovitskiy and Brox (arXiv 1604.08610, section 4.3), to the frame before alone.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfgraphs.pictures.flow import flow, reliable, warp
from tfgraphs.pictures.images import resize

_CUT = 0.25  # share of a frame that is reliable; between two scenes it is below 0.1, in fast pans 0.7


@dataclass(frozen=True, eq=False)
class Anchor:
    """A picture that a painting starts from, and is pulled to where that makes sense.

    Attributes:
        picture: float32 [height, width, 3], RGB in 0..1: the painted frame before, moved to where things are now.
        reliable: float32 [height, width] in 0..1, of the same size: 0 where something else is to be seen now.
        weight: of the term in the loss.
    """

    picture: np.ndarray
    reliable: np.ndarray
    weight: float

    def at(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The picture at another size, [1, height, width, 3], and how strongly it pulls, [1, height, width, 1]."""
        pull = self.weight * resize(self.reliable[..., None], size).clip(0, 1)
        return resize(self.picture, size)[None], pull[None]


def temporal_error(painting: tf.Tensor, picture: tf.Tensor, pull: tf.Tensor) -> tf.Tensor:
    """weight * mean c (X - w)^2, for a painting X [1, height, width, 3] and what `Anchor.at` gives for its size."""
    return tf.reduce_mean(pull * tf.math.squared_difference(painting, picture))


def anchored(painted: np.ndarray, before: np.ndarray, after: np.ndarray, weight: float) -> Anchor | None:
    """The anchor of a frame, or None after a cut, where hardly anything is as it was.

    Args:
        painted: the frame before, painted, float32 [height, width, 3], RGB in 0..1.
        before: what it was painted from, of the same shape.
        after: what the next one is to be painted from, of the same shape.
        weight: see `Anchor`.

    Raises:
        FlowError: OpenCV is not installed.
    """
    forward, backward = flow(before, after), flow(after, before)
    believed = reliable(forward, backward)
    if believed.mean() < _CUT:
        return None
    return Anchor(warp(painted, backward).clip(0, 1), believed, weight)
