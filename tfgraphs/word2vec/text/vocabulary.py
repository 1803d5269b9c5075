"""The words of a text with their counts, and the text as numbers of words on the disk.

The numbers may take more than the memory; they are read, and translated to other numbers, in parts.
"""

import itertools
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

SENTENCE_END = -1  # among word numbers
UNKNOWN = -2  # the number of a word that is not in the vocabulary
DTYPE = np.dtype("<i4")  # of word numbers on the disk
_CHUNK = 1 << 20  # word numbers that are read at a time
_CHECKS = 256  # chunks

Report = Callable[[float], None]


@dataclass(frozen=True)
class Vocabulary:
    """Distinct words and their counts.

    Attributes:
        words: distinct words, most frequent first; a word's number is its index in this list.
        counts: int64 [words], occurrences of each word in the corpus.
    """

    words: list[str]
    counts: np.ndarray

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}


def most_frequent(
    words: Collection[str],
    counts: np.ndarray,
    min_count: int,
    max_words: int | None = None,
    known: Container[str] = frozenset(),
) -> tuple[Vocabulary, np.ndarray]:
    """Make a vocabulary of the words that are frequent enough; equal counts are in alphabetical order.

    Args:
        words: distinct words.
        counts: occurrences of each, [words].
        min_count: rarer words are left out.
        max_words: size limit of the vocabulary, or None.
        known: words that are frequent enough if they occur at all.

    Returns:
        The vocabulary, and the number of each of `words` in it, int32 [words], UNKNOWN for words that are left out.
    """
    frequent = counts >= min_count
    if known:
        frequent |= (counts > 0) & np.fromiter((word in known for word in words), bool, len(counts))
    places = np.flatnonzero(frequent)
    ranking = sorted(zip((-counts[places]).tolist(), itertools.compress(words, frequent), places.tolist(), strict=True))
    ranking = ranking[:max_words]
    chosen = np.array([place for _, _, place in ranking], np.int64)
    numbers = np.full(len(counts), UNKNOWN, np.int32)
    numbers[chosen] = np.arange(len(chosen), dtype=np.int32)
    return Vocabulary([word for _, word, _ in ranking], counts[chosen].astype(np.int64)), numbers


class NumberFile:
    """Word numbers of a text, 4 bytes each, with SENTENCE_END after each sentence."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return self.path.stat().st_size // DTYPE.itemsize

    def open(self, words: int) -> np.ndarray:
        """Return the numbers, which stay on the disk, int32 [tokens].

        Raises ValueError if some are numbers of none of the words. Long texts are checked in samples, which are read
        from the file, as a memory map would stay in memory.
        """
        last = max(0, len(self) - _CHUNK)
        with self.path.open("rb") as file:
            for start in sorted({*range(0, last, max(_CHUNK, last // _CHECKS)), last}):
                file.seek(start * DTYPE.itemsize)
                part = np.fromfile(file, DTYPE, _CHUNK)
                if part.min() < SENTENCE_END or part.max() >= words:
                    raise ValueError("there are numbers of no word")
        return np.memmap(self.path, DTYPE, "r")

    def append(self, numbers: np.ndarray) -> None:
        """Add word numbers at the end."""
        with self.path.open("ab") as file:
            write_numbers(numbers, file)

    def sentences(self, report: Report) -> Iterator[np.ndarray]:
        """Yield whole sentences, about a million numbers at a time, int32 [tokens]."""
        total, rest = max(1, len(self)), np.empty(0, DTYPE)
        with self.path.open("rb") as file:
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

    def rewrite(
        self, change: Callable[[np.ndarray], np.ndarray], report: Report, target: "NumberFile | None" = None
    ) -> None:
        """Write the results of a function of whole sentences to another file, or in place if they are not longer."""
        place = (self if target is None else target).path
        with place.open("wb" if place != self.path else "r+b") as result:
            for numbers in self.sentences(report):
                write_numbers(change(numbers), result)
            result.truncate()


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
