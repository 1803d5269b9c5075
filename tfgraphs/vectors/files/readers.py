"""Parsers of the file formats of word vectors: word2vec's binary format, and lines of text."""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfgraphs.files.contents import is_legible
from tfgraphs.vectors.word_vectors import FormatError

Rows = Iterator[tuple[list[str], np.ndarray, int]]
"""What readers yield: words, their vectors, float32 [words, dimensions], and the position after them."""

_LONGEST_WORD = 100_000  # bytes
_MOST_DIMENSIONS = 1_000_000  # a larger number is damage, and must not cost memory
_LONGEST_LINE = 1 << 25  # bytes, twice as many as a million numbers need
_SAMPLE = 100  # lines from which the dimensions are guessed
_SURELY_TEXT = 64  # bytes: so many without a control character are not float32 numbers
_NUMBERS = b"0123456789+-.eE \n"
_NOT_FINITE = b"aAfFiInNtTyY"  # letters of nan, inf and infinity


class BinaryReader:
    """Reads records: a word, a space, its numbers as little-endian float32, and optionally a line break.

    A word may be one space, but otherwise has none. The header announces `count` words of `dimensions` numbers.
    Messages name the path.
    """

    def __init__(self, path: Path, dimensions: int, count: int) -> None:
        if dimensions > _MOST_DIMENSIONS:
            raise FormatError(f"{path} is damaged: its first line announces {dimensions:,} dimensions")
        self._path, self._size, self._count = path, 4 * dimensions, count

    def rows(self, pieces: Iterator[bytes], position: int, number: int, limit: int | None) -> Rows:
        """Parses the content of a file piece by piece.

        Args:
            pieces: content of the file from the first byte of a record on. No piece is empty.
            position: of that byte.
            number: of records before it.
            limit: maximal number of records, including those before. None for all; then the file must end after them.

        Raises:
            FormatError: the file is damaged. The message names the word and the byte.
        """
        last = self._count if limit is None else min(self._count, limit)
        buffer = b""  # what was read from `position` on
        while number < last:
            words, begins, end = self._scan(buffer, position, number, last)
            if words:
                matrix = self._vectors(buffer, begins)
                number, position, buffer = number + len(words), position + end, buffer[end:]
                if b" " in words:
                    yield [word.decode("utf-8", errors="replace") for word in words], matrix, position
                else:  # no word contains a space, so that all can be decoded at once
                    yield b" ".join(words).decode("utf-8", errors="replace").split(" "), matrix, position
            elif piece := next(pieces, b""):
                buffer += piece
            else:
                place = f"it ends at byte {position + len(buffer):,}, in word {number + 1:,} of {self._count:,}"
                raise FormatError(f"{self._path} is cut off: {place}")
        whole = limit is None or limit > self._count
        if whole and buffer + b"".join(itertools.islice(pieces, 2)) not in (b"", b"\n"):
            raise FormatError(f"{self._path} is damaged: it announces {self._count:,} words and contains more")

    def _scan(self, buffer: bytes, position: int, number: int, last: int) -> tuple[list[bytes], list[int], int]:
        """Returns the words of all complete records, where their vectors begin, and where the last record ends."""
        words: list[bytes] = []
        begins: list[int] = []
        start, behind = 0, len(buffer) - self._size
        while number + len(words) < last:
            space = buffer.find(b" ", start)
            if (space if space >= 0 else len(buffer)) - start > _LONGEST_WORD:
                raise self._damaged(number + len(words), position + start, "has no end")
            if not 0 <= space < behind:
                break
            word = buffer[start:space].lstrip(b"\n")
            if not word and buffer[space + 1] == ord(" ") and space + 1 < behind:
                word, space = b" ", space + 1
            if not word:
                raise self._damaged(number + len(words), position + start, "is empty")
            words.append(word)
            start = space + 1 + self._size
            begins.append(space + 1)
        return words, begins, start

    def _damaged(self, number: int, position: int, problem: str) -> FormatError:
        return FormatError(f"{self._path} is damaged: word {number + 1:,} at byte {position:,} {problem}")

    def _vectors(self, buffer: bytes, begins: list[int]) -> np.ndarray:
        # A view of the buffer with a vector at every byte. Indexing it copies all vectors at once.
        places = len(buffer) - self._size + 1
        vectors = np.ndarray((places,), np.dtype((np.void, self._size)), buffer, strides=(1,))[begins]
        return vectors.view("<f4").reshape(len(begins), -1)


class TextReader:
    r"""Reads lines: a word and its numbers, separated by spaces or tabs, with optional ones or \r at the end.

    The last fields are the numbers. All before them is the word, which may contain spaces, but not at its ends, or be
    one space.
    """

    def __init__(self, path: Path, dimensions: int, count: int | None) -> None:
        self._path, self._dimensions, self._count = path, dimensions, count

    def rows(self, pieces: Iterator[bytes], position: int, number: int, limit: int | None) -> Rows:
        """Parses lines as `BinaryReader.rows` parses records. Without limit, all announced words must be there."""
        last = limit if self._count is None or (limit is not None and limit <= self._count) else None
        texts = self._whole_lines(pieces)
        while last is None or number < last:
            if not (text := next(texts, b"")):
                break
            lines = text.removesuffix(b"\n").split(b"\n")
            if last is not None and last - number < len(lines):
                del lines[last - number :]
                text = b"\n".join([*lines, b""])
            rows = self._parse(lines) or self._parse(lines, as_blanks=True)
            if rows is None:
                row = next(row for row, line in enumerate(lines) if self._parse([line], as_blanks=True) is None)
                line = number + row + (1 if self._count is None else 2)  # the header is the first line
                cut_off = row == len(lines) - 1 and not text.endswith(b"\n")
                problem = f"line {line} is not a word and {self._dimensions} numbers"
                raise FormatError(f"{self._path} is {'cut off' if cut_off else 'damaged'}: {problem}")
            number, position = number + len(lines), position + len(text)
            if self._count is None or number <= self._count:
                yield *rows, position
        if last is None and self._count not in (None, number):
            counts = f"it announces {self._count:,} words and contains {number:,}"
            advice = f"; a limit of {number} words reads them" if number < self._count else ""
            raise FormatError(f"{self._path} is cut off or damaged: {counts}{advice}")

    def _whole_lines(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Cuts the pieces after line breaks."""
        unfinished = b""
        for piece in pieces:
            text = unfinished + piece
            end = text.rfind(b"\n") + 1
            if end:
                yield text[:end]
            unfinished = text[end:]
            if len(unfinished) > _LONGEST_LINE:
                raise FormatError(f"{self._path} is not a file of word vectors: a line has no end")
        if unfinished:
            yield unfinished

    def _parse(self, lines: list[bytes], as_blanks: bool = False) -> tuple[list[str], np.ndarray] | None:
        """Returns the words and vectors of lines, or None if a line is damaged.

        With `as_blanks`, which is slower, runs of spaces and tabs separate, and numbers may be nan, inf or too large.
        """
        split = self._split_at_blanks if as_blanks else self._split
        parts = [split(line.rstrip(b" \r\t" if as_blanks else b" \r")) for line in lines]
        words, numbers = [word for word, _ in parts], [numbers for _, numbers in parts]
        if not as_blanks and any(not word or word[0] == 32 or word[-1] == 32 for word in words):
            return None
        text = b"\n".join(numbers)
        if not all(words) or not all(numbers) or text.translate(None, _NUMBERS + (_NOT_FINITE if as_blanks else b"")):
            return None
        try:
            matrix = np.loadtxt(text.decode("ascii").split("\n"), np.float32, comments=None, delimiter=" ", ndmin=2)
        except ValueError:
            return None
        if matrix.shape != (len(lines), self._dimensions):
            return None
        return b"\n".join(words).decode("utf-8", errors="replace").split("\n"), matrix

    def _split(self, line: bytes) -> tuple[bytes, bytes]:
        """Splits a line into the word and the numbers."""
        if line.count(b" ") > self._dimensions:
            word = line.rsplit(b" ", self._dimensions)[0]
            return word, line[len(word) + 1 :]
        word, _, numbers = line.partition(b" ")
        return word, numbers

    def _split_at_blanks(self, line: bytes) -> tuple[bytes, bytes]:
        word, *numbers = line.rsplit(None, self._dimensions) or [b""]
        if line[len(word) :].translate(None, b"\r\v\f") != line[len(word) :]:
            return b"", b""
        if len(numbers) < self._dimensions and line.startswith(b"  "):  # the word is a space
            word, numbers = b" ", [word, *numbers]
        return word.lstrip(b" \t") or b" ", b" ".join(numbers)


def guess_dimensions(head: bytes) -> int:
    """Returns how many numbers most of the first lines end with, or 0 if the file does not look like words and numbers.

    A word may end in numbers, too, so not every line is conclusive. Of two equally frequent counts the smaller one is
    taken, with which all lines may be valid. Two numbers alone on the first line are a wrong header.
    """
    lines = head.split(b"\n", _SAMPLE)
    lines = lines[:-1] or lines  # the last line may be cut off
    first = lines[0].split()
    if _count_numbers(lines[0]) == 0 or (len(first) == 2 and _count_numbers(b"x " + lines[0]) == 2):
        return 0
    counts = Counter(_count_numbers(line) for line in lines)
    return min(counts, key=lambda count: (-counts[count], count))


def is_text(head: bytes, dimensions: int) -> bool:
    """Tells text from binary: whether a word and numbers begin the content after the header, or anything legible.

    Legible files are damaged text, which `TextReader` explains best.
    """
    row = head.partition(b"\n")[0]
    if _count_numbers(row) >= dimensions:
        return True
    if len(head) < _SURELY_TEXT:
        return False
    _, _, numbers = row.partition(b" ")
    return is_legible(head) or (len(numbers) >= _SURELY_TEXT and not numbers.translate(None, _NUMBERS))


def _count_numbers(line: bytes) -> int:
    """Returns how many fields at the end of a line are numbers, not counting the word."""
    fields = line.split() if line[:1].isspace() else line.split()[1:]  # the word may be a space, or begin with one
    for count, field in enumerate(reversed(fields)):
        try:
            float(field)
        except ValueError:
            return count
    return len(fields)
