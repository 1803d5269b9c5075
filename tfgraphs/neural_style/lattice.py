"""Positions of a layer at which a step compares style: every so many of them, others in each step.

Neighbours respond alike, so that a part of the positions tells nearly what all do.
"""

import tensorflow as tf

MANY = 1024  # positions of a layer from which on style is compared at a part of them
ENOUGH = 2048  # positions that this part has, about, of layers with very many
_CORNER = 3


def spacing(every: int | None, positions: float | tf.Tensor) -> tf.Tensor:
    """From one position to the next at which a layer is looked at, int32.

    Args:
        every: where there are many. None: as leaves ENOUGH.
        positions: how many the layer has.
    """
    positions = tf.cast(positions, tf.float32)
    widest = tf.maximum(2, tf.cast(tf.round(tf.sqrt(positions / ENOUGH)), tf.int32)) if every is None else every
    return tf.where(positions < MANY, 1, widest)


def lattice(every: int | tf.Tensor, first: tf.Tensor, size: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Every so many positions down and across, from another corner in each step, as numbers of positions, int32 [n].

    Args:
        every: from one position to the next.
        first: of the positions that are there, their numbers in the whole picture, int32 [2].
        size: how many are there down and across, int32 [2].
        step: a random number, int64.
    """
    corner = tf.random.stateless_uniform([2], [_CORNER, step], 0, every, tf.int32)
    down, across = tf.unstack((corner - first) % every, 2)
    rows, columns = tf.range(down, size[0], every), tf.range(across, size[1], every)
    return tf.reshape(rows[:, tf.newaxis] * size[1] + columns, [-1])


def thinned(values: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Some positions of [1, height, width, channels]: [1, 1, n, channels]."""
    channels = values.shape[-1]
    rows = tf.reshape(values, [1, -1, channels])
    found = tf.gather_nd(rows, tf.stack([tf.zeros_like(places), places], axis=-1))
    return tf.reshape(found, [1, 1, -1, channels])
