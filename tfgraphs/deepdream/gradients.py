"""What becomes of the gradient of a picture before it is followed.

`smooth` keeps it from fringes of colour and from noise. Normalisations make the length of a step independent of the
objective's scale. All map gradients [batch, height, width, 3] to the same shape, each picture separately.
"""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfgraphs.graphs.scopes import scope

LEVELS = 4  # of the Laplacian pyramid, besides the lowest

_SMALL = 1e-20
_BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]).astype(np.float32) / 256


def smooth(gradient: tf.Tensor, chroma: float | tf.Tensor, blur: float, chroma_blur: float) -> tf.Tensor:
    """Smooths what changes lightness and what changes colours differently.

        l = mean of g over red, green and blue
        g <- blurred(l) + chroma * blurred'(g - l)

    The gradients of networks in colours are mostly fringes, a few pixels wide, which no photograph has. Blurring is
    symmetric and has no negative eigenvalue, so that a step still leads uphill.

    Args:
        gradient: [batch, height, width, 3].
        chroma: factor of the colours; with 0 red, green and blue change alike, so that grey stays grey.
        blur, chroma_blur: standard deviations of the two in pixels, see `blurred`.
    """
    with scope("smooth"):
        lightness = tf.reduce_mean(gradient, axis=-1, keepdims=True)
        return blurred(lightness, blur) + chroma * blurred(gradient - lightness, chroma_blur)


def blurred(pictures: tf.Tensor, deviation: float) -> tf.Tensor:
    """Convolves [batch, height, width, channels] with a Gaussian, cut off at three deviations; 0 px beyond borders."""
    if not deviation:
        return pictures
    radius = math.ceil(3 * deviation)
    weights = np.exp(-0.5 * np.square(np.arange(-radius, radius + 1) / deviation))
    line = np.tile((weights / weights.sum()).astype(np.float32)[:, None, None], [1, pictures.shape[-1], 1])
    for kernel in (line[:, None], line[None]):
        pictures = tf.nn.depthwise_conv2d(pictures, kernel, [1, 1, 1, 1], "SAME")
    return pictures


def mean_abs(gradient: tf.Tensor) -> tf.Tensor:
    """Returns g / mean|g|."""
    with scope("mean_abs"):
        return gradient / (tf.reduce_mean(tf.abs(gradient), axis=[1, 2, 3], keepdims=True) + _SMALL)


def std(gradient: tf.Tensor) -> tf.Tensor:
    """Returns g / std(g)."""
    with scope("std"):
        return gradient / (tf.math.reduce_std(gradient, axis=[1, 2, 3], keepdims=True) + _SMALL)


def laplacian(gradient: tf.Tensor) -> tf.Tensor:
    """Scales each level of the Laplacian pyramid of g to a root mean square of 1.

    Gradients have far more high frequencies than low ones. With all alike, pictures become smooth (TensorFlow's
    DeepDream tutorial, 2015).
    """
    with scope("laplacian"):
        return merge([_unit(level) for level in split(gradient, LEVELS)])


NORMALIZATIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "mean_abs": mean_abs,
    "std": std,
    "laplacian": laplacian,
    "none": lambda gradient: gradient,
}


def split(pictures: tf.Tensor, levels: int) -> list[tf.Tensor]:
    """Returns the Laplacian pyramid (Burt and Adelson 1983): the lowest level, then the differences, coarse to fine."""
    differences = []
    for _ in range(levels):
        lower = tf.nn.conv2d(pictures, _kernel(1), 2, "SAME")
        differences.append(pictures - _enlarged(lower, pictures))
        pictures = lower
    return [pictures, *differences[::-1]]


def merge(levels: list[tf.Tensor]) -> tf.Tensor:
    """Inverts `split`."""
    pictures = levels[0]
    for difference in levels[1:]:
        pictures = _enlarged(pictures, difference) + difference
    return pictures


def _enlarged(pictures: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    enlarged = tf.nn.conv2d_transpose(pictures, _kernel(4), tf.shape(like), 2, "SAME")
    return tf.ensure_shape(enlarged, like.shape)


def _kernel(factor: int) -> tf.Tensor:
    """A binomial filter of 5 x 5 for each colour."""
    return tf.constant(factor * _BINOMIAL[:, :, None, None] * np.eye(3, dtype=np.float32))


def _unit(level: tf.Tensor) -> tf.Tensor:
    return level / tf.maximum(tf.sqrt(tf.reduce_mean(tf.square(level), axis=[1, 2, 3], keepdims=True)), _SMALL)
