"""Optical flow: where each pixel of a picture moves in the next, and where that is reliable.

A flow is float32 [height, width, 2], in pixels to the right and down: before[p] appears at after[p + flow[p]]. It is
computed by dense inverse search (Kroeger, Timofte, Dai and Van Gool, arXiv 1603.03590) of OpenCV, extra `video`.
"""

from typing import Any

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.extras import install_extra
from tfgraphs.pictures.camera import sampled
from tfgraphs.pictures.colors import luma
from tfgraphs.pictures.images import to_uint8

_SMALLEST = 12  # side in pixels that dense inverse search needs


class FlowError(TfgraphsError):
    """OpenCV is not installed."""


def flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Computes the optical flow from one picture to another; zeros for pictures with a side below 12.

    Args:
        before, after: float32 [height, width, 3], RGB in 0..1, of one shape.

    Raises:
        FlowError: OpenCV is not installed.
    """
    cv2 = opencv()
    if min(before.shape[:2]) < _SMALLEST:
        return np.zeros((*before.shape[:2], 2), np.float32)
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(to_uint8(luma(before)), to_uint8(luma(after)), None)


def warp(picture: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """Warps a picture: returns picture[p + backward[p]] for each p, see `sampled`.

    To align the picture before with the picture after, the flow is that from after to before.

    Args:
        picture: float32 [height, width, channels], mirrored at its borders.
        backward: a flow [height, width, 2] of the same size.
    """
    return sampled(picture, *_targets(backward))


def reliable(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """Returns where `backward` is reliable, after Ruder, Dosovitskiy and Brox (arXiv 1604.08610, section 4.2).

    With the flows w from before to after and v from after to before, let w~[p] = w[p + v[p]]. Pixel p was hidden before
    unless the forward and backward flow cancel, |w~ + v|^2 <= 0.01 (|w~|^2 + |v|^2) + 0.5. It is on the boundary of a
    movement if |grad v_x|^2 + |grad v_y|^2 > 0.01 |v|^2 + 0.002. What comes from outside the picture is hidden, too.

    Args:
        forward, backward: the flows from before to after and from after to before, [height, width, 2] each.

    Returns:
        float32 [height, width], for the picture after: 1 where `backward` is reliable, else 0.
    """
    height, width, _ = backward.shape
    x, y = _targets(backward)
    there = sampled(forward, x, y)
    hidden = _square(there + backward) > 0.01 * (_square(there) + _square(backward)) + 0.5
    outside = (x < -0.5) | (x > width - 0.5) | (y < -0.5) | (y > height - 0.5)
    gradients = [np.gradient(backward, axis=axis) for axis in (0, 1) if backward.shape[axis] > 1]
    boundary = sum(map(_square, gradients)) > 0.01 * _square(backward) + 0.002
    return (~(hidden | outside | boundary)).astype(np.float32)


def _targets(backward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows of the positions that a flow points to."""
    height, width, _ = backward.shape
    return np.arange(width) + backward[..., 0], np.arange(height)[:, None] + backward[..., 1]


def _square(vectors: np.ndarray) -> np.ndarray:
    return np.square(vectors).sum(axis=-1)


def opencv() -> Any:
    """Imports OpenCV; raises FlowError if it is not installed."""
    try:
        import cv2
    except ImportError as error:
        raise FlowError(f"OpenCV is not installed: {install_extra('video')}") from error
    return cv2
