"""How a gradient is scaled before the picture takes a step along it."""

import tensorflow as tf


def normalize_mean_abs(gradient: tf.Tensor) -> tf.Tensor:
    """g / mean|g|, so that the step size is the mean change of a value, whatever the objective's own scale."""
    return gradient / (tf.reduce_mean(tf.abs(gradient)) + 1e-20)
