"""Files of word vectors, read in blocks, so that they may be larger than memory.

What is in a file is told from its content, whatever its name is:

binary   word2vec's: "words dimensions" on a line, then records, see `BinaryReader`
text     word2vec's and fastText's (.vec): "words dimensions", then lines, see `TextReader`; GloVe's: lines only
gzip     any of these, packed
"""

import codecs
import contextlib
import itertools
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfgraphs.errors import reason
from tfgraphs.vectors.files.binary_file import BinaryReader
from tfgraphs.vectors.files.text_file import TextReader, guess_dimensions, is_text
from tfgraphs.vectors.files.word2vec_format import FormatError

__all__ = ["Block", "FormatError", "VectorFile", "open_vectors", "unique"]

_PIECE = 1 << 20  # bytes that are read at once: what is read, picked and checked then stays in the cache
_PACKED_PIECE = 1 << 18  # bytes that are unpacked at once
_BLOCK = 8 << 20  # bytes of vectors that are handed out at once, or
_ROWS = 8192  # words
_HEAD = 1 << 20  # bytes by which a file is recognised, or
_LONGEST_HEAD = 1 << 24  # if a line is longer than that
_LONGEST_HEADER = 100  # bytes
_MOST_DIGITS = 18  # of a number in it
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


@dataclass(frozen=True)
class Block:
    """Some words of a file with their vectors.

    Attributes:
        words: in the file's order, which may hold a word twice; Unicode's U+FFFD for bytes that are not UTF-8.
        matrix: float32 [words, dimensions], all finite.
        position: bytes of the unpacked file up to the end of this block, to go on from.
        read: words of the file up to there.
    """

    words: list[str]
    matrix: np.ndarray
    position: int
    read: int


def open_vectors(path: Path, binary: bool | None = None) -> "VectorFile":
    """Opens a file and finds out what is in it.

    Args:
        path: the file, or a pipe.
        binary: whether it must be word2vec's binary format or one of text. None to find out.

    Raises:
        FormatError: it cannot be read, or does not begin as a file of word vectors.
    """
    return VectorFile(path, binary)


def unique(blocks: Iterable[Block], seen: set[str]) -> Iterator[Block]:
    """Leaves out words that came up before, so that the first vector of a word counts.

    Args:
        blocks: of one file or more.
        seen: words that came up; those of the blocks are added.
    """
    for block in blocks:
        fresh = set(block.words)
        if len(fresh) < len(block.words) or not seen.isdisjoint(fresh):
            rows = {word: row for row, word in reversed(list(enumerate(block.words))) if word not in seen}
            kept = sorted(rows.values())
            words = [block.words[row] for row in kept]
            block = Block(words, block.matrix[kept], block.position, block.read)
        seen |= fresh
        yield block


class VectorFile:
    """A file of word vectors, see `open_vectors`.

    Attributes:
        path: where it is.
        dimensions: of each vector.
        count: number of words that it announces. None if it does not.
    """

    def __init__(self, path: Path, binary: bool | None = None) -> None:
        self.path = path
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(contextlib.closing(_Stream(path)))
            head = stream.head()
            self.count, self.dimensions, self._start = _header(path, head, binary)
            if binary is None:
                binary = self.count is not None and not is_text(head[self._start :], self.dimensions)
            self._reader: BinaryReader | TextReader
            if binary:
                self._reader = BinaryReader(path, self.dimensions, self.count or 0)
            else:
                self._reader = TextReader(path, self.dimensions, self.count)
            self._pipe: _Stream | None = None if stream.seekable else stream
            self._seekable = stream.seekable
            if self._pipe:
                stack.pop_all()
        self._known = (stream.size, 1.0) if stream.size and not stream.packed else (0, 0.0)  # position and its share

    def blocks(self, position: int | None = None, read: int = 0, limit: int | None = None) -> Iterator[Block]:
        """Reads the file in blocks of about 8 MB, or of about 8192 words if these are less.

        A pipe can be read once, and from its beginning only.

        Args:
            position: to go on behind an earlier block, its `position`.
            read: the same block's `read`.
            limit: number of words after which to stop, those before `position` included. None for all.

        Raises:
            FormatError: the file is damaged; the message says where, counting bytes as they are unpacked.
        """
        end = start = self._start if position is None else position
        with contextlib.closing(self._open(position)) as stream:
            words: list[str] = []
            parts: list[np.ndarray] = []
            for more, matrix, end in self._reader.rows(stream.pieces(start), start, read, limit):
                words += more
                parts.append(matrix)
                if len(words) >= _ROWS or 4 * len(words) * self.dimensions >= _BLOCK:
                    read += len(words)
                    yield self._block(words, parts, end, read, stream)
                    words, parts = [], []
            if words:
                yield self._block(words, parts, end, read + len(words), stream)

    def done(self, position: int) -> float:
        """The share of the file up to a block's position, 0..1.

        Of a packed file it is the share that had to be unpacked, of a pipe the share of the announced words: exact for
        the last block. It is 0 before the first one, and where nothing tells.
        """
        known, share = self._known
        return min(1.0, share * position / known) if known else 0.0

    def _open(self, position: int | None) -> "_Stream":
        if self._seekable:
            return _Stream(self.path)
        if position is not None or self._pipe is None:
            raise FormatError(f"{self.path} is a pipe: it can be read only once, and from its beginning")
        stream, self._pipe = self._pipe, None
        return stream

    def _block(self, words: list[str], parts: list[np.ndarray], end: int, read: int, stream: "_Stream") -> Block:
        if stream.size is None:
            self._known = end, read / self.count if self.count else 0.0
        elif stream.packed:
            self._known = end, stream.consumed / stream.size
        return Block(words, parts[0] if len(parts) == 1 else np.concatenate(parts), end, read)


def _header(path: Path, head: bytes, binary: bool | None) -> tuple[int | None, int, int]:
    """The announced number of words, the dimensions, and where the first word begins."""
    mark = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0  # as some editors leave it
    line, end, _ = head[mark : mark + _LONGEST_HEADER].partition(b"\n")
    numbers = [int(field) for field in line.split() if field.isdigit() and len(field) <= _MOST_DIGITS]
    if end and len(numbers) == len(line.split()) == 2 and all(numbers):
        return numbers[0], numbers[1], mark + len(line) + 1
    if head.startswith(_ZIP):
        raise FormatError(f"{path} is a zip archive: unpack it first")
    if not binary and (dimensions := guess_dimensions(head[mark:])):
        return None, dimensions, mark
    other = "" if binary else ", and not every line is a word and numbers"
    raise FormatError(f"{path} is no file of word vectors: its first line is not 'words dimensions'{other}")


class _Stream:
    """The bytes of a file in pieces, unpacked if gzip packed them.

    Attributes:
        seekable: whether it can be opened again; a pipe cannot.
        size: bytes of the file itself. None if it is not known.
        consumed: how many of them are read.
        packed: whether they are gzip's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._explained():
            self._file = path.open("rb")
        self.consumed = 0
        self.seekable = self._file.seekable()
        about = os.fstat(self._file.fileno())
        self.size = about.st_size if stat.S_ISREG(about.st_mode) else None
        start = self._read(len(_GZIP))
        self.packed = start == _GZIP
        self._pieces = self._unpacked(start) if self.packed else self._plain(start)

    def close(self) -> None:
        self._file.close()

    def head(self) -> bytes:
        """The beginning, at least a line of it; `pieces` gives it again."""
        taken: list[bytes] = []
        for piece in self._pieces:
            taken.append(piece)
            length = sum(map(len, taken))
            if length >= _LONGEST_HEAD or (length >= _HEAD and any(b"\n" in piece for piece in taken)):
                break
        self._pieces = itertools.chain(taken, self._pieces)
        return b"".join(taken)

    def pieces(self, start: int) -> Iterator[bytes]:
        """Reads on from a byte; none of the pieces is empty."""
        if self.seekable and not self.packed:
            with self._explained():
                self.consumed = self._file.seek(start)
            start = max(0, start - (self.size or start))
            self._pieces = self._plain(self._read(_PIECE))
        for piece in self._pieces:
            if start < len(piece):
                yield piece[start:]
            start = max(0, start - len(piece))
        if start:
            raise FormatError(f"{self._path} has become shorter: it ends before the place from which to go on")

    def _plain(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            yield piece
            piece = self._read(_PIECE)

    def _unpacked(self, piece: bytes) -> Iterator[bytes]:
        """Unpacks all members of the file; zeros may stand behind them, as gzip itself allows."""
        unpacker, between = zlib.decompressobj(wbits=31), False
        while piece := piece or self._read(_PACKED_PIECE):
            if between:
                piece = piece.lstrip(b"\0")
                if not piece:
                    continue
                unpacker = zlib.decompressobj(wbits=31)
            earlier = unpacker.copy()
            try:
                data = unpacker.decompress(piece, _PIECE)
            except zlib.error as error:
                byte = self.consumed - len(piece) + _accepted(earlier, piece)
                raise FormatError(
                    f"{self._path} is damaged: its gzip data is wrong at byte {byte:,} or before"
                ) from error
            between = unpacker.eof
            piece = unpacker.unused_data if between else unpacker.unconsumed_tail
            if data:
                yield data
        if not between:
            raise FormatError(f"{self._path} is cut off: its gzip data breaks off at byte {self.consumed:,}")

    def _read(self, size: int) -> bytes:
        """Reads as many bytes, fewer only at the end."""
        with self._explained():
            data = self._file.read(size)
        self.consumed += len(data)
        return data

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # the latter for a path that cannot be one
            raise FormatError(f"cannot read {self._path}: {reason(error)}") from error


def _accepted(unpacker: "zlib._Decompress", packed: bytes) -> int:
    """How many bytes are unpacked before there is an error."""
    for byte in range(len(packed)):
        try:
            unpacker.decompress(packed[byte : byte + 1])
        except zlib.error:
            return byte
    return len(packed)
