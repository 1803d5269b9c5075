"""Reads the text formats of word2vec, fastText and GloVe: a word and its numbers on each line."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfgraphs.vectors.files.blocks import FormatError, Rows

_LONGEST_LINE = 1 << 25  # bytes, twice as many as a million numbers need
_SAMPLE = 100  # lines from which the dimensions are guessed
_SAMPLE_BYTES = 1 << 16  # bytes that must be legible
_SURELY_TEXT = 64  # bytes: so many without a control character are not float32 numbers
_NUMBERS = b"0123456789+-.eE \n"


class TextReader:
    r"""Reads lines: a word and its numbers, separated by single spaces, with an optional space or \r at the end.

    The last fields are the numbers. All before them is the word, which may contain spaces, but not at its ends. Without
    a header, the last line must end with a line break, because a number that is cut off can still be a number.

    Args:
        path: of the file, for messages.
        dimensions: of each vector.
        count: number of words that the header announces, or None without a header.
    """

    def __init__(self, path: Path, dimensions: int, count: int | None) -> None:
        self._path, self._dimensions, self._count = path, dimensions, count

    def rows(self, pieces: Iterator[bytes], position: int, number: int, limit: int | None) -> Rows:
        """Parses lines as `BinaryReader.rows` parses records. Without limit, all announced words must be there.

        Raises:
            FormatError: the file is damaged. The message names the line.
        """
        last = limit if self._count is None or (limit is not None and limit <= self._count) else None
        texts = self._whole_lines(pieces)
        while last is None or number < last:
            if not (text := next(texts, b"")):
                break
            lines = text.removesuffix(b"\n").split(b"\n")
            if last is not None and last - number < len(lines):
                del lines[last - number :]
                text = b"\n".join([*lines, b""])
            if self._count is None and not text.endswith(b"\n"):
                raise FormatError(f"{self._path} is cut off: line {number + len(lines)} does not end with a line break")
            rows = self._parse(lines)
            if rows is None:
                raise self._damaged(number + next(row for row, line in enumerate(lines) if self._parse([line]) is None))
            number, position = number + len(lines), position + len(text)
            if self._count is None or number <= self._count:
                yield *rows, position
        if last is None and self._count not in (None, number):
            counts = f"it announces {self._count:,} words and contains {number:,}"
            raise FormatError(f"{self._path} is cut off or damaged: {counts}")

    def _damaged(self, number: int) -> FormatError:
        line = number + (1 if self._count is None else 2)
        return FormatError(f"{self._path} is damaged: line {line} is not a word and {self._dimensions} numbers")

    def _whole_lines(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Cuts the pieces after line breaks."""
        unfinished: list[bytes] = []  # parts of a line
        for piece in pieces:
            end = piece.rfind(b"\n") + 1
            if end:
                yield b"".join([*unfinished, piece[:end]])
                unfinished = []
            unfinished.append(piece[end:])
            if sum(map(len, unfinished)) > _LONGEST_LINE:
                raise FormatError(f"{self._path} is not a file of word vectors: a line has no end")
        if any(unfinished):
            yield b"".join(unfinished)

    def _parse(self, lines: list[bytes]) -> tuple[list[str], np.ndarray] | None:
        """Returns the words and vectors of lines, or None if a line is damaged."""
        parts = [self._split(line.rstrip(b" \r")) for line in lines]
        words, numbers = [word for word, _ in parts], [numbers for _, numbers in parts]
        if any(not word or word[0] == 32 or word[-1] == 32 for word in words) or not all(numbers):
            return None
        text = b"\n".join(numbers)
        if text.translate(None, _NUMBERS):
            return None
        try:
            matrix = np.loadtxt(text.decode("ascii").split("\n"), np.float32, comments=None, delimiter=" ", ndmin=2)
        except ValueError:
            return None
        if matrix.shape != (len(lines), self._dimensions) or not np.isfinite(matrix).all():
            return None
        return b"\n".join(words).decode("utf-8", errors="replace").split("\n"), matrix

    def _split(self, line: bytes) -> tuple[bytes, bytes]:
        """Splits a line into the word and the numbers."""
        if line.count(b" ") > self._dimensions:
            word = line.rsplit(b" ", self._dimensions)[0]
            return word, line[len(word) + 1 :]
        word, _, numbers = line.partition(b" ")
        return word, numbers


def guess_dimensions(head: bytes) -> int:
    """Returns how many numbers most of the first lines end with, or 0 if the file does not look like words and numbers.

    A word may end in numbers, too, so not every line is conclusive. Of two equally frequent counts the smaller one is
    taken, with which all lines may be valid. Two numbers alone on the first line are a wrong header.
    """
    lines = head.split(b"\n", _SAMPLE)
    lines = lines[:-1] or lines  # the last line may be cut off
    first = lines[0].split()
    if _count_numbers(lines[0]) == 0 or (len(first) == 2 and _count_numbers(b" ".join([b"", *first])) == 2):
        return 0
    counts = Counter(_count_numbers(line) for line in lines)
    return min(counts, key=lambda count: (-counts[count], count))


def is_text(head: bytes, dimensions: int) -> bool:
    """Tells text from binary: whether a word and numbers follow the header, or anything legible.

    Legible files are damaged text, which `TextReader` explains best.

    Args:
        head: beginning of the content after the header.
        dimensions: what the header announces.
    """
    row = head.partition(b"\n")[0]
    if _count_numbers(row) >= dimensions:
        return True
    if len(head) < _SURELY_TEXT:
        return False
    _, _, numbers = row.partition(b" ")
    text = head[:_SAMPLE_BYTES].decode("utf-8", errors="replace")  # the last character may be cut off
    legible = not re.search(r"[\x00-\x08\x0e-\x1f]", text) and text.count("\ufffd") * 20 < len(text)
    return legible or (len(numbers) >= _SURELY_TEXT and not numbers.translate(None, _NUMBERS))


def _count_numbers(line: bytes) -> int:
    """Returns how many fields at the end of a line are numbers, not counting the first field."""
    _, *fields = line.rstrip(b" \r").split(b" ")
    for count, field in enumerate(reversed(fields)):
        try:
            float(field)
        except ValueError:
            return count
    return len(fields)
