"""Luma, and pictures that take the colours of others."""

import typing

import numpy as np

if typing.TYPE_CHECKING:
    import tensorflow as tf

Pixels = typing.TypeVar("Pixels", np.ndarray, "tf.Tensor")

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in sRGB values (ITU-R BT.601)

_SMALL = 1e-6
_NO_COLOR = 2.5 / 255  # largest difference of the channels of grey pictures, which profiles of scanners may make


def luma(pixels: Pixels) -> Pixels:
    """Returns 0.299 R + 0.587 G + 0.114 B, the luma of ITU-R BT.601, [...] of an array or tensor [..., 3] in sRGB."""
    return LUMA[0] * pixels[..., 0] + LUMA[1] * pixels[..., 1] + LUMA[2] * pixels[..., 2]


def is_grey(pixels: Pixels) -> typing.Any:
    """Returns whether red, green and blue are the same everywhere, but for rounding.

    Args:
        pixels: float32 [..., 3] in 0..1. Of a tensor the result is a tensor, too.
    """
    if isinstance(pixels, np.ndarray):
        return bool((pixels.max(axis=-1) - pixels.min(axis=-1)).max() <= _NO_COLOR)
    import tensorflow as tf

    spread = tf.reduce_max(pixels, axis=-1) - tf.reduce_min(pixels, axis=-1)
    return tf.reduce_max(spread) <= _NO_COLOR


def grey_gradient(gradient: "tf.Tensor", grey: "bool | tf.Tensor") -> "tf.Tensor":
    """Returns the mean of the gradients of red, green and blue, [..., 3], for all three if `grey`: they change alike.

    Then a grey picture stays grey, and another keeps the differences of its channels.
    """
    import tensorflow as tf

    return tf.where(grey, tf.reduce_mean(gradient, axis=-1, keepdims=True), gradient)


def with_colors_of(pixels: Pixels, original: Pixels) -> Pixels:
    """Combines the luma of one picture with the colours of another, and clips the result to 0..1.

    The differences between red, green and blue are those of `original`. Where both pictures are the same, the result
    is the same to the bit.

    Args:
        pixels, original: arrays or tensors, float32 [..., 3], RGB in 0..1. The result is of the same kind.
    """
    recolored: Pixels = original + luma(pixels - original)[..., None]
    if isinstance(recolored, np.ndarray):
        return recolored.clip(0, 1)
    import tensorflow as tf

    return tf.clip_by_value(recolored, 0.0, 1.0)


def matched(pixels: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Gives a picture the mean and covariance of the colours of another, and clips the result to 0..1.

    Of all linear maps x -> A (x - mean) + mean' with this result, this is the one that changes colours least: A is
    symmetric, the optimal transport between two normal distributions. Gatys et al. (arXiv 1606.05897) compare others.

    Args:
        pixels, original: float32 [height, width, 3] each, RGB in 0..1, of any sizes.
    """
    values, wanted = (picture.reshape(-1, 3).astype(np.float64) for picture in (pixels, original))
    covariance, target = (np.cov(colors.T) + _SMALL * np.eye(3) for colors in (values, wanted))
    root = _root(covariance)
    inverse = np.linalg.inv(root)
    transform = inverse @ _root(root @ target @ root) @ inverse
    moved = (values - values.mean(axis=0)) @ transform.T + wanted.mean(axis=0)
    return np.clip(moved, 0, 1).reshape(pixels.shape).astype(np.float32)


def _root(matrix: np.ndarray) -> np.ndarray:
    """The square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
