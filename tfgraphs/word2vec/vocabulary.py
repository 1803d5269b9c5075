"""The words that are trained, with their counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np


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

    def noise_table(self, exponent: float, size: int) -> np.ndarray:
        """Word numbers, int32 [size], in which each word stands in proportion to count**exponent."""
        cumulated = np.cumsum(self.counts.astype(np.float64) ** exponent)
        quantiles = (np.arange(size) + 0.5) / size * cumulated[-1]
        return np.searchsorted(cumulated, quantiles).astype(np.int32)


def count_words(sentences: Iterable[list[str]], min_count: int) -> Vocabulary:
    """Counts words and keeps those that stand at least `min_count` times; equal counts are in alphabetical order."""
    counter: Counter[str] = Counter()
    for sentence in sentences:
        counter.update(sentence)
    kept = sorted((-count, word) for word, count in counter.items() if count >= min_count)
    return Vocabulary([word for _, word in kept], np.array([-count for count, _ in kept], np.int64))
