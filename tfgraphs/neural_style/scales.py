"""The scales of a painting: growing sizes, each of which starts from the result of the one before.

The sizes are computed by TensorFlow, so that `paint` and the exported program, which learns the size of its pictures
when it is called, use the same code.
"""

import tensorflow as tf

from tfgraphs.neural_style.regions import SMALLEST_SIDE
from tfgraphs.optimize.pyramid import Level

COARSEST = 100  # longer side of the first scale, at least, in pixels
SCALE_FACTOR = 1.5
_MOST_SCALES = 20


def painted_size(size: tf.Tensor, factor: float, most_pixels: float) -> tf.Tensor:
    """Computes the height and width at which a picture is painted, int32 [2].

    Args:
        size: height and width of the photograph in pixels, int32 [2].
        factor: how many times as large it is painted.
        most_pixels: how many pixels it may have then; it keeps its size if it had more.
    """
    larger = tf.round(tf.cast(size, tf.float64) * factor)
    return tf.where(tf.reduce_prod(larger) <= most_pixels, tf.cast(larger, tf.int32), size)


def scale_sizes(size: tf.Tensor) -> tf.Tensor:
    """Computes the heights and widths of the scales, int32 [scales, 2]: size / 1.5^n, smallest first.

    All but the last have a longer side of at least COARSEST and a shorter one of at least SMALLEST_SIDE.

    Args:
        size: height and width of the photograph in pixels, int32 [2].
    """
    longest = tf.cast(tf.reduce_max(size), tf.float64)
    lengths = tf.maximum(tf.round(longest / SCALE_FACTOR ** tf.range(_MOST_SCALES, dtype=tf.float64)), 1)
    sizes = tf.cast(tf.round(tf.cast(size, tf.float64) * lengths[:, tf.newaxis] / longest), tf.int32)
    large_enough = (tf.reduce_max(sizes, 1) >= COARSEST) & (tf.reduce_min(sizes, 1) >= SMALLEST_SIDE)
    count = tf.maximum(1, tf.reduce_sum(tf.cast(large_enough, tf.int32)))
    return sizes[:count][::-1]


def scale_steps(steps: int | tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Divides steps among scales, int32 [count]: the first, coarsest, gets three times as many as the last."""
    shares = tf.linspace(tf.constant(3.0, tf.float64), 1.0, count)
    shares /= tf.reduce_sum(shares)
    return tf.maximum(1, tf.cast(tf.round(tf.cast(steps, tf.float64) * shares), tf.int32))


def scale_levels(size: tuple[int, int], steps: int, most: int | None = None) -> list[Level]:
    """The sizes and steps of the scales of a photograph, smallest first; of many scales the `most` finest ones."""
    sizes = scale_sizes(tf.constant(size)).numpy().tolist()
    if most is not None:
        sizes = sizes[-most:]
    counts = scale_steps(steps, len(sizes)).numpy().tolist()
    return [Level(height, width, count) for (height, width), count in zip(sizes, counts, strict=True)]


def style_size(size: tf.Tensor, longest: float | tf.Tensor) -> tf.Tensor:
    """Computes the size to which a painting is reduced, int32 [2]; paintings are never enlarged.

    Args:
        size: height and width of the painting in pixels, int32 [2].
        longest: its longer side afterwards; more, if its shorter side would become less than SMALLEST_SIDE.
    """
    sides = tf.cast(size, tf.float64)
    least = SMALLEST_SIDE / tf.reduce_min(sides)
    factor = tf.minimum(tf.maximum(tf.cast(longest, tf.float64) / tf.reduce_max(sides), least), 1)
    return tf.cast(tf.round(sides * factor), tf.int32)
