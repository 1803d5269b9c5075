"""Matrices of word vectors in four, two or one byte a number."""

import numpy as np

_BATCH = 256  # rows processed at once, which stay in the cache
_STEPS = 127  # of int8, on either side of 0


class Int8Matrix:
    """Rows of int8 numbers with a scale each, and their remainders as int8.

    A row is scale * (coarse + fine / 254), of int8 [rows, dimensions] and float32 [rows]. Search reads only the coarse
    numbers, one byte each. Indexing adds the fine ones, which makes rows exact to about 16 bits.
    """

    def __init__(self, coarse: np.ndarray, fine: np.ndarray, scales: np.ndarray) -> None:
        self.coarse, self.fine, self.scales = coarse, fine, scales
        self.shape = coarse.shape
        self.ndim = 2
        self.dtype = np.dtype(np.float32)

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
    """Returns the Euclidean lengths of the rows, float32 [rows]."""
    norms = np.empty(len(matrix), np.float32)
    for first in range(0, len(matrix), _BATCH):
        rows = np.asarray(matrix[first : first + _BATCH], np.float32)
        norms[first : first + _BATCH] = np.sqrt(np.einsum("wd,wd->w", rows, rows))
    return norms


def search_arrays(matrix: np.ndarray | Int8Matrix, norms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the numbers that search reads, coarse ones of int8, and the lengths of these rows, float32 [rows]."""
    if isinstance(matrix, Int8Matrix):
        return matrix.coarse, norms / np.maximum(matrix.scales, np.finfo(np.float32).tiny)
    return matrix, norms
