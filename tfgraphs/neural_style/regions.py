"""Paintings with their weights and masks, and the regions of the photograph to which they go."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfgraphs.errors import TfgraphsError

SMALLEST_SIDE = 32  # of photographs and paintings, at every scale, in pixels


class StyleError(TfgraphsError):
    """The pictures or settings of a painting do not make sense."""


@dataclass(frozen=True, eq=False)
class Style:
    """A painting whose style is taken.

    Attributes:
        pixels: float32 [height, width, 3], RGB in 0..1.
        weight: how much of it, relative to the others.
        mask: float32 [height, width] in 0..1, of the painting's size: which part of it counts. None: all of it.
        where: float32 [height, width] in 0..1, of the photograph's size: where it is used. None: everywhere.
    """

    pixels: np.ndarray
    weight: float = 1.0
    mask: np.ndarray | None = None
    where: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the photograph, and the paintings that are blended there: their weights add up to 1.

    The weights of all regions are 1 on average.
    """

    styles: tuple[Style, ...]
    weight: float
    where: np.ndarray | None


def regions(styles: Sequence[Style], size: tuple[int, int]) -> list[Region]:
    """Groups paintings that go to the same place of a photograph, whose height and width in pixels is `size`.

    Raises:
        StyleError: there is none, or a weight or a mask makes no sense.
    """
    if not styles:
        raise StyleError("give at least one painting")
    for style in styles:
        check_weight(style.weight)
        _check_mask(style.mask, style.pixels.shape[:2], "painting")
        _check_mask(style.where, size, "photograph")
    groups: dict[bytes | None, list[Style]] = {}
    for style in styles:
        groups.setdefault(None if style.where is None else style.where.tobytes(), []).append(style)
    mean = sum(style.weight for style in styles) / len(groups)
    found = []
    for group in groups.values():
        total = sum(style.weight for style in group)
        blended = tuple(replace(style, weight=style.weight / total) for style in group)
        found.append(Region(blended, total / mean, group[0].where))
    return found


def check_size(size: tuple[int, ...], smallest: int = SMALLEST_SIDE) -> None:
    """Raises StyleError if a picture of a height and width in pixels is too small."""
    height, width = size
    if min(height, width) < smallest:
        raise StyleError(f"a picture of {width} x {height} px is too small: give at least {smallest} px a side")


def check_weight(weight: float) -> None:
    """Raises StyleError if the weight of a painting makes no sense."""
    if not weight > 0:
        raise StyleError(f"the weight of a painting is {weight}: it must be more than 0")


def _check_mask(mask: np.ndarray | None, size: tuple[int, ...], picture: str) -> None:
    if mask is None:
        return
    if mask.shape != size:
        raise StyleError(
            f"a mask has {mask.shape[1]} x {mask.shape[0]} px and its {picture} {size[1]} x {size[0]} px: give them "
            "the same size"
        )
    if not mask.max() > 0:
        raise StyleError(f"a mask of the {picture} is black everywhere: make a part of it white")
