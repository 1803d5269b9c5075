"""A text as word numbers on the disk, which may be larger than memory, and their translation to other numbers."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tfgraphs.word2vec.text.vocabulary import SENTENCE_END, UNKNOWN

DTYPE = np.dtype("<i4")
_CHUNK = 1 << 20  # word numbers that are read at a time

Report = Callable[[float], None]


class NumberFile:
    """Word numbers of a text, 4 bytes each, with SENTENCE_END after each sentence."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return self.path.stat().st_size // DTYPE.itemsize

    def sentences(self, report: Report) -> Iterator[np.ndarray]:
        """Yield whole sentences, about a million numbers at a time, int32 [tokens]."""
        with self.path.open("rb") as file:
            yield from self._sentences(file, report)

    def rewrite(self, change: Callable[[np.ndarray], np.ndarray], report: Report) -> None:
        """Replace whole sentences by the result of a function, which must not be longer."""
        with self.path.open("r+b") as file, self.path.open("r+b") as result:
            for numbers in self._sentences(file, report):
                write_numbers(change(numbers), result)
            result.truncate()

    def _sentences(self, file: BinaryIO, report: Report) -> Iterator[np.ndarray]:
        total, rest = max(1, len(self)), np.empty(0, DTYPE)
        for done in itertools.count(step=_CHUNK):
            report(min(1, done / total))
            numbers = np.fromfile(file, DTYPE, _CHUNK)
            if len(numbers) == 0:
                return
            numbers = np.concatenate([rest, numbers])
            ends = np.flatnonzero(numbers == SENTENCE_END)
            whole = ends[-1] + 1 if len(ends) else 0
            rest = numbers[whole:]
            yield numbers[:whole]


def write_numbers(numbers: np.ndarray, file: BinaryIO) -> None:
    """Write word numbers to an open file."""
    file.write(numbers.astype(DTYPE, copy=False).data)


def translate(numbers: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Replace each word number by table[number]; UNKNOWN and SENTENCE_END stay."""
    return np.append(table, np.array([UNKNOWN, SENTENCE_END], table.dtype))[numbers]  # -2 and -1 index the last two


def renumber(numbers: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Translate whole sentences, and drop unknown words and the sentences that are then empty.

    Args:
        numbers: int32 [tokens], SENTENCE_END after each sentence.
        table: the new number of each old one, or UNKNOWN, int32 [old numbers].
    """
    known = translate(numbers, table)
    known = known[known != UNKNOWN]
    return known[(known != SENTENCE_END) | (np.append(SENTENCE_END, known[:-1]) != SENTENCE_END)]
