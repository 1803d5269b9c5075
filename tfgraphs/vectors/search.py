"""Exact nearest-neighbour search: one pass over a matrix in four, two or one byte a number, block by block.

cosine similarity   cos(w, q) = w · q / (|w| |q|)
3CosAdd             cos(w, Σ weight_i u_i), of unit vectors u_i (Mikolov et al. 2013)
3CosMul             see `cos_mul` (Levy and Goldberg 2014)
"""

from collections.abc import Iterator

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.extras import install_extra
from tfgraphs.graphs.processor import usable_cores

_BLOCK_BYTES = 1 << 24  # of a matrix: the cosines of a block stay in the cache
_MOST_COSINES = 1 << 24  # of a block
_SAMPLE = 1 << 13  # rows that set a lower bound for the others
_BATCH = 256  # rows processed at once, which stay in the cache
_STEPS = 127  # of int8, on either side of 0
_EPSILON = 1e-6  # of 3CosMul
_SMALLEST_SQUARE = 1e-30  # sums of smaller ones lose digits in float32


class SearchError(TfgraphsError):
    """The package for numbers of one or two bytes is not installed."""


class Int8Matrix:
    """Rows of int8 numbers with a scale each, and their remainders as int8.

    A row is scale * (coarse + fine / 254), of int8 [rows, dimensions] and float32 [rows]. Search reads only the coarse
    numbers, one byte each. Indexing adds the fine ones, which makes rows exact to about 16 bits.
    """

    def __init__(self, coarse: np.ndarray, fine: np.ndarray, scales: np.ndarray) -> None:
        self.coarse, self.fine, self.scales = coarse, fine, scales
        self.shape = coarse.shape
        self.ndim = 2

    def __len__(self) -> int:
        return len(self.coarse)

    def __getitem__(self, rows: int | slice | np.ndarray | list[int]) -> np.ndarray:
        """Returns rows as float32 [..., dimensions]."""
        steps = self.coarse[rows] + self.fine[rows] / np.float32(2 * _STEPS)
        return steps * np.asarray(self.scales[rows])[..., None]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.float32, copy=False)


def quantize(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Splits float32 [rows, dimensions] into the coarse numbers, fine numbers and scales of an `Int8Matrix`."""
    coarse, fine = np.empty(rows.shape, np.int8), np.empty(rows.shape, np.int8)
    scales = np.empty(len(rows), np.float32)
    for first in range(0, len(rows), _BATCH):
        batch = slice(first, first + _BATCH)
        largest = np.maximum(rows[batch].max(axis=1), -rows[batch].min(axis=1))
        scales[batch] = np.maximum(largest / np.float32(_STEPS), np.finfo(np.float32).tiny)
        steps = rows[batch] / scales[batch, None]
        rounded = np.rint(steps)
        coarse[batch] = rounded
        fine[batch] = np.rint((steps - rounded) * (2 * _STEPS))
    return coarse, fine, scales


def row_norms(matrix: np.ndarray | Int8Matrix) -> np.ndarray:
    """Returns the Euclidean lengths of the rows, float32 [rows]; infinity for what float32 cannot hold."""
    norms = np.empty(len(matrix), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for first in range(0, len(matrix), _BATCH):
            rows = np.asarray(matrix[first : first + _BATCH], np.float32)
            squares = np.einsum("wd,wd->w", rows, rows)
            norms[first : first + _BATCH] = np.sqrt(squares)
            extreme = np.flatnonzero(~((squares > _SMALLEST_SQUARE) & (squares < np.inf)))
            norms[first + extreme] = np.linalg.norm(rows[extreme].astype(np.float64), axis=1)
    return norms


def unit_rows(rows: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Returns rows divided by their lengths `norms`, which may be infinite, see `row_norms`: float32."""
    units = np.divide(rows, norms[:, None], dtype=np.float32)
    long = np.isinf(norms)
    if long.any():
        exact = np.asarray(rows[long], np.float64)
        units[long] = exact / np.linalg.norm(exact, axis=1, keepdims=True)
    return units


def search_arrays(matrix: np.ndarray | Int8Matrix, norms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the numbers that search reads, coarse ones of int8, and the lengths of these rows, float32 [rows]."""
    if isinstance(matrix, Int8Matrix):
        return matrix.coarse, norms / np.maximum(matrix.scales, np.finfo(np.float32).tiny)
    return matrix, norms


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
        return queries @ unit_rows(rows, norms).T
    with np.errstate(over="ignore", invalid="ignore"):
        products = _dot_products(rows, queries[0])
        products /= norms
    long = np.isinf(norms)
    if long.any():
        products[long] = unit_rows(rows[long], norms[long]) @ queries[0]
    return products[None]


def cos_mul(cosines: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns the 3CosMul scores of words (Levy and Goldberg 2014), generalized to weights [terms]: float32 [words].

    s_i = ((1 + cosine_i) / 2) ^ |weight_i|, of the cosines of term i [terms, words]
    score = Π_{weight_i > 0} s_i / (Π_{weight_i < 0} s_i + 1e-6)
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
    """The `rows` with the highest `scores` for each query, best first; of equal scores the first row.

    Both are [queries, count]. Scores are -inf where there are fewer rows.
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

    def best_rows(self, query: int) -> np.ndarray:
        """Returns the best rows of a query, best first, int64 [up to count]."""
        return self.rows[query][np.isfinite(self.scores[query])]


def _dot_products(rows: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Returns rows @ query as float32 [rows]. For numbers of one or two bytes the query is rounded to their type."""
    if rows.dtype not in (np.int8, np.float16):
        return np.asarray(rows, np.float32) @ query
    try:
        import simsimd
    except ImportError as error:
        raise SearchError(f"simsimd is not installed: {install_extra('compact')}") from error
    step = 1.0
    if rows.dtype == np.int8:
        step = max(float(np.abs(query).max()), 1e-30) / _STEPS
        query = np.rint(query / step)
    query = query.astype(rows.dtype)[None]
    products = simsimd.cdist(rows, query, metric="dot", threads=usable_cores(), out_dtype="float32")
    return np.asarray(products)[:, 0] * np.float32(step)
