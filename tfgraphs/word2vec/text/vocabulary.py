"""The words that are trained, with their counts, and the counting of words."""

import itertools
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SENTENCE_END = -1  # among word numbers
UNKNOWN = -2  # a word that is not in the vocabulary
_ENTRY = 72  # bytes of a word's number and count, and of the room that a growing table needs


@dataclass(frozen=True)
class Vocabulary:
    """Words, most frequent first.

    Attributes:
        words: distinct words.
        counts: int64 [words], how often each stands in the corpus.
    """

    words: list[str]
    counts: np.ndarray

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    def keep_probabilities(self, threshold: float) -> np.ndarray:
        """Chance of each word to survive subsampling, as word2vec has it: min(1, sqrt(t/f) + t/f), float64 [words].

        f is the word's share of the corpus and t the threshold; 0 keeps everything (Mikolov et al. 2013).
        """
        if threshold == 0:
            return np.ones(len(self.words))
        ratio = threshold * self.counts.sum() / self.counts
        return np.minimum(1, np.sqrt(ratio) + ratio)


def most_frequent(
    words: Iterable[str], counts: np.ndarray, min_count: int, max_words: int | None = None
) -> tuple[Vocabulary, np.ndarray]:
    """The vocabulary of words that stand often enough; equal counts are in alphabetical order.

    Args:
        words: distinct words.
        counts: how often each stands in the text, [words].
        min_count: how often a word of the vocabulary stands there at least.
        max_words: how many words the vocabulary has at most; the most frequent ones.

    Returns:
        The vocabulary, and the place of each word in it, int32 [words], UNKNOWN if it has none.
    """
    frequent = counts >= min_count
    places = np.flatnonzero(frequent)
    ranking = sorted(zip((-counts[places]).tolist(), itertools.compress(words, frequent), places.tolist(), strict=True))
    ranking = ranking[:max_words]
    kept = np.array([place for _, _, place in ranking], np.int64)
    renumbered = np.full(len(counts), UNKNOWN, np.int32)
    renumbered[kept] = np.arange(len(kept), dtype=np.int32)
    return Vocabulary([word for _, word, _ in ranking], counts[kept].astype(np.int64)), renumbered


def looked_up(numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
    """places[number] for each word number; UNKNOWN and SENTENCE_END, the last two places from the end, stay."""
    return np.append(places, np.array([UNKNOWN, SENTENCE_END], places.dtype))[numbers]


def renumbered(numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Whole sentences with new word numbers, without the words that have none and the sentences that are then empty.

    Args:
        numbers: int32 [tokens], SENTENCE_END after each sentence.
        places: the new number of each old one, or UNKNOWN, int32 [old numbers].
    """
    known = looked_up(numbers, places)
    known = known[known != UNKNOWN]
    return known[(known != SENTENCE_END) | (np.append(SENTENCE_END, known[:-1]) != SENTENCE_END)]


class WordTable:
    """Numbers words in the order in which they come, and counts them.

    When the table outgrows its memory it forgets the rarest words so far, as word2vec does. A forgotten word that
    comes again is counted from zero under a new number; only 12 bytes are kept of an old number.

    Attributes:
        pruned: whether words had to be forgotten.
    """

    def __init__(self, max_bytes: int) -> None:
        self.pruned = False
        self._max_bytes = max_bytes
        self._numbers = itertools.count()
        self._index: defaultdict[str, int] = defaultdict(self._numbers.__next__)
        self._counts = np.zeros(1 << 16, np.int64)
        self._issued = 0
        self._word_bytes = 0

    def add(self, words: Sequence[str], counts: np.ndarray) -> np.ndarray:
        """Counts a part of the text.

        Args:
            words: distinct words.
            counts: how often each stands in this part, int64 [words].

        Returns:
            The numbers of the words, int32 [words].
        """
        numbers = np.fromiter(map(self._index.__getitem__, words), np.int32, len(words))
        new = numbers >= self._issued
        self._word_bytes += sum(map(sys.getsizeof, itertools.compress(words, new)))
        self._issued += int(np.count_nonzero(new))
        if self._issued > len(self._counts):
            self._counts = np.concatenate([self._counts, np.zeros(self._issued, np.int64)])
        self._counts[numbers] += counts
        if (size := self._bytes()) > self._max_bytes:
            self._prune(0.75 * self._max_bytes / size)
        return numbers

    def vocabulary(self, min_count: int, max_words: int | None = None) -> tuple[Vocabulary, np.ndarray]:
        """The words that stand often enough, and their places by the numbers that `add` gave, UNKNOWN if it is gone."""
        numbers = self._live()
        vocabulary, places = most_frequent(self._index, self._counts[numbers], min_count, max_words)
        renumbered = np.full(self._issued, UNKNOWN, np.int32)
        renumbered[numbers] = places
        return vocabulary, renumbered

    def _bytes(self) -> int:
        return sys.getsizeof(self._index) + self._word_bytes + _ENTRY * len(self._index)

    def _live(self) -> np.ndarray:
        return np.fromiter(self._index.values(), np.int64, len(self._index))

    def _prune(self, share: float) -> None:
        """Keeps at most this share of the words, the most frequent, and none without all others of its count."""
        counts = self._counts[self._live()]
        kept = counts > highest_dropped(counts, int(share * len(counts)))
        self._index = defaultdict(self._numbers.__next__, itertools.compress(self._index.items(), kept))
        self._word_bytes = sum(map(sys.getsizeof, self._index))
        self.pruned = True


def highest_dropped(counts: np.ndarray, kept: int) -> int:
    """The count up to which all must go, so that no more than `kept` stay."""
    if kept >= len(counts):
        return 0
    place = len(counts) - kept - 1
    return int(np.partition(counts, place)[place])
