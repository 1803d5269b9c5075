"""Masks: pictures that say where something happens in another one."""

from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures import images

_SEEN = 0.5  # opacity from which a colour counts; below, editors leave any colour
_FLAT = 2 / 255  # difference of colours that is not seen, as JPEG and resampling make
_BLACK = 0.5 / 255


class MaskError(TfgraphsError):
    """A mask does not fit its picture, or is black everywhere."""


def load_mask(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Loads a mask, float32 [height, width] in 0..1: white where something happens and black where not.

    Args:
        path: a picture file. Its value is the mean of red, green and blue; transparent parts count as black. If it has
            transparent parts and all others have one colour, whatever that is, the opacity is the mask.
        size: height and width of the picture, to which the mask is resized. A mask more than twice as large is first
            reduced in 8 bits, which bounds the memory. None for the mask's own size, up to 1024 px.

    Raises:
        ImageError: see `images.load`.
        MaskError: its proportions are not those of the picture, or it is black everywhere.
    """
    height, width = images.read_size(path)
    if size is not None and abs(height * size[1] - width * size[0]) > max(height, width, *size):
        raise MaskError(
            f"{path} has {width} x {height} px and the picture {size[1]} x {size[0]} px: give the mask its proportions"
        )
    values = _values(images.load(path, 1024 if size is None else 2 * max(size)))
    mask = images.resize(values[..., None], size or values.shape)[..., 0].clip(0, 1)
    if mask.max() < _BLACK:
        raise MaskError(f"{path} ({width} x {height} px) is black or transparent everywhere: make a part of it white")
    return mask


def _values(picture: images.Picture) -> np.ndarray:
    """The values of a mask, [height, width]."""
    if picture.alpha is None:
        return picture.pixels.mean(axis=-1)
    seen = picture.pixels[picture.alpha > _SEEN]
    if picture.alpha.min() < _SEEN and seen.size and np.ptp(seen, axis=0).max() <= _FLAT:
        return picture.alpha
    return picture.pixels.mean(axis=-1) * picture.alpha
