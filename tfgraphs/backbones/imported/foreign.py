"""Networks that others made: what pictures they were trained on, and how they may be called here."""

import re
from collections.abc import Callable

import tensorflow as tf

RANGES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "0..1": tf.identity,
    "-1..1": lambda pictures: pictures * 2 - 1,
    "0..255": lambda pictures: pictures * 255,
}
"""Ranges of RGB that a network may have been trained on, and how they are made of 0..1."""


def identifier(name: str) -> str:
    """A name as `tf.Module` allows it."""
    return re.sub(r"\W|^(?=\d|$)", "_", name, flags=re.ASCII)
