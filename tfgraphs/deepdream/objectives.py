"""What a dream seeks more of: a layer's activations in, a scalar to be raised out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Objective:
    """A scalar to be raised.

    Attributes:
        layers: what it reads.
        value: maps {layer: activation [batch, height, width, channels]} to a scalar.
    """

    layers: tuple[str, ...]
    value: Callable[[Mapping[str, tf.Tensor]], tf.Tensor]


def layer_l2(layer: str) -> Objective:
    """Half the mean square of a layer's activations: "whatever you see there, show me more of it".

    Its gradient with respect to the activations is the activations themselves, over their number: the error signal
    of Mordvintsev, Olah and Tyka, "Inceptionism" (2015).
    """
    return Objective((layer,), lambda activations: tf.reduce_mean(tf.square(activations[layer])) / 2)
