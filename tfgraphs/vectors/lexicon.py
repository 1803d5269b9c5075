"""Which row a word has: exactly as it is spelt, or in another case or with `_` for spaces."""

import bisect
import itertools
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np

_LINES = 10_000  # that are decoded at once
_SEEN = 100_000  # words with the same beginning, the most frequent of which are looked for


def fold(word: str) -> str:
    """What spellings of a word have in common that differ in case or have `_` for spaces."""
    return word.replace(" ", "_").casefold()


def folded_order(text: str) -> np.ndarray:
    """The rows of words, a word on each line, by their folded spelling in UTF-8, then by row, int32 [words]."""
    keys = fold(text).encode().split(b"\n")[:-1]  # at once: what a character folds to depends on no other
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int32)


class Lexicon:
    """Rows by words, of a list of words in memory; of a word that stands there twice the first row counts."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {word: row for row, word in reversed(list(enumerate(self._words)))}

    @cached_property
    def _folded(self) -> dict[str, list[int]]:
        folded: dict[str, list[int]] = {}
        for word, row in self._rows.items():
            folded.setdefault(fold(word), []).append(row)
        return folded

    def row(self, word: str) -> int | None:
        """The row of a word that is spelt exactly so."""
        return self._rows.get(word)

    def alike(self, word: str) -> list[int]:
        """Rows of all words that differ in case and underscores at most, most frequent first."""
        return sorted(self._folded.get(fold(word), []))

    def beginning(self, start: str, count: int) -> list[str]:
        """The most frequent words that begin so, whatever the case."""
        start = fold(start)
        return list(itertools.islice((word for word in self._words if fold(word).startswith(start)), count))


class PackedWords(Sequence[str]):
    """Words that stay in a file, one on each line, with two arrays beside them. It is a lexicon, too.

    Args:
        text: the lines, uint8 [bytes].
        ends: where each line ends, behind its line break, int64 [words].
        order: rows by the folded spelling in UTF-8, then by row, int32 [words].
    """

    def __init__(self, text: np.ndarray, ends: np.ndarray, order: np.ndarray) -> None:
        self._text, self._ends, self._order = text, ends, order

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            rows = range(*place.indices(len(self)))
            return list(self._lines(rows.start, rows.stop)) if rows.step == 1 else [self._word(row) for row in rows]
        return self._word(range(len(self))[place])

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _LINES):
            yield from self._lines(start, min(start + _LINES, len(self)))

    def row(self, word: str) -> int | None:
        """The row of a word that is spelt exactly so."""
        return next((row for row in self._same(word) if self._word(row) == word), None)

    def alike(self, word: str) -> list[int]:
        """Rows of all words that differ in case and underscores at most, most frequent first."""
        return list(self._same(word))

    def beginning(self, start: str, count: int) -> list[str]:
        """The most frequent words that begin so, whatever the case."""
        key = fold(start).encode()
        first, last = self._place(key), self._place(key + b"\xff")
        rows = np.sort(self._order[first : min(last, first + _SEEN)])[:count]
        return [self._word(int(row)) for row in rows]

    def _same(self, word: str) -> Iterator[int]:
        key = fold(word).encode(errors="replace")
        for place in range(self._place(key), len(self)):
            row = int(self._order[place])
            if fold(self._word(row)).encode() != key:
                return
            yield row

    def _place(self, key: bytes) -> int:
        """How many words come before a folded spelling."""
        return bisect.bisect_left(
            range(len(self)), key, key=lambda place: fold(self._word(int(self._order[place]))).encode()
        )

    def _word(self, row: int) -> str:
        begin = int(self._ends[row - 1]) if row else 0
        return self._text[begin : int(self._ends[row]) - 1].tobytes().decode()

    def _lines(self, first: int, last: int) -> list[str]:
        if first >= last:
            return []
        begin = int(self._ends[first - 1]) if first else 0
        return self._text[begin : int(self._ends[last - 1]) - 1].tobytes().decode().split("\n")
