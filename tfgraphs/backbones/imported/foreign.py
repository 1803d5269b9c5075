"""What networks of all foreign formats share: ranges of pictures, and texts."""

import re
from collections.abc import Callable

import tensorflow as tf

RANGES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "0..1": tf.identity,
    "-1..1": lambda pictures: pictures * 2 - 1,
    "0..255": lambda pictures: pictures * 255,
}
"""Conversions of RGB in 0..1 to the range that a network was trained on, by name."""


def identifier(name: str) -> str:
    """Returns a name that `tf.Module` accepts."""
    return re.sub(r"\W|^(?=\d|$)", "_", name, flags=re.ASCII)
