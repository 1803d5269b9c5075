"""Finds the row of a word: exactly as it is spelled, or in another case or with `_` for spaces."""

import bisect
import itertools
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

_LINES = 10_000  # decoded at once
_COMPLETIONS = 100_000  # words with the same prefix among which the most frequent are searched


def fold(word: str) -> str:
    """Returns what spellings have in common that differ in case or have `_` for spaces."""
    return word.replace(" ", "_").casefold()


def folded_order(text: str) -> np.ndarray:
    """Sorts the rows of a text with a word on each line by folded spelling in UTF-8, then by row: int32 [words]."""
    keys = fold(text).encode().split(b"\n")[:-1]  # folding is per character, so all words are folded at once
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int32)


class Lexicon:
    """Rows of a list of words in memory. If a word occurs twice, its first row counts."""

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
        """Returns the row of exactly this spelling."""
        return self._rows.get(word)

    def variants(self, word: str) -> list[int]:
        """Returns the rows of all spellings that differ at most in case and underscores, most frequent first."""
        return sorted(self._folded.get(fold(word), []))

    def completions(self, prefix: str, count: int) -> list[str]:
        """Returns the most frequent words with a prefix, in any case."""
        prefix = fold(prefix)
        return list(itertools.islice((word for word in self._words if fold(word).startswith(prefix)), count))


class PackedWords(Sequence[str]):
    """Words that stay in a file, which is its own `Lexicon`.

    Args:
        text: the file, a word on each line, uint8 [bytes].
        ends: where each line ends, after its line break, int64 [words].
        order: see `folded_order`, int32 [words].
    """

    def __init__(self, text: np.ndarray, ends: np.ndarray, order: np.ndarray) -> None:
        self._text, self._ends, self._order = text, ends, order

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            rows = range(*index.indices(len(self)))
            return list(self._lines(rows.start, rows.stop)) if rows.step == 1 else [self._word(row) for row in rows]
        return self._word(range(len(self))[index])

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _LINES):
            yield from self._lines(start, min(start + _LINES, len(self)))

    def row(self, word: str) -> int | None:
        """Returns the row of exactly this spelling."""
        return next((row for row in self.variants(word) if self._word(row) == word), None)

    def variants(self, word: str) -> list[int]:
        """Returns the rows of all spellings that differ at most in case and underscores, most frequent first."""
        key = fold(word).encode(errors="replace")
        ranks = itertools.takewhile(lambda rank: self._key(rank) == key, range(self._rank(key), len(self)))
        return [int(self._order[rank]) for rank in ranks]

    def completions(self, prefix: str, count: int) -> list[str]:
        """Returns the most frequent words with a prefix, in any case."""
        key = fold(prefix).encode()
        first, last = self._rank(key), self._rank(key + b"\xff")
        rows = np.sort(self._order[first : min(last, first + _COMPLETIONS)])[:count]
        return [self._word(int(row)) for row in rows]

    def _rank(self, key: bytes) -> int:
        """Returns how many words come before a folded spelling."""
        return bisect.bisect_left(range(len(self)), key, key=self._key)

    def _key(self, rank: int) -> bytes:
        return fold(self._word(int(self._order[rank]))).encode()

    def _word(self, row: int) -> str:
        return self._lines(row, row + 1)[0]

    def _lines(self, first: int, last: int) -> list[str]:
        if first >= last:
            return []
        begin = int(self._ends[first - 1]) if first else 0
        return self._text[begin : int(self._ends[last - 1]) - 1].tobytes().decode(errors="replace").split("\n")
