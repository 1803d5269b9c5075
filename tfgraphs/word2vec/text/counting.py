"""Counting words: those of a block of text in a worker process, and those of all blocks in one table."""

import itertools
import sys
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tfgraphs.word2vec.text.tokenizers import LINE_END, Tokenizer
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END, UNKNOWN, Vocabulary, most_frequent

_PIECE = 1 << 15  # bytes that are cut into words at a time: their words fit into a core's cache
_ENTRY = 72  # bytes of a word's number and count in a table, with the spare room of a growing table


@dataclass(frozen=True)
class CountedBlock:
    """A block of text as numbers of its own.

    Attributes:
        words: distinct words.
        counts: occurrences of each, int64 [words].
        numbers: indices into `words` in the order of the text, SENTENCE_END after each line, int32 [tokens].
        bad_bytes: number of byte sequences that are not UTF-8.
    """

    words: list[str]
    counts: np.ndarray
    numbers: np.ndarray
    bad_bytes: int


def count_words(tokenizer: Tokenizer, text: bytes) -> CountedBlock:
    """Number and count the words of whole lines, each of which ends with a line feed."""
    chunks: defaultdict[bytes, int] = defaultdict(itertools.count().__next__)
    _ = chunks[LINE_END]  # gets the number 0
    arrays = [np.empty(0, np.int32)]
    for lines in _pieces(text):
        cut = tokenizer.chunks(lines)
        arrays.append(np.fromiter(map(chunks.__getitem__, cut), np.int32, len(cut)))
    words, word_numbers, lengths = _words_of_chunks(tokenizer, list(chunks))
    numbers = _expand(np.concatenate(arrays), word_numbers, lengths) + SENTENCE_END  # LINE_END's 0 becomes SENTENCE_END
    counts = np.bincount(numbers[numbers >= 0], minlength=len(words) - 1)
    return CountedBlock(words[1:], counts, numbers, _count_bad(text))


def _words_of_chunks(tokenizer: Tokenizer, chunks: list[bytes]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return distinct words, the word numbers of all chunks in a row, int32 [total], and how many each chunk has."""
    plain = np.fromiter(map(tokenizer.is_word, chunks), bool, len(chunks))
    plain[0] = True  # LINE_END
    names = b"\n".join(itertools.compress(chunks, plain)).decode().split("\n")
    index = dict(zip(names, itertools.count()))
    others = [
        [index.setdefault(word, len(index)) for word in tokenizer.words(chunk)]
        for chunk in itertools.compress(chunks, ~plain)
    ]
    lengths = np.ones(len(chunks), np.int32)
    lengths[~plain] = [len(numbers) for numbers in others]
    word_numbers = np.empty(lengths.sum(), np.int32)
    is_plain = np.repeat(plain, lengths)
    word_numbers[is_plain] = np.arange(len(names))
    word_numbers[~is_plain] = list(itertools.chain.from_iterable(others))
    return list(index), word_numbers, lengths


def _pieces(text: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(text):
        end = text.find(b"\n", start + _PIECE) + 1 or len(text)
        yield text[start:end]
        start = end


def _expand(numbers: np.ndarray, word_numbers: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Replace the number of each chunk by those of its words, int32 [total]."""
    begins = np.cumsum(lengths, dtype=np.int32) - lengths
    repeats = lengths[numbers]
    ends = np.cumsum(repeats, dtype=np.int32)
    steps = np.arange(ends[-1] if len(ends) else 0, dtype=np.int32)
    return word_numbers[np.repeat(begins[numbers] - ends + repeats, repeats) + steps]


def _count_bad(text: bytes) -> int:
    if text.isascii():
        return 0
    return text.decode("utf-8", "replace").count("\ufffd") - text.count("\ufffd".encode())


class WordTable:
    """Numbers words in the order in which they come, and counts them.

    A table that outgrows its memory forgets the rarest words so far, as word2vec.c does. If a forgotten word comes
    again, it is counted from zero under a new number; 12 bytes are kept of each old number.

    Attributes:
        pruned: whether words were forgotten.
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
        """Add the counts, int64 [words], of distinct words, and return the numbers of the words, int32 [words]."""
        numbers = np.fromiter(map(self._index.__getitem__, words), np.int32, len(words))
        new = numbers >= self._issued
        self._word_bytes += sum(map(sys.getsizeof, itertools.compress(words, new)))
        self._issued += int(np.count_nonzero(new))
        if self._issued > len(self._counts):
            self._counts = np.concatenate([self._counts, np.zeros(self._issued, np.int64)])
        self._counts[numbers] += counts
        size = sys.getsizeof(self._index) + self._word_bytes + _ENTRY * len(self._index)
        if size > self._max_bytes:
            self._prune(0.75 * self._max_bytes / size)
        return numbers

    def vocabulary(
        self, min_count: int, max_words: int | None = None, known: Container[str] = frozenset()
    ) -> tuple[Vocabulary, np.ndarray]:
        """Return the frequent and the known words, and their numbers by those that `add` gave, UNKNOWN for others."""
        remembered = self._remembered()
        vocabulary, numbers = most_frequent(self._index, self._counts[remembered], min_count, max_words, known)
        table = np.full(self._issued, UNKNOWN, np.int32)
        table[remembered] = numbers
        return vocabulary, table

    def counted(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Return the words, their counts, int64 [words], and their places by the numbers that `add` gave.

        The places are UNKNOWN for forgotten words, int32 [numbers].
        """
        remembered = self._remembered()
        places = np.full(self._issued, UNKNOWN, np.int32)
        places[remembered] = np.arange(len(remembered), dtype=np.int32)
        return list(self._index), self._counts[remembered], places

    def sample(self, size: int) -> tuple[list[str], np.ndarray]:
        """Return at most so many of the words at equal distances, and their counts, int64 [words]."""
        step = -(-len(self._index) // size)
        numbers = self._remembered()[::step]
        return list(itertools.islice(self._index, None, None, step)), self._counts[numbers]

    def _remembered(self) -> np.ndarray:
        return np.fromiter(self._index.values(), np.int64, len(self._index))

    def _prune(self, share: float) -> None:
        """Keep at most this share of the words, the most frequent; of words with equal counts all or none."""
        counts = self._counts[self._remembered()]
        frequent = counts > highest_dropped(counts, int(share * len(counts)))
        self._index = defaultdict(self._numbers.__next__, itertools.compress(self._index.items(), frequent))
        self._word_bytes = sum(map(sys.getsizeof, self._index))
        self.pruned = True


def highest_dropped(counts: np.ndarray, limit: int) -> int:
    """Return the count up to which entries must be dropped so that at most `limit` are left."""
    if limit >= len(counts):
        return 0
    place = len(counts) - limit - 1
    return int(np.partition(counts, place)[place])
