"""The words of a text with their counts, most frequent first."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SENTENCE_END = -1  # among word numbers
UNKNOWN = -2  # the number of a word that is not in the vocabulary


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
    words: Iterable[str], counts: np.ndarray, min_count: int, max_words: int | None = None
) -> tuple[Vocabulary, np.ndarray]:
    """Make a vocabulary of the words that are frequent enough; equal counts are in alphabetical order.

    Args:
        words: distinct words.
        counts: occurrences of each, [words].
        min_count: rarer words are left out.
        max_words: size limit of the vocabulary, or None.

    Returns:
        The vocabulary, and the number of each of `words` in it, int32 [words], UNKNOWN for words that are left out.
    """
    frequent = counts >= min_count
    places = np.flatnonzero(frequent)
    ranking = sorted(zip((-counts[places]).tolist(), itertools.compress(words, frequent), places.tolist(), strict=True))
    ranking = ranking[:max_words]
    chosen = np.array([place for _, _, place in ranking], np.int64)
    numbers = np.full(len(counts), UNKNOWN, np.int32)
    numbers[chosen] = np.arange(len(chosen), dtype=np.int32)
    return Vocabulary([word for _, word, _ in ranking], counts[chosen].astype(np.int64)), numbers
