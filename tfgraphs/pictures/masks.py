"""Masks: pictures that are white where something happens and black where not."""

from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures import images


class MaskError(TfgraphsError):
    """A mask does not fit its picture."""


def load_mask(path: str | Path, size: tuple[int, int]) -> np.ndarray:
    """Loads a mask for a picture.

    Args:
        path: a picture file. Its value is the mean of red, green and blue; transparent parts count as black.
        size: height and width of the picture, to which the mask is resized. A mask more than twice as large is first
            reduced in 8 bits, which bounds the memory.

    Returns:
        float32 [height, width] in 0..1.

    Raises:
        ImageError: see `images.load`.
        MaskError: its proportions are not those of the picture.
    """
    mask = images.load(path, 2 * max(size))
    height, width = mask.size
    if abs(height * size[1] - width * size[0]) > max(height, width, *size):
        raise MaskError(
            f"{path} has {width} x {height} px and the picture {size[1]} x {size[0]} px: give the mask its proportions"
        )
    grey = mask.pixels.mean(axis=-1, keepdims=True)
    if mask.alpha is not None:
        grey = grey * mask.alpha[..., None]
    return images.resize(grey, size)[..., 0].clip(0, 1)
