"""Pictures to look at in the page: smaller and as JPEG, or drawings as PNG."""

import io

import numpy as np
from PIL import Image

from tfgraphs.pictures import images
from tfgraphs.pictures.picture_array import encode_png

SIDE = 1024  # longer side, in pixels
_QUALITY, _COMPRESS_LEVEL = 88, 3


def preview(pixels: np.ndarray) -> bytes:
    """Returns a JPEG file of a picture, float32 [height, width, 3] in 0..1."""
    size = images.fit(pixels.shape[:2], SIDE)
    small = pixels if size == pixels.shape[:2] else images.resize(pixels, size)
    file = io.BytesIO()
    Image.fromarray(images.to_uint8(small), "RGB").save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def exact(pixels: np.ndarray) -> bytes:
    """Returns a PNG file of a picture, as `preview`, in its own size."""
    return encode_png(pixels, compress_level=_COMPRESS_LEVEL)
