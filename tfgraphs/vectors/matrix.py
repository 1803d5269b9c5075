"""Matrices of word vectors that stay on the disk, in four, two or one byte a number."""

import os

import numpy as np

from tfgraphs.errors import TfgraphsError

DTYPES = ("float32", "float16", "int8")
_CACHED_ROWS = 256  # that are worked on at once: whole pages of them would not stay in the cache
_STEPS = 127  # of int8, on either side of 0


class MatrixError(TfgraphsError):
    """Numbers of one or two bytes cannot be searched here."""


class Int8Matrix:
    """Rows of int8 numbers with a scale each, and beside them what that leaves out, as int8 again.

    A row is scale * (coarse + fine / 254). Search passes over the coarse numbers only, a byte each; the fine ones make
    rows that are read exact to about the 16th bit.

    Attributes:
        coarse: int8 [rows, dimensions].
        fine: int8 [rows, dimensions].
        scales: float32 [rows].
    """

    def __init__(self, coarse: np.ndarray, fine: np.ndarray, scales: np.ndarray) -> None:
        self.coarse, self.fine, self.scales = coarse, fine, scales
        self.shape = coarse.shape
        self.ndim = 2
        self.dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.coarse)

    def __getitem__(self, rows: int | slice | np.ndarray | list[int]) -> np.ndarray:
        """Some of the rows, float32 [..., dimensions]."""
        steps = self.coarse[rows] + self.fine[rows] / np.float32(2 * _STEPS)
        return steps * np.asarray(self.scales[rows])[..., None]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.float32, copy=False)


def norms_of(matrix: "np.ndarray | Int8Matrix") -> np.ndarray:
    """Lengths of the rows, float32 [rows]."""
    norms = np.empty(len(matrix), np.float32)
    for first in range(0, len(matrix), _CACHED_ROWS):
        rows = np.asarray(matrix[first : first + _CACHED_ROWS], np.float32)
        norms[first : first + _CACHED_ROWS] = np.sqrt(np.einsum("wd,wd->w", rows, rows))
    return norms


def to_int8(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Splits rows, float32 [rows, dimensions], into coarse and fine numbers and scales; see `Int8Matrix`."""
    coarse, fine = np.empty(rows.shape, np.int8), np.empty(rows.shape, np.int8)
    scales = np.empty(len(rows), np.float32)
    for first in range(0, len(rows), _CACHED_ROWS):
        part = slice(first, first + _CACHED_ROWS)
        largest = np.maximum(rows[part].max(axis=1), -rows[part].min(axis=1))
        scales[part] = np.maximum(largest / np.float32(_STEPS), np.finfo(np.float32).tiny)
        steps = rows[part] / scales[part, None]
        whole = np.rint(steps)
        coarse[part] = whole
        fine[part] = np.rint((steps - whole) * (2 * _STEPS))
    return coarse, fine, scales


def stored(matrix: "np.ndarray | Int8Matrix", norms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of a matrix as they are stored, of int8 the coarse ones, and the lengths of their rows, float32."""
    if isinstance(matrix, Int8Matrix):
        return matrix.coarse, norms / np.maximum(matrix.scales, np.finfo(np.float32).tiny)
    return matrix, norms


def cosines(rows: np.ndarray, lengths: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The cosines of targets and rows, float32 [n, rows].

    A single target is multiplied with numbers of one or two bytes as they are, which is a matter of memory alone. For
    many targets it pays to bring the rows to length 1 first, as float32.

    Args:
        rows: [rows, D], see `stored`.
        lengths: of the rows, float32 [rows].
        targets: of length 1, float32 [n, D].

    Raises:
        MatrixError: the package for numbers of one or two bytes is not installed.
    """
    if len(targets) > 1:
        return targets @ np.divide(rows, lengths[:, None], dtype=np.float32).T
    dots = _products(rows, targets[0])
    dots /= lengths
    return dots[None]


def _products(rows: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The scalar products of rows [n, D] and a target, float32 [D]: float32 [n]."""
    if rows.dtype == np.int8:
        step = max(float(np.abs(target).max()), 1e-30) / _STEPS
        dots = _dots(rows, np.rint(target / step).astype(np.int8))
        dots *= np.float32(step)
        return dots
    if rows.dtype == np.float16:
        return _dots(rows, target.astype(np.float16))
    return np.asarray(rows, np.float32) @ target


def _dots(rows: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The same of rows and a target in numbers of one or two bytes."""
    try:
        import simsimd
    except ImportError as error:
        raise MatrixError("simsimd is not installed: pip install 'tfgraphs[compact]' brings it") from error
    dots = simsimd.cdist(rows, target[None], metric="dot", threads=os.cpu_count() or 1, out_dtype="float32")
    return np.asarray(dots)[:, 0]
