"""Phrases: words such as new_york that stand together more often than chance would have it.

This is word2phrase of Mikolov et al. (2013, arXiv 1310.4546, section 4) on word numbers.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from tfgraphs.word2vec.settings import TextSettings
from tfgraphs.word2vec.text.counting import highest_dropped
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END, NumberFile, Vocabulary, most_frequent

Report = Callable[[str, float], None]

_BYTES = 64  # of a pair of words, while runs are merged


def join_phrases(
    file: NumberFile, vocabulary: Vocabulary, raw_words: int, settings: TextSettings, report: Report
) -> tuple[Vocabulary, np.ndarray, bool]:
    """Join pairs of words in a text on the disk, `settings.phrases` times.

    Args:
        file: the text in numbers of the vocabulary, UNKNOWN for other words.
        vocabulary: words that may become part of a phrase.
        raw_words: number of words in the text.
        settings: number of passes, and which pairs are joined.
        report: called with a description of the stage and the share of it that is done.

    Returns:
        The new vocabulary; the number in it of each number in the text; whether rare pairs were forgotten in counting.
    """
    index, counts, total, pruned = dict(vocabulary.index), vocabulary.counts, raw_words, False
    for turn in range(1, settings.phrases + 1):
        table = PairTable(len(index), settings.max_counting_memory)
        for numbers in file.sentences(partial(report, f"counting pairs of words, {turn} of {settings.phrases}")):
            table.add(numbers)
        pruned = pruned or table.pruned
        joiner = _choose_phrases(table, counts, total, index, settings)
        if len(joiner.pairs) == 0:
            break
        file.rewrite(joiner.join, partial(report, f"joining phrases, {turn} of {settings.phrases}"))
        counts, total = joiner.counts, joiner.total
    return *most_frequent(index, counts, settings.min_count, settings.max_vocabulary), pruned


def _choose_phrases(
    table: "PairTable", counts: np.ndarray, total: int, index: dict[str, int], settings: TextSettings
) -> "PhraseJoiner":
    """Choose phrases, and add new ones to the index."""
    pairs, pair_counts = table.counted()
    words = list(index)
    first, second = counts[pairs // len(words)], counts[pairs % len(words)]
    least = np.minimum(pair_counts, np.minimum(first, second))
    chosen = (least >= settings.min_count) & (scores(pair_counts, first, second, total, settings) > settings.threshold)
    pairs = pairs[chosen]
    names = [f"{words[pair // len(words)]}_{words[pair % len(words)]}" for pair in pairs.tolist()]
    numbers = np.array([index.setdefault(name, len(index)) for name in names], np.int32)
    return PhraseJoiner(len(words), pairs, numbers)


def scores(pairs: np.ndarray, first: np.ndarray, second: np.ndarray, total: int, settings: TextSettings) -> np.ndarray:
    """Score how much pairs of words belong together, float64 [pairs].

    With n(ab), n(a) and n(b) the counts of a pair and of its words, and N that of all words, this is

        word2phrase    (n(ab) - discount) N / (n(a) n(b))
        npmi           ln(n(ab) N / (n(a) n(b))) / -ln(n(ab) / N)      between -1 and 1 (Bouma 2009)

    Args:
        pairs: counts of pairs, at least 1, [pairs].
        first, second: counts of their first and second words, [pairs].
        total: count of all words.
        settings: which score, and its discount.
    """
    pairs, first, second = (counts.astype(np.float64) for counts in (pairs, first, second))
    if settings.phrase_scoring == "word2phrase":
        return (pairs - settings.phrase_discount) * total / first / second
    return np.log(pairs * total / first / second) / -np.log(pairs / total)


class PairTable:
    """Counts pairs of neighbouring words within a limit of memory.

    The counts are in sorted runs of pairs, the first at least as long as all others. If they outgrow the memory, the
    rarest pairs so far are forgotten.

    Args:
        words: word numbers are below this.
        max_bytes: limit of the memory.

    Attributes:
        pruned: whether pairs were forgotten.
    """

    def __init__(self, words: int, max_bytes: int) -> None:
        self.pruned = False
        self._words = words
        self._capacity = max(1, max_bytes // _BYTES)
        self._runs = [(np.empty(0, np.int64), np.empty(0, np.int64))]

    def add(self, numbers: np.ndarray) -> None:
        """Count the pairs in whole sentences, int32 [tokens]; negative numbers belong to no pair."""
        keys = _pair_keys(numbers, self._words)
        self._runs.append(np.unique(keys[keys >= 0], return_counts=True))
        sizes = [len(keys) for keys, _ in self._runs]
        if sum(sizes) > min(2 * sizes[0], self._capacity):
            keys, counts = self.counted()
            if len(keys) > self._capacity:
                frequent = counts > highest_dropped(counts, self._capacity * 3 // 4)
                self._runs = [(keys[frequent], counts[frequent])]
                self.pruned = True

    def counted(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all pairs as first * words + second, ascending, and their counts, int64 [pairs] each."""
        keys, counts = (np.concatenate(arrays) for arrays in zip(*self._runs, strict=True))
        order = np.argsort(keys, kind="stable")  # fast on sorted runs
        keys, counts = keys[order], counts[order]
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        self._runs = [(keys[starts], np.add.reduceat(counts, starts) if len(starts) else counts)]
        return self._runs[0]


def _pair_keys(numbers: np.ndarray, words: int) -> np.ndarray:
    """first * words + second for each number and the next, -1 if one of them is no word, int64 [tokens - 1]."""
    first, second = numbers[:-1].astype(np.int64), numbers[1:]
    return np.where((first >= 0) & (second >= 0), first * words + second, -1)


class PhraseJoiner:
    """Replaces pairs of words by phrases, and counts the words that come of it.

    Args:
        words: word numbers in the text are below this.
        pairs: first * words + second, ascending, int64 [pairs].
        numbers: of the phrases, int32 [pairs].

    Attributes:
        counts: occurrences of each word and phrase so far, int64 [words and phrases].
        total: words and phrases so far, unknown ones included.
    """

    def __init__(self, words: int, pairs: np.ndarray, numbers: np.ndarray) -> None:
        self.pairs, self._words, self._numbers = pairs, words, numbers
        self._begins = np.zeros(words + 2, bool)  # whether a word begins a pair; the last two are the numbers -2 and -1
        self._begins[pairs // words] = True
        self.counts = np.zeros(max(words, numbers.max(initial=0) + 1), np.int64)
        self.total = 0

    def join(self, numbers: np.ndarray) -> np.ndarray:
        """Join pairs in whole sentences, int32 [tokens], from left to right; a word is part of one pair at most."""
        keys = _pair_keys(numbers, self._words)
        candidates = np.flatnonzero(self._begins[numbers[:-1]] & (keys >= 0))
        places = np.searchsorted(self.pairs, keys[candidates])
        places[places == len(self.pairs)] = 0
        matches = self.pairs[places] == keys[candidates]
        begins, places = candidates[matches], places[matches]
        chosen = _every_second(begins)
        begins, places = begins[chosen], places[chosen]
        joined = numbers.copy()
        joined[begins] = self._numbers[places]
        joined = np.delete(joined, begins + 1)
        self.counts += np.bincount(joined[joined >= 0], minlength=len(self.counts))
        self.total += int(np.count_nonzero(joined != SENTENCE_END))
        return joined


def _every_second(places: np.ndarray) -> np.ndarray:
    """Mark the first, third, ... of each run of consecutive ascending numbers, so that pairs do not overlap."""
    order = np.arange(len(places))
    begins = np.diff(places, prepend=SENTENCE_END - 1) != 1
    return (order - np.maximum.accumulate(np.where(begins, order, 0))) % 2 == 0
