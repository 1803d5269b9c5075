"""Small random movements of the picture, so that no pixel keeps its place in the network's grid."""

import tensorflow as tf


def jitter(pictures: tf.Tensor, amount: int, seed: int, step: tf.Tensor) -> tf.Tensor:
    """Rolls [batch, height, width, channels] by up to `amount` pixels either way, the same for a seed and step.

    What leaves at one edge enters at the other; the gradient rolls back by itself.
    """
    if amount == 0:
        return pictures
    shift = tf.random.stateless_uniform([2], [seed, step], -amount, amount + 1, tf.int32)
    return tf.roll(pictures, shift, axis=[1, 2])
