"""Reads word2vec's binary format."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfgraphs.vectors.files.blocks import FormatError, Rows

_LONGEST_WORD = 100_000  # bytes
_MOST_DIMENSIONS = 1_000_000  # a larger number is damage, and must not cost memory


class BinaryReader:
    """Reads records: a word, a space, its numbers as little-endian float32, and optionally a line break.

    Args:
        path: of the file, for messages.
        dimensions: of each vector.
        count: number of words that the header announces.

    Raises:
        FormatError: there are more than a million dimensions.
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
                matrix = self._vectors(buffer, begins, number)
                number, position, buffer = number + len(words), position + end, buffer[end:]
                # Words contain no space, so that all can be decoded at once.
                yield b" ".join(words).decode("utf-8", errors="replace").split(" "), matrix, position
            elif piece := next(pieces, b""):
                buffer += piece
            else:
                place = f"it ends at byte {position + len(buffer):,}, in word {number + 1:,} of {self._count:,}"
                raise FormatError(f"{self._path} is cut off: {place}")
        if limit is None or limit > self._count:
            self._check_end(buffer, pieces)

    def _scan(self, buffer: bytes, position: int, number: int, last: int) -> tuple[list[bytes], list[int], int]:
        """Returns the words of all complete records, where their vectors begin, and where the last record ends."""
        words: list[bytes] = []
        begins: list[int] = []
        start, behind = 0, len(buffer) - self._size
        while number + len(words) < last:
            space = buffer.find(b" ", start)
            if (space if space >= 0 else len(buffer)) - start > _LONGEST_WORD:
                raise FormatError(f"{self._damaged(number + len(words), position + start)} has no end")
            if not 0 <= space < behind:
                break
            word = buffer[start:space].lstrip(b"\n")
            if not word:
                raise FormatError(f"{self._damaged(number + len(words), position + start)} is empty")
            words.append(word)
            begins.append(space + 1)
            start = space + 1 + self._size
        return words, begins, start

    def _vectors(self, buffer: bytes, begins: list[int], number: int) -> np.ndarray:
        # A view of the buffer with a vector at every byte. Indexing it copies all vectors at once.
        places = len(buffer) - self._size + 1
        vectors = np.ndarray((places,), np.dtype((np.void, self._size)), buffer, strides=(1,))[begins]
        matrix = vectors.view("<f4").reshape(len(begins), -1)
        finite = np.isfinite(matrix)
        if not finite.all():
            wrong = number + 1 + int(finite.all(axis=1).argmin())
            raise FormatError(f"{self._path} is damaged: the vector of word {wrong:,} is not finite")
        return matrix

    def _damaged(self, number: int, position: int) -> str:
        return f"{self._path} is damaged: word {number + 1:,} at byte {position:,}"

    def _check_end(self, rest: bytes, pieces: Iterator[bytes]) -> None:
        """Checks that nothing but a line break follows."""
        rest = rest[:2]
        while len(rest) < 2 and (piece := next(pieces, b"")):
            rest += piece[:2]
        if rest not in (b"", b"\n"):
            raise FormatError(f"{self._path} is damaged: it announces {self._count:,} words and contains more")
