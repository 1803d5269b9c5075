"""Files of word vectors, read in blocks, so that a file may be larger than memory.

The format is recognised by the content, not by the name:

binary   word2vec's: "words dimensions" on a line, then records, see `BinaryReader`
text     word2vec's and fastText's (.vec): "words dimensions", then lines, see `TextReader`; GloVe's: lines only
packed   any of these, see `tfgraphs.files.packed`
"""

import codecs
import contextlib
import lzma
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tfgraphs.errors import reason
from tfgraphs.files.contents import HEAD, describe_content
from tfgraphs.files.packed import ExtraMissingError, is_packed, unpacked
from tfgraphs.vectors.files.readers import BinaryReader, TextReader, guess_dimensions, is_text
from tfgraphs.vectors.word_vectors import FormatError

_LONGEST_HEADER = 100  # bytes
_MOST_DIGITS = 18  # of a number in the header
_SHOWN = 40  # bytes of a line in a message
_PIECE = 1 << 20  # bytes of a block: it stays in the cache while it is parsed
_HEAD = 1 << 20  # bytes by which a format is recognised, or
_LONGEST_HEAD = 1 << 24  # if a line is longer than that
_ADVICE = (  # on contents that hold vectors in another way, by their first bytes
    (rb"\x80[\x02-\x05]", "a Python pickle, such as gensim's .kv and .model, which could run any program: load it with "
     "gensim, if you trust it, and write it by save_word2vec_format"),
    (rb"\xba\x16\x4f\x2f", "a fastText model that is packed or comes through a pipe: give the unpacked file"),
    (rb"\x93NUMPY", "an array of NumPy, without words: give a file or folder that has the words, too"),
    (rb"\x89HDF|PAR1|SQLite", "a file of tables or arrays: write it as text, a word and its numbers on each line"),
    (rb"\s*[\[{]\s*[\"\[{]", "JSON: write it as text, a word and its numbers on each line, separated by spaces"),
    (rb"[^,;\n]+([,;][-+.\deE]+){2,}\r?\n", "a table with commas: separate the word and its numbers by spaces"),
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """Some words of a file with their vectors, finite float32 [words, dimensions].

    Words may repeat. U+FFFD stands for bytes that are not UTF-8. Reading can go on from `position`, the number of
    unpacked bytes up to the end of this block. `read` words are up to there, and a `share` of the source, 0..1, or 0 if
    unknown. Of the words of this block, `skipped` were left out.
    """

    words: list[str]
    matrix: np.ndarray
    position: int
    read: int
    share: float = 0.0
    skipped: int = 0

    def finite(self) -> "Block":
        """Leaves out vectors that are not finite."""
        finite = np.isfinite(self.matrix)
        if finite.all():
            return self
        kept = np.flatnonzero(finite.all(axis=1))
        skipped = len(self.words) - len(kept)
        return replace(self, words=[self.words[row] for row in kept], matrix=self.matrix[kept], skipped=skipped)


def unique(blocks: Iterable[Block], seen: set[str]) -> Iterator[Block]:
    """Drops repeated words and those in `seen`, to which the others are added: the first vector of a word counts."""
    for block in blocks:
        new = set(block.words)
        if len(new) < len(block.words) or not seen.isdisjoint(new):
            first_rows = {word: row for row, word in reversed(list(enumerate(block.words))) if word not in seen}
            rows = sorted(first_rows.values())
            block = replace(block, words=[block.words[row] for row in rows], matrix=block.matrix[rows])
        seen |= new
        yield block


class VectorFile:
    """A file or pipe of word vectors.

    Args:
        path: of the file.

    Attributes:
        dimensions: of each vector.
        count: number of words that the header announces, or None without a header.

    Raises:
        FormatError: the file cannot be read, or does not begin as a file of word vectors.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(contextlib.closing(ByteStream(path)))
            head = stream.head()
            self.count, self.dimensions, self._start = _header(path, head)
            if self.count is None or is_text(head[self._start :], self.dimensions):
                self._rows = TextReader(path, self.dimensions, self.count).rows
            else:
                self._rows = BinaryReader(path, self.dimensions, self.count).rows
            self._seekable = stream.seekable
            self._pipe = None if stream.seekable else stream
            if self._pipe:
                stack.pop_all()

    def blocks(self, position: int | None = None, read: int = 0, limit: int | None = None) -> Iterator[Block]:
        """Reads the file in blocks of about a megabyte; a pipe only once and from its beginning.

        Args:
            position: where to go on: the `position` of an earlier block. None for the beginning.
            read: the `read` of the same block.
            limit: maximal number of words, including those before `position`. None for all.

        Raises:
            FormatError: the file is damaged. The message says where, in unpacked bytes.
        """
        start, kept = self._start if position is None else position, False
        total = min(limit or self.count or 0, self.count or limit or 0)
        with contextlib.closing(self._open(position)) as stream:
            for words, matrix, end in self._rows(stream.pieces(start), start, read, limit):
                read += len(words)
                block = Block(words, matrix, end, read, read / total if total else stream.share).finite()
                kept = kept or bool(block.words)
                yield block
            if position is None and read and not kept:
                raise FormatError(f"{self.path} is damaged: none of its vectors is finite")

    def _open(self, position: int | None) -> "ByteStream":
        if self._seekable:
            return ByteStream(self.path)
        if position is not None or self._pipe is None:
            raise FormatError(f"{self.path} is a pipe: it can be read only once, and only from its beginning")
        stream, self._pipe = self._pipe, None
        return stream


def _header(path: Path, head: bytes) -> tuple[int | None, int, int]:
    """Returns the announced number of words, the dimensions, and the position of the first word."""
    mark = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0  # which some editors write
    line, end, _ = head[mark : mark + _LONGEST_HEADER].partition(b"\n")
    numbers = [int(field) for field in line.split() if field.isdigit() and len(field) <= _MOST_DIGITS]
    if end and len(numbers) == len(line.split()) == 2 and all(numbers):
        return numbers[0], numbers[1], mark + len(line) + 1
    found = next((advice for start, advice in _ADVICE if re.match(start, head)), describe_content(head[:HEAD]))
    if found:
        raise FormatError(f"{path} is {found}")
    if dimensions := guess_dimensions(head[mark:]):
        return None, dimensions, mark
    begin = line[:_SHOWN].decode("utf-8", errors="replace")
    problem = "its first line is not 'words dimensions', and not every line is a word and numbers"
    raise FormatError(f"{path} is not a file of word vectors: {problem}; it begins with {begin!r}")


class ByteStream:
    """The bytes of a file or pipe in pieces, unpacked if they are packed. Methods raise FormatError.

    Attributes:
        seekable: whether the file can be opened again, which a pipe cannot.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._head = b""
        with self._explained():
            self._file = path.open("rb")
            self.seekable = self._file.seekable()
            self._size = path.stat().st_size if self.seekable else 0
            self._unpacked = unpacked(self._file, _PIECE) if is_packed(self._file) else None
        self.close = self._file.close

    @property
    def share(self) -> float:
        """Share of the stored bytes that are read, 0..1; 0 if unknown."""
        return self._file.tell() / self._size if self._size else 0.0

    def head(self) -> bytes:
        """Returns the beginning of the content, at least one line. `pieces` yields it again."""
        while len(self._head) < (_HEAD if b"\n" in self._head else _LONGEST_HEAD) and (piece := self._read()):
            self._head += piece
        return self._head

    def pieces(self, start: int) -> Iterator[bytes]:
        """Yields the content from a byte on, in pieces that are not empty."""
        piece, skipped = self._head, start
        if self.seekable and self._unpacked is None:
            with self._explained():
                self._file.seek(max(0, start - 1))
            skipped = min(1, start)
        while piece := piece or self._read():
            if piece[skipped:]:
                yield piece[skipped:]
            piece, skipped = b"", max(0, skipped - len(piece))
        if skipped:
            raise FormatError(f"{self._path} has become shorter: it ends before the position from which to go on")

    def _read(self) -> bytes:
        """Reads some bytes of the content; none are left at the end."""
        with self._explained():
            return self._file.read(_PIECE) if self._unpacked is None else next(self._unpacked, b"")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ExtraMissingError, ValueError) as error:
            named = (isinstance(error, OSError) and error.errno is not None) or isinstance(error, ValueError)
            if named or isinstance(error, ExtraMissingError):  # ValueError: the path is not one
                raise FormatError(f"cannot read {self._path}: {reason(error)}") from error
            cut_off = isinstance(error, EOFError)
            place = f" {'at' if cut_off else 'before'} byte {self._file.tell():,}" if self.seekable else ""
            problem = "is cut off: its packed data breaks off" if cut_off else "is damaged: its packed data is wrong"
            raise FormatError(f"{self._path} {problem}{place}") from error
