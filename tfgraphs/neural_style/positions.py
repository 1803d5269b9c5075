"""A part of the positions of a layer, at which a step compares style; other ones in each step.

Neighbouring positions respond alike, so a quarter of them tells nearly as much as all, in half the time.
"""

import tensorflow as tf

MANY = 1024  # positions of a layer from which on style is compared at a part of them
ENOUGH = 2048  # positions that this part has, about, in layers with very many
_CORNER = 3


def position_stride(style_stride: int | None, positions: float | tf.Tensor) -> tf.Tensor:
    """Distance between two positions of a layer at which style is compared, int32.

    Args:
        style_stride: see `StyleSettings`.
        positions: how many the layer has.
    """
    positions = tf.cast(positions, tf.float32)
    if style_stride is None:
        style_stride = tf.maximum(2, tf.cast(tf.round(tf.sqrt(positions / ENOUGH)), tf.int32))
    return tf.where(positions < MANY, 1, style_stride)


def subsample(
    activation: tf.Tensor,
    stride: int | tf.Tensor,
    step: tf.Tensor,
    mask: tf.Tensor | None = None,
    first: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Takes a lattice of positions out of an activation and its mask.

    Args:
        activation: [1, height, width, channels].
        stride: distance between two positions, down and across.
        step: draws the corner at which the lattice begins, int64.
        mask: [1, height, width].
        first: number of the activation's first position in the whole picture, int32 [2]. None: zeros.

    Returns:
        [1, 1, n, channels] and [1, 1, n], or None without a mask.
    """
    height, width = tf.unstack(tf.shape(activation)[1:3])
    corner = tf.random.stateless_uniform([2], [_CORNER, step], 0, stride, tf.int32)
    down, across = tf.unstack((corner - (0 if first is None else first)) % stride, 2)
    rows, columns = tf.range(down, height, stride), tf.range(across, width, stride)
    places = tf.reshape(rows[:, tf.newaxis] * width + columns, [-1])

    places = tf.stack([tf.zeros_like(places), places], axis=-1)

    def gather(values: tf.Tensor) -> tf.Tensor:
        channels = values.shape[-1]
        rows = tf.gather_nd(tf.reshape(values, [1, -1, channels]), places)  # its gradient is faster than a slice's
        return tf.reshape(rows, [1, 1, -1, channels])

    return gather(activation), None if mask is None else gather(mask[..., tf.newaxis])[..., 0]
