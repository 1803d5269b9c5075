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
from tfgraphs.vectors.files.blocks import Block, FormatError
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
        # A position and the share of the file up to there, from which other shares are estimated.
        self._progress = (stream.size, 1.0) if stream.size and not stream.packed else (0, 0.0)

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

    def progress(self, position: int) -> float:
        """Returns the share of the file up to the position of a block, 0..1.

        For a packed file it is the share of packed bytes, for a pipe the share of announced words. It is 0 before the
        first block, and for a pipe without a header.
        """
        reference, share = self._progress
        return min(1.0, share * position / reference) if reference else 0.0

    def _open(self, position: int | None) -> ByteStream:
        if self._seekable:
            return ByteStream(self.path)
        if position is not None or self._pipe is None:
            raise FormatError(f"{self.path} is a pipe: it can be read only once, and only from its beginning")
        stream, self._pipe = self._pipe, None
        return stream

    def _block(self, words: list[str], parts: list[np.ndarray], end: int, read: int, stream: ByteStream) -> Block:
        if stream.size is None:
            self._progress = end, read / self.count if self.count else 0.0
        elif stream.packed:
            self._progress = end, stream.consumed / stream.size
        return Block(words, parts[0] if len(parts) == 1 else np.concatenate(parts), end, read)


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
