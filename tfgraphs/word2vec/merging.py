"""Merging the matrices of workers that train on shares of a text.

Each worker takes some steps on its own matrices, a round. Then rows are merged: with b a row as it was after it was
last merged, and x_r the same row of worker r of R,

    b <- b + c sum_r (x_r - b)

A row that changed little is moved by all that the workers learnt, c = 1. A row that was in many pairs of each worker
has come to where they pull it, so its changes say the same: c = 1 / R, the mean. If a pull p, the learning rate times
the number of pairs, brings a row a share of 1 - exp(-p / SETTLED) of the way, then

    c(p) = (1 - exp(-R p / SETTLED)) / (R (1 - exp(-p / SETTLED)))

moves it as far as one worker would have moved it in all steps, where p is the pull in the steps of one.

The learning rate falls, so rounds become longer: each has the same sum of learning rates. Frequent rows are merged in
each round, rare ones less often: in round n the first LEAST * 2^z of all rows, where 2^z is the largest power of two
that divides n (the schedule of Ji et al. 2016, arXiv 1604.04661). So p and c are the same in all rounds. Changes are
sent in float16.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfgraphs.cluster.group import Group
from tfgraphs.word2vec.matrix import Matrix

SETTLED = 10.0
LEAST = 0.25  # share of the rows that are merged in each round
FINE = 4  # an average round may end after so many parts of its steps
SENT = tf.float16


class Merging:
    """What workers do after some steps; see `Exchange`.

    Args:
        group: of the workers.
        matrices: to merge.
        pairs: in which each row of the matrices is in a step of one worker, float [rows] each.
        rates: the learning rate at the start and at the end.
        steps: in all.
        call_steps: steps after which a round may end.
        rounds: how many there are.

    Attributes:
        variables: the rows as they were after they were last merged.
    """

    def __init__(
        self,
        group: Group,
        matrices: Sequence[Matrix],
        pairs: Sequence[np.ndarray],
        rates: tuple[float, float],
        steps: int,
        call_steps: int,
        rounds: float,
    ) -> None:
        self._group, self._rates, self._steps, self._call_steps, self._rounds = group, rates, steps, call_steps, rounds
        self._blocks = [block for matrix in matrices for block in matrix.blocks]
        self.variables = [tf.Variable(block, trainable=False, name="merged") for block in self._blocks]
        sum_of_rates = steps * (rates[0] + rates[1]) / 2 / rounds  # in a round
        shares = [merge_share(sum_of_rates * pair * intervals(len(pair)), group.size) for pair in pairs]
        self._shares = [
            tf.constant(share[:, np.newaxis], self._blocks[0].dtype)
            for share, matrix in zip(shares, matrices, strict=True)
            for _ in matrix.blocks
        ]

    def __call__(self, step: int) -> None:
        before = self._ended(max(0, -(-step // self._call_steps) - 1) * self._call_steps)
        ended = self._ended(step)
        if step < self._steps and ended == before:
            return
        rows = [len(share) for share in self._shares]
        if step < self._steps:
            rows = [max(rows_of_round(number, one) for number in range(before + 1, ended + 1)) for one in rows]
        counts = [tf.constant(count) for count in rows]
        self._move(self._group.total(self._changes(counts)))

    def _ended(self, step: int) -> int:
        """Return how many rounds have ended after a step."""
        start, end = self._rates
        share = step / self._steps
        return int(self._rounds * share * (start + (end - start) * share / 2) / ((start + end) / 2) + 1e-9)

    @tf.function(reduce_retracing=True, autograph=False)
    def _changes(self, counts: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return how the first rows have changed since they were merged."""
        blocks = zip(self._blocks, self.variables, counts, strict=True)
        return [tf.cast(block[:count] - merged[:count], SENT) for block, merged, count in blocks]

    @tf.function(reduce_retracing=True, autograph=False)
    def _move(self, totals: list[tf.Tensor]) -> None:
        """Move the first rows by shares of the changes of all workers."""
        for block, merged, total, share in zip(self._blocks, self.variables, totals, self._shares, strict=True):
            count = tf.shape(total)[0]
            rows = merged[:count] + share[:count] * tf.cast(total, merged.dtype)
            block[:count].assign(rows)
            merged[:count].assign(rows)


def usual_bytes(size: int) -> float:
    """Return how many bytes each of `size` workers sends for a word, unless another number is asked for.

    Two workers need few for the quality of one; more of them need more, see `benchmarks/cluster.py`.
    """
    return min(60.0, 20.0 * (size - 1))


def bytes_of_round(matrices: Sequence[Matrix], size: int) -> float:
    """Return how many bytes each of `size` workers sends in a round, on average, by an all-reduce in a ring."""
    return sum(_sent_bytes(float((1 / intervals(rows)).sum()) * dim, size) for rows, dim in _shapes(matrices))


def count_rounds(matrices: Sequence[Matrix], size: int, words: float, merge_bytes: float) -> float:
    """Return in how many rounds, and a last one of all rows, each of `size` workers sends some bytes for each word.

    Args:
        words: of the raw text that a worker reads.
        merge_bytes: for each of them.
    """
    last = sum(_sent_bytes(rows * dim, size) for rows, dim in _shapes(matrices))
    return max(1.0, (merge_bytes * words - last) / bytes_of_round(matrices, size))


def _shapes(matrices: Sequence[Matrix]) -> list[tuple[int, ...]]:
    return [matrix.shape for matrix in matrices]


def _sent_bytes(numbers: float, size: int) -> float:
    """Return how many bytes a worker sends for the sum of so many numbers over all workers, in a ring."""
    return 2 * (size - 1) / size * SENT.size * numbers


def rows_of_round(number: int, rows: int) -> int:
    """Return how many of the first rows are merged in a round, counted from 1."""
    return min(rows, _least(rows) * (number & -number))


def intervals(rows: int) -> np.ndarray:
    """Return how many rounds pass between two in which each row is merged, int64 [rows]."""
    blocks = -(-np.arange(1, rows + 1) // _least(rows))  # rows of the first block are merged in each round
    return 1 << np.ceil(np.log2(blocks)).astype(np.int64)


def merge_share(pull: np.ndarray, size: int) -> np.ndarray:
    """Return c(p), see above, 1/R..1.

    Args:
        pull: p, at least 0, float [rows].
        size: R.
    """
    pull = np.clip(pull / SETTLED, 1e-6, 1e3)
    return np.expm1(-size * pull) / (size * np.expm1(-pull))


def _least(rows: int) -> int:
    return max(1, round(LEAST * rows))
