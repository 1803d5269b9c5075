"""Exact nearest-neighbour search: one pass over a matrix of word vectors, block by block.

cosine similarity   cos(w, q) = w · q / (|w| |q|)
3CosAdd             cos(w, Σ weight_i u_i), of unit vectors u_i (Mikolov et al. 2013)
3CosMul             see `cos_mul` (Levy and Goldberg 2014)
"""

import os
from collections.abc import Iterator

import numpy as np

from tfgraphs.errors import TfgraphsError

_BLOCK_BYTES = 1 << 24  # of a matrix: the cosines of a block stay in the cache
_MOST_COSINES = 1 << 24  # of a block
_SAMPLE = 1 << 13  # rows that set a lower bound for the others
_INT8_STEPS = 127
_EPSILON = 1e-6  # of 3CosMul


class SearchError(TfgraphsError):
    """The package for numbers of one or two bytes is not installed."""


def cosine_similarity(rows: np.ndarray, norms: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Returns the cosine similarity of queries and rows, float32 [queries, rows].

    A single query is multiplied with numbers of one or two bytes as they are, which saves memory bandwidth. For several
    queries it is faster to normalize the rows first, as float32.

    Args:
        rows: float or int8 [rows, dimensions], see `search_arrays`.
        norms: lengths of the rows, float32 [rows].
        queries: unit vectors, float32 [queries, dimensions].
    """
    if len(queries) > 1:
        return queries @ np.divide(rows, norms[:, None], dtype=np.float32).T
    products = _dot_products(rows, queries[0])
    products /= norms
    return products[None]


def cos_mul(cosines: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns the 3CosMul scores of words (Levy and Goldberg 2014), generalized to weights.

        s_i = ((1 + cosine_i) / 2) ^ |weight_i|
        score = Π_{weight_i > 0} s_i / (Π_{weight_i < 0} s_i + 1e-6)

    Args:
        cosines: of each term and each word, float32 [terms, words].
        weights: of the terms, float32 [terms].
    """
    powers = ((1 + np.clip(cosines, -1, 1)) / 2) ** np.abs(weights)[:, None]
    return powers[weights > 0].prod(axis=0) / (powers[weights < 0].prod(axis=0) + _EPSILON)


def cosine_blocks(
    rows: np.ndarray, norms: np.ndarray, queries: np.ndarray, restrict_vocab: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Yields the first row of each block, and its `cosine_similarity`, of the first `restrict_vocab` rows or of all."""
    count = len(rows) if restrict_vocab is None else min(restrict_vocab, len(rows))
    size = max(1, min(_BLOCK_BYTES // (rows.shape[1] * rows.itemsize), _MOST_COSINES // len(queries)))
    for first in range(0, count, size):
        last = min(first + size, count)
        yield first, cosine_similarity(rows[first:last], norms[first:last], queries)


class TopRows:
    """The rows with the highest scores for each query, best first; of equal scores the first row.

    Attributes:
        scores: float32 [queries, count], -inf where there are fewer rows.
        rows: int64 [queries, count].
    """

    def __init__(self, queries: int, count: int) -> None:
        self.scores = np.full((queries, count), -np.inf, np.float32)
        self.rows = np.zeros((queries, count), np.int64)

    def update(self, first: int, scores: np.ndarray) -> None:
        """Merges the scores [queries, rows] of the rows from `first` on. Rows must come in order."""
        count, rows = self.scores.shape[1], scores.shape[1]
        if rows > 2 * _SAMPLE and not np.isfinite(self.scores).all():  # a few rows set the bar for the others
            self.update(first, scores[:, :_SAMPLE])
            first, scores = first + _SAMPLE, scores[:, _SAMPLE:]
        for query in np.flatnonzero(scores.max(axis=1) > self.scores[:, -1]) if count else ():
            new = scores[query]
            better = np.flatnonzero(new > self.scores[query, -1])
            if len(better) > 4 * count + 64:
                better = better[new[better] >= np.partition(new[better], -count)[-count]]
            merged_scores = np.concatenate([self.scores[query], new[better]])
            merged_rows = np.concatenate([self.rows[query], first + better])
            best = np.argsort(-merged_scores, kind="stable")[:count]
            self.scores[query], self.rows[query] = merged_scores[best], merged_rows[best]

    def found(self, query: int) -> np.ndarray:
        """Returns the rows found for a query, int64 [up to count]."""
        return self.rows[query][np.isfinite(self.scores[query])]


def _dot_products(rows: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Returns rows @ query as float32 [rows]. For numbers of one or two bytes the query is rounded to their type."""
    if rows.dtype not in (np.int8, np.float16):
        return np.asarray(rows, np.float32) @ query
    try:
        import simsimd
    except ImportError as error:
        raise SearchError("simsimd is not installed: pip install 'tfgraphs[compact]' brings it") from error
    step = 1.0
    if rows.dtype == np.int8:
        step = max(float(np.abs(query).max()), 1e-30) / _INT8_STEPS
        query = np.rint(query / step)
    query = query.astype(rows.dtype)[None]
    products = simsimd.cdist(rows, query, metric="dot", threads=os.cpu_count() or 1, out_dtype="float32")
    return np.asarray(products)[:, 0] * np.float32(step)
