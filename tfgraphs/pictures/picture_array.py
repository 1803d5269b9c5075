"""Pictures as arrays that notebooks display."""

import io
from typing import Any

import numpy as np
from PIL import Image

from tfgraphs.pictures.images import fit, resize, to_uint8

LONGEST_SIDE = 1024  # of a displayed picture, in pixels: a larger one would only make the notebook large
FASTEST, SMALLEST = 1, 9  # levels of zlib: the first takes a quarter of the time or less, and 1.1 times the bytes


class PictureArray(np.ndarray):
    """A picture, float32 [height, width, 3] of RGB in 0..1, which notebooks display as a picture.

    It is an array like any other, and so are its parts and what is computed from it. Those that have the shape of a
    picture are displayed as one: `picture[:64, :64]`, `np.hstack([picture, dream])`. `np.asarray(picture)` is the plain
    array. Any other array is made a picture by `array.view(PictureArray)`.
    """

    __array_priority__ = 1.0  # a picture beside a plain array gives a picture

    def __array_wrap__(self, array: np.ndarray, *_: Any) -> Any:
        """Returns the result of a function: a picture if it can be one, else what it is of a plain array."""
        if array.ndim == 0:
            return array[()]
        return array.view(PictureArray if array.ndim == 3 else np.ndarray)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Writes what IPython shows as text: of a picture its size instead of its numbers."""
        printer.text(f"<picture of {self.shape[1]} x {self.shape[0]} px>" if self._is_picture else repr(self))

    @property
    def _is_picture(self) -> bool:
        has_channels = self.ndim == 3 and self.shape[2] in (1, 3, 4) and self.size > 0
        return has_channels and np.issubdtype(self.dtype, np.floating)

    def _repr_png_(self) -> bytes | None:
        """Returns a PNG file; None for an array that is no picture: floats [height, width, 1, 3 or 4 channels]."""
        return encode_png(np.asarray(self, np.float32), LONGEST_SIDE) if self._is_picture else None


def encode_png(pixels: np.ndarray, longest: int | None = None, compress_level: int = SMALLEST) -> bytes:
    """Returns a PNG file.

    Args:
        pixels: float32 [height, width, channels] in 0..1: grey, RGB or RGB and alpha. Values outside are clipped, and
            what is no number is black.
        longest: longer side in pixels to which a larger picture is reduced; None for its own size.
        compress_level: from `FASTEST` to `SMALLEST`. The pixels are the same.
    """
    finite = np.nan_to_num(pixels, posinf=1, neginf=0)
    bytes_ = to_uint8(resize(finite, fit((pixels.shape[0], pixels.shape[1]), longest)))
    image = Image.fromarray(bytes_[..., 0] if bytes_.shape[2] == 1 else bytes_)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=compress_level)
    return file.getvalue()
