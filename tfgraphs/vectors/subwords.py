"""Vectors of words from their n-grams, as fastText computes them (Bojanowski et al. 2017).

vector of a word    the mean of its own row, if the word is in the vocabulary, and the rows of its n-grams
n-grams             of minn to maxn characters of "<word>" in UTF-8, without "<" and ">" alone
row of an n-gram    its hash modulo the number of buckets
hash                FNV-1a of 32 bits over the bytes, each extended with its sign: h <- (h xor byte) * 16777619
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BEGIN, END = "<", ">"
END_OF_SENTENCE = "</s>"
"""The word that stands for line breaks, which has no n-grams."""
FNV_START, FNV_PRIME = 2166136261, 16777619
LONGEST_NGRAM = 64
"""Characters; models with longer ones are refused, since the number of n-grams grows with the length."""
_GATHERED_BYTES = 1 << 25  # of rows that are added up at once


@dataclass(frozen=True)
class Subwords:
    """The n-grams of a model.

    Attributes:
        minn, maxn: shortest and longest n-grams, in characters.
        buckets: number of different hashes.
        matrix: their vectors, float [rows, dimensions], an array or a memory map. Row i belongs to hash i or, if some
            are pruned, to hash kept[i].
        kept: the hashes that have a row, ascending, int32 [rows]. None if all have.
    """

    minn: int
    maxn: int
    buckets: int
    matrix: np.ndarray
    kept: np.ndarray | None = None

    def rows(self, words: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows of the n-grams of words in fastText's order, and the number of the word of each."""
        hashes, numbers = ngram_hashes(words, self.minn, self.maxn)
        buckets = (hashes % np.uint32(self.buckets)).astype(np.int64)
        if self.kept is None:
            return buckets, numbers
        rows = np.minimum(np.searchsorted(self.kept, buckets), len(self.kept) - 1)
        found = self.kept[rows] == buckets if len(self.kept) else np.zeros(len(buckets), bool)
        return rows[found], numbers[found]

    def vector(self, word: str) -> np.ndarray | None:
        """Returns the vector of a word outside the vocabulary, finite float32 [dimensions]; None if it has none."""
        rows, _ = self.rows([word.encode(errors="replace")])
        vector = mean_rows(self.matrix, rows, np.zeros(1, int))[0] if len(rows) else None
        return vector if vector is not None and np.isfinite(vector).all() else None


def mean_rows(matrix: np.ndarray, rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Returns the means of runs of rows of a matrix, float32 [runs, dimensions], each run from one of `starts` on."""
    counts = np.diff(starts, append=len(rows))
    numbers, sums = np.repeat(np.arange(len(starts)), counts), np.zeros((len(starts), matrix.shape[1]), np.float32)
    size = max(1, _GATHERED_BYTES // (4 * matrix.shape[1]))
    for first in range(0, len(rows), size):
        runs = numbers[first : first + size]
        begins = np.flatnonzero(np.diff(runs, prepend=-1))
        gathered = np.asarray(matrix[rows[first : first + size]], np.float32)
        sums[runs[begins]] += np.add.reduceat(gathered, begins, axis=0)
    return sums * (1 / counts).astype(np.float32)[:, None]


def ngram_hashes(words: Sequence[bytes], minn: int, maxn: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the hashes of the n-grams of words, uint32 [n-grams], and the number of the word of each, int64.

    A character is a byte and the bytes 0x80 to 0xbf that follow. N-grams are ordered by word, place and length.
    """
    marked = [b"<%b>" % word if word != END_OF_SENTENCE.encode() else b"" for word in words]
    text = np.frombuffer(b"".join(marked), np.uint8)
    begins = np.concatenate([text & 0xC0 != 0x80, [True]])  # of characters
    word_ends = np.cumsum([len(word) for word in marked])
    places = starts = np.flatnonzero(begins[:-1])
    numbers = np.searchsorted(word_ends, starts, side="right")
    first = np.isin(starts, word_ends - [len(word) for word in marked])
    ends = word_ends[numbers]
    hashes, counts = np.full(len(starts), FNV_START, np.uint32), np.zeros(len(starts), int)
    found = [(hashes[:0], numbers[:0], starts[:0], counts[:0])]
    signed = text.view(np.int8).astype(np.uint32)
    while len(places):
        hashes = (hashes ^ signed[places]) * np.uint32(FNV_PRIME)
        counts = counts + begins[places]
        places = places + 1
        whole, last = begins[places], places == ends
        kept = whole & (counts >= minn) & ~((counts == 1) & (first | last))
        found.append((hashes[kept], numbers[kept], starts[kept], counts[kept]))
        on = ~last & ~(whole & (counts >= maxn))
        places, starts, ends, first = places[on], starts[on], ends[on], first[on]
        hashes, counts, numbers = hashes[on], counts[on], numbers[on]
    all_hashes, all_numbers, all_starts, all_counts = map(np.concatenate, zip(*found, strict=True))
    order = np.lexsort((all_counts, all_starts))
    return all_hashes[order], all_numbers[order]
