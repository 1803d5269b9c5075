"""Word vectors as text, as word2vec, fastText and GloVe write them: on each line a word and its numbers."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfgraphs.vectors.files.word2vec_format import FormatError

_LONGEST_LINE = 1 << 25  # bytes, twice as many as a million numbers need
_SAMPLE = 100  # lines
_LEGIBLE = 1 << 16  # bytes that are looked at
_SURELY_TEXT = 64  # bytes without control characters that no float32 numbers are
_NUMBERS = b"0123456789+-.eE \n"


class TextReader:
    r"""Reads lines: each a word and its numbers, separated by single spaces, and perhaps a space or \r behind them.

    The numbers are the last fields; what is before them is the word, which may hold spaces, but not at its ends. If no
    first line announces how many words there are, the last line must end with a line break as the others do, because
    a number that is cut off can still be a number.

    Args:
        path: for messages.
        dimensions: of each vector.
        count: number of words that the first line announces; None if there is no such line.
    """

    def __init__(self, path: Path, dimensions: int, count: int | None) -> None:
        self._path, self._dimensions, self._count = path, dimensions, count

    def rows(
        self, pieces: Iterator[bytes], position: int, number: int, limit: int | None
    ) -> Iterator[tuple[list[str], np.ndarray, int]]:
        """Reads one piece after the other.

        Args:
            pieces: what is in the file, from the first byte of a line on, and none of them empty.
            position: of that byte.
            number: of words before it.
            limit: number of words after which to stop, those before it included. None for all, and then there must be
                as many as announced.

        Yields:
            Some words, their vectors, finite float32 [words, dimensions], and the position behind them.

        Raises:
            FormatError: with the line at which the file is wrong.
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
            counts = f"it announces {self._count:,} words and holds {number:,}"
            raise FormatError(f"{self._path} is cut off or damaged: {counts}")

    def _damaged(self, number: int) -> FormatError:
        line = number + (1 if self._count is None else 2)
        return FormatError(f"{self._path} is damaged: line {line} does not hold a word and {self._dimensions} numbers")

    def _whole_lines(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Cuts pieces behind the last line break of each."""
        held: list[bytes] = []
        for piece in pieces:
            end = piece.rfind(b"\n") + 1
            if end:
                yield b"".join([*held, piece[:end]])
                held = []
            held.append(piece[end:])
            if sum(map(len, held)) > _LONGEST_LINE:
                raise FormatError(f"{self._path} is no file of word vectors: one of its lines has no end")
        if any(held):
            yield b"".join(held)

    def _parse(self, lines: list[bytes]) -> tuple[list[str], np.ndarray] | None:
        """The words and vectors of some lines; None if one of them is wrong."""
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
        """The word and the numbers of a line."""
        if line.count(b" ") > self._dimensions:
            word = line.rsplit(b" ", self._dimensions)[0]
            return word, line[len(word) + 1 :]
        word, _, numbers = line.partition(b" ")
        return word, numbers


def guess_dimensions(head: bytes) -> int:
    """How many numbers stand on most of a file's first lines; 0 if it does not look like words and numbers.

    A word may end in numbers, too, so that not every line tells. If two amounts are as frequent, it is the smaller one,
    with which all lines may be right. Two numbers and nothing else on the first line are no word and a number, but a
    line that announces them wrongly.
    """
    lines = head.split(b"\n", _SAMPLE)
    lines = lines[:-1] or lines  # the last one may be cut off
    first = lines[0].split()
    if _count_numbers(lines[0]) == 0 or (len(first) == 2 and _count_numbers(b" ".join([b"", *first])) == 2):
        return 0
    counts = Counter(_count_numbers(line) for line in lines)
    return min(counts, key=lambda count: (-counts[count], count))


def is_text(head: bytes, dimensions: int) -> bool:
    """Tells text from binary by what stands behind the first line: is it a word and numbers, or at least legible?

    The latter is for damaged files of text, of which the reader of text can say more.

    Args:
        head: as much of it as can be looked at.
        dimensions: what the first line announces.
    """
    row = head.partition(b"\n")[0]
    if _count_numbers(row) >= dimensions:
        return True
    if len(head) < _SURELY_TEXT:
        return False
    _, _, numbers = row.partition(b" ")
    text = head[:_LEGIBLE].decode("utf-8", errors="replace")  # whose last character may be cut off
    legible = not re.search(r"[\x00-\x08\x0e-\x1f]", text) and text.count("\ufffd") * 20 < len(text)
    return legible or (len(numbers) >= _SURELY_TEXT and not numbers.translate(None, _NUMBERS))


def _count_numbers(line: bytes) -> int:
    """How many fields of a line behind its first one are numbers without anything else behind them."""
    _, *fields = line.rstrip(b" \r").split(b" ")
    for count, field in enumerate(reversed(fields)):
        try:
            float(field)
        except ValueError:
            return count
    return len(fields)
