"""What networks of all foreign formats share: ranges of pictures, and texts."""

import re
from collections.abc import Callable, Iterable

import tensorflow as tf

from tfgraphs.backbones.backbone import LayerError

RANGES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "0..1": tf.identity,
    "-1..1": lambda pictures: pictures * 2 - 1,
    "0..255": lambda pictures: pictures * 255,
}
"""Conversions of RGB in 0..1 to the range that a network was trained on, by name."""


def identifier(name: str) -> str:
    """Returns a name that `tf.Module` accepts."""
    return re.sub(r"\W|^(?=\d|$)", "_", name, flags=re.ASCII)


def size_text(sides: Iterable[int | None]) -> str:
    """Returns a size for messages: "224 x any"."""
    return " x ".join("any" if side is None else str(side) for side in sides)


def check_fixed_size(name: str, fixed: Iterable[int | None], size: Iterable[int | None]) -> None:
    """Raises LayerError if a network or layer that takes pictures of a fixed size does not take those of `size`."""
    fixed, size = tuple(fixed), tuple(size)
    if any(None not in pair and pair[0] != pair[1] for pair in zip(size, fixed, strict=False)):
        raise LayerError(f"{name} takes pictures of {size_text(fixed)} px only, not of {size_text(size)} px")
