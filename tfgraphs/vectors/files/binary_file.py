"""Word vectors as word2vec's binary files hold them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfgraphs.vectors.files.word2vec_format import FormatError

_LONGEST_WORD = 100_000  # bytes: beyond them no space is looked for
_MOST_DIMENSIONS = 1_000_000  # none has more, so that a damaged first line costs no memory


class BinaryReader:
    """Reads records: each word, a space, and its numbers as little-endian float32, with or without a line break.

    Args:
        path: for messages.
        dimensions: of each vector.
        count: number of words that the first line announces.

    Raises:
        FormatError: no file has so many dimensions.
    """

    def __init__(self, path: Path, dimensions: int, count: int) -> None:
        if dimensions > _MOST_DIMENSIONS:
            raise FormatError(f"{path} is damaged: its first line announces {dimensions:,} dimensions")
        self._path, self._size, self._count = path, 4 * dimensions, count

    def rows(
        self, pieces: Iterator[bytes], position: int, number: int, limit: int | None
    ) -> Iterator[tuple[list[str], np.ndarray, int]]:
        """Reads one piece after the other.

        Args:
            pieces: what is in the file, from a record's first byte on, and none of them empty.
            position: of that byte.
            number: of records before it.
            limit: number of records after which to stop, those before it included. None for all, and then the file
                must end behind them.

        Yields:
            Some words, their vectors, finite float32 [words, dimensions], and the position behind them.

        Raises:
            FormatError: with the word and byte at which the file is wrong.
        """
        last = self._count if limit is None else min(self._count, limit)
        buffer = b""  # all that was read from `position` on
        while number < last:
            words, begins, end = self._scan(buffer, position, number, last)
            if words:
                matrix = self._vectors(buffer, begins, number)
                number, position, buffer = number + len(words), position + end, buffer[end:]
                # No word holds a space. Bytes that are not UTF-8 do not spoil it, either.
                yield b" ".join(words).decode("utf-8", errors="replace").split(" "), matrix, position
            elif piece := next(pieces, b""):
                buffer += piece
            else:
                place = f"it ends at byte {position + len(buffer):,}, in word {number + 1:,} of {self._count:,}"
                raise FormatError(f"{self._path} is cut off: {place}")
        if limit is None or limit > self._count:
            self._check_end(buffer, pieces)

    def _scan(self, buffer: bytes, position: int, number: int, last: int) -> tuple[list[bytes], list[int], int]:
        """Finds the records that are wholly in the buffer: their words, where the vectors begin, and the end of all."""
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
        # Every place of the buffer taken for the beginning of a vector; picking some copies each of them at once.
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
        """Reads on to the end, where nothing but a line break may stand."""
        rest = rest[:2]
        while len(rest) < 2 and (piece := next(pieces, b"")):
            rest += piece[:2]
        if rest not in (b"", b"\n"):
            raise FormatError(f"{self._path} is damaged: it announces {self._count:,} words and holds more")
