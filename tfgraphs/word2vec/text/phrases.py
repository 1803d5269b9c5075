"""Phrases: words such as new_york that stand together more often than chance would have it.

This is word2phrase of Mikolov et al. (2013, arXiv 1310.4546, section 4) on word numbers. Connectors such as "of" may
stand between the two words and become part of the phrase, as in gensim: bank_of_america. Its score is that of its first
and last word, with the count of the whole.
"""

import copy
from collections.abc import Callable, Collection, Container, Sequence
from functools import partial

import numpy as np

from tfgraphs.word2vec.settings import TextSettings
from tfgraphs.word2vec.text.counting import highest_dropped
from tfgraphs.word2vec.text.shards import Shards
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END, NumberFile, Vocabulary, most_frequent

Report = Callable[[str, float], None]

LONGEST = 8  # connectors in a row
_BYTES = 64  # of a pair of words, while runs are merged


def join_phrases(
    shards: Shards,
    vocabulary: Vocabulary,
    raw_words: int,
    settings: TextSettings,
    known: Container[str] = frozenset(),
) -> tuple[Vocabulary, np.ndarray, bool]:
    """Join pairs of words in a text on the disk, `settings.phrases` times.

    Args:
        shards: the text in numbers of the vocabulary, UNKNOWN for other words.
        vocabulary: words that may become part of a phrase.
        raw_words: number of words in the text.
        settings: number of passes, and which pairs are joined.
        known: words that are frequent enough if they occur at all.

    Returns:
        The new vocabulary; the number in it of each number in the text; whether rare pairs were forgotten in counting.
    """
    index, counts, total, pruned = dict(vocabulary.index), vocabulary.counts, raw_words, False
    for turn in range(1, settings.phrases + 1):
        connectors = [index[word] for word in settings.connectors if word in index]
        count = partial(_count_pairs, len(index), connectors, settings.max_counting_memory)
        of_turn = f"{turn} of {settings.phrases}"
        parts = shards.read(count, f"counting pairs of words, {of_turn}")
        table = next(parts)
        for part in parts:
            table.merge(part)
        pruned = pruned or table.pruned
        joiner = _choose_phrases(table, counts, total, index, settings)
        if len(joiner.pairs) == 0:
            break
        counts, total = np.zeros_like(joiner.counts), 0
        for part_counts, part_total in shards.rewrite(partial(_join, joiner), f"joining phrases, {of_turn}"):
            counts, total = counts + part_counts, total + part_total
    return *most_frequent(index, counts, settings.min_count, settings.max_vocabulary, known), pruned


def _count_pairs(
    words: int,
    connectors: Sequence[int],
    max_bytes: int,
    source: NumberFile,
    _: NumberFile,
    report: Callable[[float], None],
) -> "PairTable":
    """Count the pairs of a file; see `Connectors` and `PairTable`."""
    table = PairTable(Connectors(words, connectors), max_bytes)
    for numbers in source.sentences(report):
        table.add(numbers)
    return table


def _join(
    joiner: "PhraseJoiner", source: NumberFile, target: NumberFile, report: Callable[[float], None]
) -> tuple[np.ndarray, int]:
    """Join phrases; return the occurrences of each word and phrase in the file, and the number of all words."""
    own = copy.copy(joiner)
    own.counts, own.total = np.zeros_like(joiner.counts), 0
    source.rewrite(own.join, report, target)
    return own.counts, own.total


def _choose_phrases(
    table: "PairTable", counts: np.ndarray, total: int, index: dict[str, int], settings: TextSettings
) -> "PhraseJoiner":
    """Choose phrases, and add new ones to the index."""
    pairs, pair_counts = table.counted()
    words = list(index)
    first, second = counts[pairs // len(words) % len(words)], counts[pairs % len(words)]
    least = np.minimum(pair_counts, np.minimum(first, second))
    chosen = (least >= settings.min_count) & (scores(pair_counts, first, second, total, settings) > settings.threshold)
    pairs = pairs[chosen]
    names = ["_".join(words[number] for number in table.connectors.words_of(pair)) for pair in pairs.tolist()]
    numbers = np.array([index.setdefault(name, len(index)) for name in names], np.int32)
    return PhraseJoiner(table.connectors, pairs, numbers)


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


class Connectors:
    """Finds pairs of words, with nothing or connectors between them, and gives them numbers.

    The number of a pair is (sequence * words + first) * words + second, where sequence is that of the connectors.

    Args:
        words: word numbers are below this.
        numbers: of connectors.
    """

    def __init__(self, words: int, numbers: Collection[int] = ()) -> None:
        self.words = words
        self._connects = np.zeros(words + 2, bool)  # the last two are the numbers -2 and -1
        self._connects[list(numbers)] = True
        self._sequences: list[tuple[int, ...]] = [()]
        self._index: dict[tuple[int, ...], int] = {(): 0}

    def words_of(self, pair: int) -> tuple[int, ...]:
        """Return the numbers of all words of a pair."""
        rest, second = divmod(pair, self.words)
        sequence, first = divmod(rest, self.words)
        return first, *self._sequences[sequence], second

    def pairs(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Find the pairs in whole sentences, int32 [tokens]; negative numbers belong to no pair.

        Returns:
            For each pair its place among the words that are no connectors, the positions of its first and last word,
            and its number, int64 [pairs] each.
        """
        others = np.flatnonzero(~self._connects[numbers])
        begins, ends = others[:-1], others[1:]
        between = ends - begins - 1
        places = np.flatnonzero((numbers[begins] >= 0) & (numbers[ends] >= 0) & (between <= LONGEST))
        begins, ends, between = begins[places], ends[places], between[places]
        sequences = np.zeros(len(places), np.int64)
        for length in range(1, between.max(initial=0) + 1):
            these = np.flatnonzero(between == length)
            rows = numbers[begins[these, None] + np.arange(1, length + 1)]
            distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
            found = np.array([self._number(tuple(row)) for row in distinct.tolist()], np.int64)
            sequences[these] = found[inverse.ravel()]
        keys = (sequences * self.words + numbers[begins]) * self.words + numbers[ends]
        kept = sequences >= 0
        return places[kept], begins[kept], ends[kept], keys[kept]

    def renumber(self, pairs: np.ndarray, other: "Connectors") -> np.ndarray:
        """Return the numbers here of pairs that another one has found, int64 [pairs]; -1 for those without one."""
        sequences, rest = np.divmod(pairs, self.words**2)
        numbers = np.array([self._number(sequence) for sequence in other._sequences], np.int64)[sequences]
        return np.where(numbers < 0, -1, numbers * self.words**2 + rest)

    def _number(self, sequence: tuple[int, ...]) -> int:
        """Return the number of a sequence, -1 if there are more than pairs have numbers."""
        number = self._index.setdefault(sequence, len(self._sequences))
        if number < len(self._sequences):
            return number
        if (number + 1) * self.words**2 >= 1 << 63:
            del self._index[sequence]
            return -1
        self._sequences.append(sequence)
        return number


class PairTable:
    """Counts pairs of neighbouring words within a limit of memory.

    The counts are in sorted runs of pairs, the first at least as long as all others. If they outgrow the memory, the
    rarest pairs so far are forgotten.

    Args:
        connectors: finds the pairs.
        max_bytes: limit of the memory.

    Attributes:
        pruned: whether pairs were forgotten.
    """

    def __init__(self, connectors: Connectors, max_bytes: int) -> None:
        self.pruned = False
        self.connectors = connectors
        self._capacity = max(1, max_bytes // _BYTES)
        self._runs = [(np.empty(0, np.int64), np.empty(0, np.int64))]

    def add(self, numbers: np.ndarray) -> None:
        """Count the pairs in whole sentences, int32 [tokens]."""
        self._add(*np.unique(self.connectors.pairs(numbers)[-1], return_counts=True))

    def _add(self, keys: np.ndarray, counts: np.ndarray) -> None:
        self._runs.append((keys, counts))
        sizes = [len(keys) for keys, _ in self._runs]
        if sum(sizes) > min(2 * sizes[0], self._capacity):
            keys, counts = self.counted()
            if len(keys) > self._capacity:
                frequent = counts > highest_dropped(counts, self._capacity * 3 // 4)
                self._runs = [(keys[frequent], counts[frequent])]
                self.pruned = True

    def merge(self, other: "PairTable") -> None:
        """Add the counts of another table of the same words."""
        keys, counts = other.counted()
        keys = self.connectors.renumber(keys, other.connectors)
        order = np.argsort(keys)
        self._add(keys[order], counts[order])
        self.pruned = self.pruned or other.pruned

    def counted(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of all pairs, ascending, and their counts, int64 [pairs] each."""
        keys, counts = (np.concatenate(arrays) for arrays in zip(*self._runs, strict=True))
        order = np.argsort(keys, kind="stable")  # fast on sorted runs
        keys, counts = keys[order], counts[order]
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        self._runs = [(keys[starts], np.add.reduceat(counts, starts) if len(starts) else counts)]
        return self._runs[0]


class PhraseJoiner:
    """Replaces pairs of words by phrases, and counts the words that come of it.

    Args:
        connectors: finds the pairs.
        pairs: numbers of those to replace, ascending, int64 [pairs].
        numbers: of the phrases, int32 [pairs].

    Attributes:
        counts: occurrences of each word and phrase so far, int64 [words and phrases].
        total: words and phrases so far, unknown ones included.
    """

    def __init__(self, connectors: Connectors, pairs: np.ndarray, numbers: np.ndarray) -> None:
        self.pairs, self._connectors, self._numbers, words = pairs, connectors, numbers, connectors.words
        self._begins = np.zeros(words + 2, bool)  # whether a word begins a pair; the last two are the numbers -2 and -1
        self._begins[pairs // words % words] = True
        self.counts = np.zeros(max(words, numbers.max(initial=0) + 1), np.int64)
        self.total = 0

    def join(self, numbers: np.ndarray) -> np.ndarray:
        """Join pairs in whole sentences, int32 [tokens], from left to right; a word is part of one pair at most."""
        order, begins, ends, keys = self._connectors.pairs(numbers)
        candidates = np.flatnonzero(self._begins[numbers[begins]])
        places = np.searchsorted(self.pairs, keys[candidates])
        places[places == len(self.pairs)] = 0
        matches = self.pairs[places] == keys[candidates]
        candidates, places = candidates[matches], places[matches]
        chosen = _every_second(order[candidates])
        candidates, places = candidates[chosen], places[chosen]
        joined = numbers.copy()
        joined[begins[candidates]] = self._numbers[places]
        inside = np.zeros(len(numbers) + 1, np.int8)
        inside[begins[candidates] + 1] = 1
        inside[ends[candidates] + 1] = -1
        joined = joined[np.cumsum(inside[:-1], dtype=np.int8) == 0]
        self.counts += np.bincount(joined[joined >= 0], minlength=len(self.counts))
        self.total += int(np.count_nonzero(joined != SENTENCE_END))
        return joined


def _every_second(places: np.ndarray) -> np.ndarray:
    """Mark the first, third, ... of each run of consecutive ascending numbers, so that pairs do not overlap."""
    order = np.arange(len(places))
    begins = np.diff(places, prepend=SENTENCE_END - 1) != 1
    return (order - np.maximum.accumulate(np.where(begins, order, 0))) % 2 == 0
