"""Keeps the frames of a painted film from flickering.

Where nothing changes (`pictures.stillness`), paint stays as it is, to the bit, as soon as it has dried. Elsewhere it
follows what moves: part of it is kept, and the rest is held by the temporal loss of Ruder, Dosovitskiy and Brox (arXiv
1604.08610, section 4.3), with respect to the previous frame alone.
"""

import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfgraphs.pictures.flow import flow, reliable, warp
from tfgraphs.pictures.images import resize
from tfgraphs.pictures.stillness import SteadyFrame

Pixels = typing.TypeVar("Pixels", np.ndarray, tf.Tensor)

_MOVED = 0.7  # share of the paint that is kept where it has moved with things
_WET = 0.8  # of the share of a place that is painted anew, what is left in the next frame
_DRY = 0.05  # a smaller share is none
_CUT = 0.25  # share of a frame that is reliable; between two scenes it is below 0.1, in fast pans 0.7


@dataclass(frozen=True, eq=False)
class Anchor:
    """A picture that a painting starts from, and stays close to where it is reliable.

    Attributes:
        picture: float32 [height, width, 3], RGB in 0..1: the previous painted frame, moved to where things are now.
        reliable: float32 [height, width] in 0..1, of the same size: 0 where something else is visible now.
        weight: of the temporal loss.
        changed: float32 [height, width, 1] in 0..1, of the same size: 0 where the picture stays as it is.
    """

    picture: np.ndarray
    reliable: np.ndarray
    weight: float
    changed: np.ndarray

    def resized(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The picture, weight * reliable, and `changed` at another size, [1, height, width, 3 or 1] each."""
        weights = self.weight * resize(self.reliable[..., None], size).clip(0, 1)
        return resize(self.picture, size)[None], weights[None], resize(self.changed, size).clip(0, 1)[None]


def kept(before: Pixels, after: Pixels, changed: Pixels) -> Pixels:
    """before + changed (after - before): what was painted before, where nothing has changed.

    Args:
        before, after: two pictures, float32 [..., height, width, 3].
        changed: float32 [..., height, width, 1] in 0..1.
    """
    result: Pixels = before + changed * (after - before)
    return result


def drying(frames: Iterable[SteadyFrame]) -> Iterator[SteadyFrame]:
    """Yields the frames of a film with paint that dries: changed <- max(changed, w), w <- max(`_WET` w, movement).

    Where something has moved away, the few steps of one frame leave a trail of what was there. So some frames more are
    painted anew there, each a little less.
    """
    wet: np.ndarray | None = None
    for given in frames:
        if wet is None:
            wet = np.zeros_like(given.changed)
            yield given
        else:
            wet = np.maximum(_WET * wet, _movement(given))
            wet *= wet >= _DRY
            yield given._replace(changed=np.maximum(given.changed, wet))


def _movement(given: SteadyFrame) -> np.ndarray:
    """Where things move: light that fades changes places a little, movement wholly."""
    return (2 * given.changed - 1).clip(0, 1)


def temporal_error(painting: tf.Tensor, picture: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """mean_p weights_p (X_p - W_p)^2, of a painting X [1, height, width, 3]; W and weights from `Anchor.resized`."""
    return tf.reduce_mean(weights * tf.math.squared_difference(painting, picture))


def anchored(painted: np.ndarray, given: SteadyFrame, weight: float) -> Anchor | None:
    """Makes the anchor of a frame; None after a cut, where hardly anything is as it was.

    Args:
        painted: the previous frame, painted, float32 [height, width, 3], RGB in 0..1.
        given: the frame that is to be painted, of the same size. It is not the first.
        weight: see `Anchor`.

    Raises:
        FlowError: OpenCV is not installed.
    """
    assert given.before is not None
    forward, backward = flow(given.before, given.frame), flow(given.frame, given.before)
    trusted = reliable(forward, backward)
    if trusted.mean() < _CUT:
        return None
    moved = kept(painted, warp(painted, backward).clip(0, 1), _movement(given))
    return Anchor(moved, trusted, weight, np.minimum(given.changed, 1 - _MOVED * trusted[..., None]))
