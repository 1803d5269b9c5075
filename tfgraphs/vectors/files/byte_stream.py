"""The bytes of a file in pieces, unpacked if they are packed by gzip."""

import contextlib
import itertools
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

from tfgraphs.errors import reason
from tfgraphs.vectors.files.blocks import FormatError

_PIECE = 1 << 20  # bytes read at once: a piece stays in the cache while it is parsed
_PACKED_PIECE = 1 << 18  # bytes unpacked at once
_HEAD = 1 << 20  # bytes by which a format is recognised, or
_LONGEST_HEAD = 1 << 24  # if a line is longer than that
_GZIP = b"\x1f\x8b"


class ByteStream:
    """Reads a file, a gzip file or a pipe.

    Attributes:
        seekable: whether the file can be opened again, which a pipe cannot.
        size: bytes of the file as it is stored, or None if unknown.
        consumed: number of stored bytes read so far.
        packed: whether the file is packed by gzip.

    Raises:
        FormatError: the file cannot be read or unpacked. Methods raise it, too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._explained():
            self._file = path.open("rb")
        self.consumed = 0
        self.seekable = self._file.seekable()
        status = os.fstat(self._file.fileno())
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None
        start = self._read(len(_GZIP))
        self.packed = start == _GZIP
        self._pieces = self._unpacked_pieces(start) if self.packed else self._stored_pieces(start)

    def close(self) -> None:
        self._file.close()

    def head(self) -> bytes:
        """Returns the beginning of the content, at least one line. `pieces` yields it again."""
        taken: list[bytes] = []
        for piece in self._pieces:
            taken.append(piece)
            length = sum(map(len, taken))
            if length >= _LONGEST_HEAD or (length >= _HEAD and any(b"\n" in piece for piece in taken)):
                break
        self._pieces = itertools.chain(taken, self._pieces)
        return b"".join(taken)

    def pieces(self, start: int) -> Iterator[bytes]:
        """Yields the content from a byte on, in pieces that are not empty."""
        if self.seekable and not self.packed:
            with self._explained():
                self.consumed = self._file.seek(start)
            start = max(0, start - (self.size or start))
            self._pieces = self._stored_pieces(self._read(_PIECE))
        for piece in self._pieces:
            if start < len(piece):
                yield piece[start:]
            start = max(0, start - len(piece))
        if start:
            raise FormatError(f"{self._path} has become shorter: it ends before the position from which to go on")

    def _stored_pieces(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            yield piece
            piece = self._read(_PIECE)

    def _unpacked_pieces(self, piece: bytes) -> Iterator[bytes]:
        """Unpacks all members, which zeros may follow. The `gzip` module takes 1.3 times as long on numbers."""
        unpacker, between = zlib.decompressobj(wbits=31), False
        while piece := piece or self._read(_PACKED_PIECE):
            if between:
                piece = piece.lstrip(b"\0")
                if not piece:
                    continue
                unpacker = zlib.decompressobj(wbits=31)
            try:
                data = unpacker.decompress(piece, _PIECE)
            except zlib.error as error:
                place = f"its gzip data is wrong before byte {self.consumed:,}"
                raise FormatError(f"{self._path} is damaged: {place}") from error
            between = unpacker.eof
            piece = unpacker.unused_data if between else unpacker.unconsumed_tail
            if data:
                yield data
        if not between:
            raise FormatError(f"{self._path} is cut off: its gzip data breaks off at byte {self.consumed:,}")

    def _read(self, size: int) -> bytes:
        """Reads stored bytes, fewer only at the end."""
        with self._explained():
            data = self._file.read(size)
        self.consumed += len(data)
        return data

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: the path is not one
            raise FormatError(f"cannot read {self._path}: {reason(error)}") from error
