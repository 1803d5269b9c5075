"""How the gradient of a picture is scaled before the picture takes a step along it.

All take and give [batch, height, width, 3], each picture by itself.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

LEVELS = 4  # of the Laplacian pyramid, besides the lowest

_SMALL = 1e-20
_BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]).astype(np.float32) / 256


def mean_abs(gradient: tf.Tensor) -> tf.Tensor:
    """g / mean|g|: a step's size is the mean change of a value, whatever the objective's own scale."""
    return gradient / (tf.reduce_mean(tf.abs(gradient), axis=[1, 2, 3], keepdims=True) + _SMALL)


def std(gradient: tf.Tensor) -> tf.Tensor:
    """g / std(g)."""
    return gradient / (tf.math.reduce_std(gradient, axis=[1, 2, 3], keepdims=True) + _SMALL)


def laplacian(gradient: tf.Tensor) -> tf.Tensor:
    """Each octave of frequencies with a root mean square of 1, so that coarse and fine ones grow alike.

    That makes pictures smooth, as gradients have far more of the fine ones (TensorFlow's DeepDream tutorial, 2015).
    """
    return merge([_unit(level) for level in split(gradient, LEVELS)])


def unchanged(gradient: tf.Tensor) -> tf.Tensor:
    """g."""
    return gradient


NORMALIZATIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "mean_abs": mean_abs,
    "std": std,
    "laplacian": laplacian,
    "none": unchanged,
}


def split(pictures: tf.Tensor, levels: int) -> list[tf.Tensor]:
    """The Laplacian pyramid (Burt and Adelson 1983): what is left at the lowest level, then ever finer differences."""
    differences = []
    for _ in range(levels):
        lower = tf.nn.conv2d(pictures, _kernel(1), 2, "SAME")
        differences.append(pictures - _enlarged(lower, pictures))
        pictures = lower
    return [pictures, *differences[::-1]]


def merge(levels: list[tf.Tensor]) -> tf.Tensor:
    """What `split` took apart."""
    pictures = levels[0]
    for difference in levels[1:]:
        pictures = _enlarged(pictures, difference) + difference
    return pictures


def _enlarged(pictures: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    enlarged = tf.nn.conv2d_transpose(pictures, _kernel(4), tf.shape(like), 2, "SAME")
    return tf.ensure_shape(enlarged, like.shape)


def _kernel(factor: int) -> tf.Tensor:
    """A binomial of 5 x 5 for each colour."""
    return tf.constant(factor * _BINOMIAL[:, :, None, None] * np.eye(3, dtype=np.float32))


def _unit(level: tf.Tensor) -> tf.Tensor:
    return level / tf.maximum(tf.sqrt(tf.reduce_mean(tf.square(level), axis=[1, 2, 3], keepdims=True)), _SMALL)
