"""Writes .caffemodel files as all generations of Caffe did, for tests of what reads them."""

from collections.abc import Iterable

import numpy as np
from protocol_messages import number, piece, varint


def blob(array: np.ndarray, shape: Iterable[int] | None = None) -> bytes:
    """A blob of the newest kind."""
    sides = b"".join(varint(side) for side in (array.shape if shape is None else shape))
    data = piece(8, array.astype("<f8").tobytes()) if array.dtype == np.float64 else piece(5, array.tobytes())
    return piece(7, piece(1, sides)) + data


def old_blob(array: np.ndarray) -> bytes:
    """A blob with four sides, and with differences, which training leaves behind."""
    sides = (1,) * (4 - array.ndim) + array.shape
    numbers = b"".join(number(field, side) for field, side in enumerate(sides, 1))
    return numbers + piece(5, array.tobytes()) + piece(6, bytes(array.nbytes))


def layer(name: str, *blobs: bytes) -> bytes:
    return piece(100, piece(1, name) + piece(2, "Convolution") + b"".join(piece(7, content) for content in blobs))


def layer_v1(name: str, *blobs: bytes) -> bytes:
    body = piece(2, "data") + piece(3, name) + piece(4, name) + number(5, 4)
    return piece(2, body + b"".join(piece(6, content) for content in blobs) + piece(10, number(1, 96)))
