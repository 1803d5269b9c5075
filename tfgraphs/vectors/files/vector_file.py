"""Files of word vectors, read in blocks. The format is recognised by the content, not by the name:

binary   word2vec's: "words dimensions" on a line, then records, see `BinaryReader`
text     word2vec's and fastText's (.vec): "words dimensions", then lines, see `TextReader`; GloVe's: lines only
gzip     any of these, packed
"""

import codecs
import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfgraphs.vectors.files.binary_reader import BinaryReader
from tfgraphs.vectors.files.blocks import Block, FormatError, Rows
from tfgraphs.vectors.files.byte_stream import ByteStream
from tfgraphs.vectors.files.text_reader import TextReader, guess_dimensions, is_text

_BLOCK = 8 << 20  # bytes of vectors in a block, or
_ROWS = 8192  # words
_LONGEST_HEADER = 100  # bytes
_MOST_DIGITS = 18  # of a number in the header
_ZIP = b"PK\x03\x04"


class VectorFile:
    """A file of word vectors.

    Attributes:
        path: of the file.
        dimensions: of each vector.
        count: number of words that the header announces, or None without a header.
    """

    def __init__(self, path: Path, binary: bool | None = None) -> None:
        """Opens a file and recognises its format.

        Args:
            path: of a file or a pipe.
            binary: whether the file must be binary (True) or text (False). By default the content decides.

        Raises:
            FormatError: the file cannot be read, or does not begin as a file of word vectors.
        """
        self.path = path
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(contextlib.closing(ByteStream(path)))
            head = stream.head()
            self.count, self.dimensions, self._start = _header(path, head, binary)
            if binary is None:
                binary = self.count is not None and not is_text(head[self._start :], self.dimensions)
            self._reader: BinaryReader | TextReader
            if binary:
                self._reader = BinaryReader(path, self.dimensions, self.count or 0)
            else:
                self._reader = TextReader(path, self.dimensions, self.count)
            self._seekable = stream.seekable
            self._pipe = None if stream.seekable else stream
            if self._pipe:
                stack.pop_all()

    def blocks(self, position: int | None = None, read: int = 0, limit: int | None = None) -> Iterator[Block]:
        """Reads the file in blocks of about 8 MB or 8192 words, whichever is less.

        A pipe can be read once, and only from its beginning.

        Args:
            position: where to go on: the `position` of an earlier block. None for the beginning.
            read: the `read` of the same block.
            limit: maximal number of words, including those before `position`. None for all.

        Raises:
            FormatError: the file is damaged. The message says where, in unpacked bytes.
        """
        start = self._start if position is None else position
        total = min(limit or self.count or 0, self.count or limit or 0)
        with contextlib.closing(self._open(position)) as stream:
            for words, matrix, end in _joined(self._reader.rows(stream.pieces(start), start, read, limit)):
                read += len(words)
                share = read / total if total else stream.consumed / stream.size if stream.size else 0.0
                yield Block(words, matrix, end, read, share)

    def _open(self, position: int | None) -> ByteStream:
        if self._seekable:
            return ByteStream(self.path)
        if position is not None or self._pipe is None:
            raise FormatError(f"{self.path} is a pipe: it can be read only once, and only from its beginning")
        stream, self._pipe = self._pipe, None
        return stream


def _joined(rows: Rows) -> Rows:
    """Joins what a reader yields to blocks."""
    words: list[str] = []
    parts: list[np.ndarray] = []
    end = size = 0
    for more, matrix, end in rows:
        words += more
        parts.append(matrix)
        size += matrix.nbytes
        if len(words) >= _ROWS or size >= _BLOCK:
            yield words, np.concatenate(parts), end
            words, parts, size = [], [], 0
    if words:
        yield words, np.concatenate(parts), end


def _header(path: Path, head: bytes, binary: bool | None) -> tuple[int | None, int, int]:
    """Returns the announced number of words, the dimensions, and the position of the first word."""
    mark = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0  # which some editors write
    line, end, _ = head[mark : mark + _LONGEST_HEADER].partition(b"\n")
    numbers = [int(field) for field in line.split() if field.isdigit() and len(field) <= _MOST_DIGITS]
    if end and len(numbers) == len(line.split()) == 2 and all(numbers):
        return numbers[0], numbers[1], mark + len(line) + 1
    if head.startswith(_ZIP):
        raise FormatError(f"{path} is a zip archive: unpack it first")
    if not binary and (dimensions := guess_dimensions(head[mark:])):
        return None, dimensions, mark
    other = "" if binary else ", and not every line is a word and numbers"
    raise FormatError(f"{path} is not a file of word vectors: its first line is not 'words dimensions'{other}")
