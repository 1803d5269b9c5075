"""How HDF5 describes and filters values. Comments name sections of its specification, see `hdf5`."""

import struct
import zlib

import numpy as np

from tfgraphs.backbones.readers.weights import WeightsError

FILTERS = _DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_CHECKSUM = 4  # bytes that _FLETCHER32 appends
_RANKS = 32
_FLOATS = {  # by size in bytes: precision, position and size of exponent and of mantissa, bias
    2: [16, 10, 5, 0, 10, 15],
    4: [32, 23, 8, 0, 23, 127],
    8: [64, 52, 11, 0, 52, 1023],
}


def unfiltered(content: bytes, filters: list[int], mask: int, size: int, itemsize: int) -> bytes:
    """Returns a piece of `size` bytes without its filters. Those whose bit in the mask is set were not applied."""
    for position, number in reversed(list(enumerate(filters))):
        if mask >> position & 1:
            continue
        if number == _DEFLATE:
            content = zlib.decompressobj().decompress(content, size + _CHECKSUM + 1)
        elif number == _FLETCHER32:
            content = content[:-_CHECKSUM]
        else:
            whole = len(content) // itemsize * itemsize
            shuffled = np.frombuffer(content[:whole], np.uint8).reshape(itemsize, -1)
            content = shuffled.T.tobytes() + content[whole:]
    if len(content) != size:
        raise WeightsError("it has a piece that does not have its size")
    return content


def short_text(content: bytes) -> str:
    return content.rstrip(b"\0 ").decode()


def shape_of(content: bytes) -> tuple[int, ...]:
    """Returns the shape of a dataspace (IV.A.2.b)."""
    version, rank, _, kind = struct.unpack_from("<4B", content)
    if version not in (1, 2) or rank > _RANKS or (version == 2 and kind == 2):
        raise WeightsError("it holds something without a shape")
    return struct.unpack_from(f"<{rank}Q", content, 8 if version == 1 else 4)


class Datatype:
    """A datatype (IV.A.2.d)."""

    def __init__(self, content: bytes) -> None:
        first, *self._bits, self.size = struct.unpack_from("<BBBBI", content)
        self._kind, self._properties = first & 15, content[8:]
        self.is_text = self._kind == 3 and self.size > 0
        self.is_long_text = self._kind == 9 and self._bits[0] & 15 == 1 and self.size == 16

    def numbers(self) -> np.dtype:
        """Returns the type in NumPy, or raises WeightsError if it is not a type of numbers."""
        order = ">" if self._bits[0] & 1 else "<"
        if self._kind == 0 and self.size in (1, 2, 4, 8):
            offset, *form = struct.unpack_from("<HH", self._properties)
            expected, code = [8 * self.size], "i" if self._bits[0] & 8 else "u"
        elif self._kind == 1 and self.size in _FLOATS and not self._bits[0] & 64:  # in the order of no VAX
            offset, *form = struct.unpack_from("<HHBBBBI", self._properties)
            expected, code = _FLOATS[self.size], "f"
        else:
            raise WeightsError("it holds something else than numbers")
        if not offset and form == expected:
            return np.dtype(f"{order}{code}{self.size}")
        raise WeightsError("it holds something else than numbers")
