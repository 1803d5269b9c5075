"""Reads the part of HDF5 that Keras writes.

The HDF5 library trusts the headers of a file: damaged files make it hang, allocate gigabytes or crash. Here no header
decides on memory, the work is bounded by the size of the file, and nothing outside the file is read.

The layout is that of the "HDF5 File Format Specification Version 3.0" without the options of HDF5 1.8 and later, as
h5py writes it by default: superblock 0, object headers 1, groups as B-trees of symbols, data layout 3. Comments name
its sections. All numbers are little-endian.
"""

import io
import math
import struct
import zlib
from collections.abc import Iterator
from functools import cached_property
from typing import BinaryIO

import numpy as np

from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.trust import plausible_size

BEGINNING = b"\x89HDF\r\n\x1a\n"

_STRUCTURE = 16 * 2**20  # bytes of structure that are read at most; a network of a thousand arrays has one million
_LEAST = 256  # bytes that each read counts at least
_KNOWN_FILTERS = _DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_CHECKSUM = 4  # bytes that the last of them appends
_RANKS = 32
_FLOATS = {  # by size in bytes: precision, position and size of exponent and of mantissa, bias
    2: [16, 10, 5, 0, 10, 15],
    4: [32, 23, 8, 0, 23, 127],
    8: [64, 52, 11, 0, 52, 1023],
}
_DATASPACE, _DATATYPE, _EXTERNAL, _LAYOUT, _FILTERS, _ATTRIBUTE, _CONTINUATION, _SYMBOLS = 1, 3, 7, 8, 11, 12, 16, 17
_SOFT = 2  # kind of a symbol that is a path, a soft link
_LINKS = (2, 6)  # messages of newer groups; only these can link to other files
_SHARED = 2  # flag of a message that is stored elsewhere


class Hdf5File:
    """An HDF5 file for reading, whose groups begin at `root`.

    What is read of it raises WeightsError if the file is damaged or has another layout.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = size = file.seek(0, io.SEEK_END)
        self._structure, self._stored, self._inflated = _STRUCTURE, size, plausible_size(size)
        self._heaps: dict[int, dict[int, bytes]] = {}
        header = self.read(0, 96)  # II.A
        if header[:8] != BEGINNING or header[8] != 0 or header[13:15] != b"\x08\x08":
            raise WeightsError("it is an HDF5 file of a newer layout, which Keras does not write")
        base, end, root = (struct.unpack_from("<Q", header, place)[0] for place in (24, 40, 64))
        if base or end > size:
            raise WeightsError("it is a truncated HDF5 file")
        self.root = Node(self, root)

    def read(self, place: int, size: int) -> bytes:
        """Reads bytes of the structure: headers, groups, texts."""
        self.spend(size)
        return self._bytes(place, size)

    def spend(self, size: int) -> None:
        """Counts bytes of the structure that are read or copied, up to what any network needs."""
        self._structure -= max(size, _LEAST)
        if self._structure < 0:
            raise WeightsError("its structure is larger than that of any network, or goes in circles")

    def long_text(self, reference: bytes) -> str:
        """Returns a text of variable length, which is stored in a heap."""
        length, heap, number = struct.unpack("<IQI", reference)
        self.spend(length)
        text = self._heap(heap).get(number, b"")[:length] if length else b""
        if len(text) != length:
            raise WeightsError("a text in it is missing")
        return text.decode()

    def _heap(self, place: int) -> dict[int, bytes]:
        """Returns the contents of a heap of texts by number (III.E)."""
        if place not in self._heaps:
            signature, size = struct.unpack("<4s4xQ", self.read(place, 16))
            if signature != b"GCOL":
                raise WeightsError("a text in it is damaged")
            content, start = self.read(place, size), 16
            contents = self._heaps[place] = {}
            while start + 16 <= size:
                number, length = struct.unpack_from("<H6xQ", content, start)
                contents.setdefault(number, content[start + 16 : start + 16 + length])
                start += 16 + -(-length // 8) * 8
        return self._heaps[place]

    def claim(self, size: int) -> None:
        """Counts bytes that a dataset takes in memory, up to what is plausible for the file."""
        self._inflated -= size
        if self._inflated < 0:
            raise WeightsError("it claims more numbers than the file can hold")

    def data(self, place: int, size: int) -> bytes:
        """Reads bytes of datasets, in all no more than the file has."""
        self._stored -= size
        if self._stored < 0:
            raise WeightsError("it claims more numbers than the file holds")
        return self._bytes(place, size)

    def _bytes(self, place: int, size: int) -> bytes:
        if place + size > self._size:
            raise WeightsError("it refers to something beyond its end: it is damaged or truncated")
        self._file.seek(place)
        content = self._file.read(size)
        if len(content) != size:
            raise WeightsError("it became shorter while it was read")
        return content


class Node:
    """A group or a dataset, whose header is at an address."""

    def __init__(self, file: Hdf5File, address: int) -> None:
        self._file, self._address = file, address

    def texts(self, name: str) -> list[str] | None:
        """Returns an attribute that must be a text or a list of texts; None if there is none."""
        if name not in self._attributes:
            return None
        value = self._text(name)
        if value is None:
            raise WeightsError(f"its attribute {name!r} is not a text")
        return [value] if isinstance(value, str) else value

    @property
    def attributes(self) -> dict[str, str | list[str]]:
        """The attributes that are texts or lists of texts."""
        values = {name: self._text(name) for name in self._attributes}
        return {name: value for name, value in values.items() if value is not None}

    def _text(self, name: str) -> str | list[str] | None:
        """Returns an attribute, or None if it is not a text."""
        datatype, dataspace, content = self._attributes[name]
        kind, shape = _Datatype(datatype), _shape_of(dataspace)
        length = math.prod(shape) * kind.size
        if not length:
            return []  # whatever its type: that of an empty list of texts is a number
        if not kind.is_text and not kind.is_long_text:
            return None
        if length > len(content):
            raise WeightsError(f"its attribute {name!r} is truncated")
        pieces = [content[place : place + kind.size] for place in range(0, length, kind.size)]
        read = self._file.long_text if kind.is_long_text else _short_text
        texts = [read(piece) for piece in pieces]
        return texts if shape else texts[0]

    @property
    def is_dataset(self) -> bool:
        """Whether it holds numbers, and not further nodes."""
        return any(kind == _LAYOUT for kind, _, _ in self._messages)

    @cached_property
    def members(self) -> "dict[str, Node | None]":
        """The nodes of a group by name; None for soft links. Empty for a dataset."""
        kinds = {kind for kind, _, _ in self._messages}
        if not kinds.isdisjoint(_LINKS):
            raise WeightsError("it has links of a newer kind, which Keras does not write and which may lead elsewhere")
        if _SYMBOLS not in kinds:
            return {}
        tree, heap = struct.unpack_from("<QQ", self._message(_SYMBOLS))
        signature, length, names = struct.unpack("<4s4xQ8xQ", self._file.read(heap, 32))  # III.D
        if signature != b"HEAP":
            raise WeightsError("its names are damaged")
        texts = self._file.read(names, length)
        members: dict[str, Node | None] = {}
        for _, leaf in self._tree(tree, 0, struct.Struct("<QQ")):
            signature, count = struct.unpack("<4s2xH", self._file.read(leaf, 8))  # III.B
            if signature != b"SNOD":
                raise WeightsError("a group is damaged")
            for name, address, kind in struct.iter_unpack("<QQI20x", self._file.read(leaf + 8, 40 * count)):
                end = texts.index(b"\0", name)
                self._file.spend(end - name)  # names may overlap
                members[texts[name:end].decode()] = None if kind == _SOFT else Node(self._file, address)
        return members

    def array(self) -> np.ndarray:
        """Reads a dataset of numbers; bfloat16 becomes float32."""
        kinds = {kind for kind, _, _ in self._messages}
        if not kinds.issuperset((_DATASPACE, _DATATYPE, _LAYOUT)):
            raise WeightsError("it holds something else than numbers")
        if _EXTERNAL in kinds:
            raise WeightsError("its numbers are in another file")
        kind, shape = _Datatype(self._message(_DATATYPE)), _shape_of(self._message(_DATASPACE))
        dtype = np.dtype("<u2") if kind.is_bfloat16 else kind.numbers()
        size = math.prod(shape) * dtype.itemsize
        layout = self._message(_LAYOUT)  # IV.A.2.i
        if layout[0] != 3 or layout[1] > 2:
            raise WeightsError("its numbers are in another file, or arranged in a way that Keras does not write")
        if layout[1] == 2:
            array = self._from_chunks(layout, shape, dtype)
        else:
            if layout[1] == 0:
                (length,) = struct.unpack_from("<H", layout, 2)
                content = layout[4 : 4 + length]
            else:
                place, length = struct.unpack_from("<QQ", layout, 2)
                content = self._file.data(place, length) if length == size > 0 else b""
            if len(content) != size:
                raise WeightsError("it claims more numbers than the file holds")
            array = np.frombuffer(content, dtype).reshape(shape)
        array = array.astype(dtype.newbyteorder("="), copy=False)
        return array.view("bfloat16").astype(np.float32) if kind.is_bfloat16 else array

    @cached_property
    def _messages(self) -> list[tuple[int, int, bytes]]:
        """Kind, flags and content of each message in the header (IV.A.1.a)."""
        version, count, length = struct.unpack("<BxH4xI4x", self._file.read(self._address, 16))
        if version != 1:
            raise WeightsError("it is an HDF5 file of a newer layout, which Keras does not write")
        messages: list[tuple[int, int, bytes]] = []
        blocks = [(self._address + 16, length)]
        for place, size in blocks:
            block, start = self._file.read(place, size), 0
            while start + 8 <= size and len(messages) < count:
                kind, size_of_one, flags = struct.unpack_from("<HHB", block, start)
                content = block[start + 8 : start + 8 + size_of_one]
                if kind == _CONTINUATION:
                    blocks.append(struct.unpack_from("<QQ", content))
                messages.append((kind, flags, content))
                start += 8 + size_of_one
        return messages

    def _message(self, kind: int) -> bytes:
        """Returns the content of the only message of a kind."""
        ((flags, content),) = [message[1:] for message in self._messages if message[0] == kind]
        if flags & _SHARED:
            raise WeightsError("a part of it is shared in a way that Keras does not write")
        return content

    @cached_property
    def _attributes(self) -> dict[str, tuple[bytes, bytes, bytes]]:
        """Type, shape and content of the attributes (IV.A.2.m)."""
        attributes = {}
        for kind, flags, content in self._messages:
            if kind != _ATTRIBUTE or flags & _SHARED:
                continue
            version, shared, *sizes = struct.unpack_from("<BBHHH", content)
            if version not in (1, 2, 3) or (version > 1 and shared):
                continue
            place, parts = 8 + (version == 3), []
            for size in sizes:
                parts.append(content[place : place + size])
                place += -(-size // 8) * 8 if version == 1 else size
            attributes[parts[0].partition(b"\0")[0].decode()] = (parts[1], parts[2], content[place:])
        return attributes

    def _tree(
        self, address: int, kind: int, entry: struct.Struct, level: int | None = None
    ) -> Iterator[tuple[int, ...]]:
        """Yields the entries of all leaves of a B-tree, key and address each (III.A.1)."""
        signature, found, depth, count = struct.unpack("<4sBBH16x", self._file.read(address, 24))
        if signature != b"TREE" or found != kind or (level is not None and depth != level):
            raise WeightsError("a group or dataset is damaged")
        for values in entry.iter_unpack(self._file.read(address + 24, entry.size * count)):
            if depth:
                yield from self._tree(values[-1], kind, entry, depth - 1)
            else:
                yield values

    def _from_chunks(self, layout: bytes, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Reads a dataset that is stored in pieces of one shape; those at the border reach beyond it."""
        rank, tree = struct.unpack_from("<BQ", layout, 2)
        *chunk, itemsize = struct.unpack_from(f"<{rank}I", layout, 11)
        if rank - 1 != len(shape) or itemsize != dtype.itemsize or 0 in chunk:
            raise WeightsError("it has pieces of another shape")
        size = math.prod(chunk) * itemsize
        count = math.prod(-(-side // piece) for side, piece in zip(shape, chunk, strict=True))
        self._file.claim(count * size)
        filters = self._filters()
        pieces: dict[tuple[int, ...], np.ndarray] = {}
        for stored, mask, *corner, _, place in self._tree(tree, 1, struct.Struct(f"<II{rank}QQ")):
            content = _unfiltered(self._file.data(place, stored), filters, mask, size, itemsize)
            pieces[tuple(corner)] = np.frombuffer(content, dtype).reshape(chunk)
        if len(pieces) != count:
            raise WeightsError("it claims more numbers than the file holds")
        array = np.empty(shape, dtype)  # no larger than the pieces, none of which is missing
        for begins, piece in pieces.items():
            region = tuple(slice(start, start + side) for start, side in zip(begins, chunk, strict=True))
            inside = array[region]
            if not inside.size or any(start % side for start, side in zip(begins, chunk, strict=True)):
                raise WeightsError("it has a piece in a wrong place")
            inside[...] = piece[tuple(slice(side) for side in inside.shape)]
        return array

    def _filters(self) -> list[int]:
        """Returns the filters that were applied to each piece, in order (IV.A.2.l)."""
        filters: list[int] = []
        if any(kind == _FILTERS for kind, _, _ in self._messages):
            content = self._message(_FILTERS)
            version, count = content[:2]
            place = 8
            for _ in range(count):
                number, length, _, values = struct.unpack_from("<4H", content, place)
                if version != 1 or number not in _KNOWN_FILTERS or number in filters:
                    raise WeightsError("it is compressed in a way that is not read")
                filters.append(number)
                place += 8 + -(-length // 8) * 8 + 4 * (values + values % 2)
        return filters


def _unfiltered(content: bytes, filters: list[int], mask: int, size: int, itemsize: int) -> bytes:
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


def _short_text(content: bytes) -> str:
    return content.rstrip(b"\0 ").decode()


def _shape_of(content: bytes) -> tuple[int, ...]:
    """Returns the shape of a dataspace (IV.A.2.b)."""
    version, rank, _, kind = struct.unpack_from("<4B", content)
    if version not in (1, 2) or rank > _RANKS or (version == 2 and kind == 2):
        raise WeightsError("it holds something without a shape")
    return struct.unpack_from(f"<{rank}Q", content, 8 if version == 1 else 4)


class _Datatype:
    """A datatype (IV.A.2.d)."""

    def __init__(self, content: bytes) -> None:
        first, *self._bits, self.size = struct.unpack_from("<BBBBI", content)
        self._kind, self._properties = first & 15, content[8:]
        self.is_text = self._kind == 3 and self.size > 0
        self.is_bfloat16 = self._kind == 5 and self.size == 2  # opaque, as HDF5 has no such type
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
