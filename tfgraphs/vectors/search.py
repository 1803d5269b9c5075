"""Exact search: which of very many vectors are nearest to some targets, in one pass over the matrix."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tfgraphs.vectors.matrix import cosines

_BLOCK_BYTES = 1 << 24  # of a matrix that are looked at together: their cosines stay in the cache
_MOST_COSINES = 1 << 24  # that are kept of a block
_FEW = 1 << 13  # rows


def blocks(
    rows: np.ndarray, lengths: np.ndarray, targets: np.ndarray, known: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """The cosines of targets and the rows of a matrix, block by block.

    Args:
        rows: [rows, D], float16 and int8 as they are stored.
        lengths: of the rows, float32 [rows].
        targets: of length 1, float32 [n, D].
        known: how many rows count, from the first on; None for all.

    Yields:
        The first row of a block, and float32 [n, rows of the block].
    """
    count = len(rows) if known is None else min(known, len(rows))
    size = max(1, min(_BLOCK_BYTES // (rows.shape[1] * rows.itemsize), _MOST_COSINES // len(targets)))
    for first in range(0, count, size):
        last = min(first + size, count)
        yield first, cosines(rows[first:last], lengths[first:last], targets)


@dataclass
class Best:
    """The best rows for each of n questions among all that were shown, best first; of equally good ones the first.

    Attributes:
        scores: float32 [n, count], -inf where there is none.
        rows: int64 [n, count].
    """

    scores: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, questions: int, count: int) -> "Best":
        """Nothing yet."""
        return cls(np.full((questions, count), -np.inf, np.float32), np.zeros((questions, count), np.int64))

    def show(self, first: int, scores: np.ndarray) -> None:
        """Takes notice of the rows from `first` on, with their scores [n, rows]; rows must come in order."""
        count, most = self.scores.shape[1], scores.shape[1]
        if most > 2 * _FEW and not np.isfinite(self.scores).all():  # a few tell what is worth a look among the others
            self.show(first, scores[:, :_FEW])
            first, scores = first + _FEW, scores[:, _FEW:]
        for question in np.flatnonzero(scores.max(axis=1) > self.scores[:, -1]) if count else ():
            shown = scores[question]
            found = np.flatnonzero(shown > self.scores[question, -1])
            if len(found) > 4 * count + 64:
                found = found[shown[found] >= np.partition(shown[found], -count)[-count]]
            all_scores = np.concatenate([self.scores[question], shown[found]])
            all_rows = np.concatenate([self.rows[question], first + found])
            best = np.argsort(-all_scores, kind="stable")[:count]
            self.scores[question], self.rows[question] = all_scores[best], all_rows[best]
