"""Keeps the frames of a painted film from flickering.

The temporal loss is that of Ruder, Dosovitskiy and Brox (arXiv 1604.08610, section 4.3), with respect to the previous
frame alone.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfgraphs.pictures.flow import flow, reliable, warp
from tfgraphs.pictures.images import resize

_CUT = 0.25  # share of a frame that is reliable; between two scenes it is below 0.1, in fast pans 0.7


@dataclass(frozen=True, eq=False)
class Anchor:
    """A picture that a painting starts from, and stays close to where it is reliable.

    Attributes:
        picture: float32 [height, width, 3], RGB in 0..1: the previous painted frame, moved to where things are now.
        reliable: float32 [height, width] in 0..1, of the same size: 0 where something else is visible now.
        weight: of the temporal loss.
    """

    picture: np.ndarray
    reliable: np.ndarray
    weight: float

    def resized(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The picture at another size, [1, height, width, 3], and weight * reliable, [1, height, width, 1]."""
        weights = self.weight * resize(self.reliable[..., None], size).clip(0, 1)
        return resize(self.picture, size)[None], weights[None]


def temporal_error(painting: tf.Tensor, picture: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """mean_p weights_p (X_p - W_p)^2, of a painting X [1, height, width, 3]; W and weights from `Anchor.resized`."""
    return tf.reduce_mean(weights * tf.math.squared_difference(painting, picture))


def anchored(painted: np.ndarray, before: np.ndarray, after: np.ndarray, weight: float) -> Anchor | None:
    """Makes the anchor of a frame; None after a cut, where hardly anything is as it was.

    Args:
        painted: the previous frame, painted, float32 [height, width, 3], RGB in 0..1.
        before, after: the previous frame as it was and the frame that is to be painted, of the same shape.
        weight: see `Anchor`.

    Raises:
        FlowError: OpenCV is not installed.
    """
    forward, backward = flow(before, after), flow(after, before)
    trusted = reliable(forward, backward)
    if trusted.mean() < _CUT:
        return None
    return Anchor(warp(painted, backward).clip(0, 1), trusted, weight)
