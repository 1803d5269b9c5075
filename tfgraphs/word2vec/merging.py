"""Merging the matrices of workers that train on shares of a text.

Each worker takes some steps on its own matrices, a round. Then rows are merged: with b a row as it was after it was
last merged, and x_r the same row of worker r of R,

    b <- b + c sum_r (x_r - b)

A row that changed little is moved by all that the workers learnt, c = 1. A row that was in many pairs of each worker
has come to where they pull it, so its changes say the same: c = 1 / R, the mean. If a pull p, the learning rate times
the number of pairs, brings a row a share of 1 - exp(-p / SETTLED) of the way, then

    c(p) = (1 - exp(-R p / SETTLED)) / (R (1 - exp(-p / SETTLED)))

moves it as far as one worker would have moved it in all steps, where p is the pull in the steps of one.

Frequent rows are merged in each round, rare ones seldom: in round n the first LEAST * 2^z of all rows, where 2^z is the
largest power of two that divides n (the schedule of Ji et al. 2016, arXiv 1604.04661). So each row is merged after
about as many of its own pairs. Changes are sent in float16.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfgraphs.cluster.group import Group
from tfgraphs.word2vec.matrix import Matrix

SETTLED = 7.5
LEAST = 0.01  # share of the rows that are merged in each round
SENT = tf.float16
MERGE_BYTES = 60.0  # that a worker sends for each of its words


class Merging:
    """What workers do after each round; see `Exchange`.

    Args:
        group: of the workers.
        matrices: to merge.
        pulls: on the rows of each matrix in a step of one worker with a learning rate of 1, float [rows] each.
        rates: the learning rate at the start and at the end.
        steps: in all.
        round_steps: of a round.

    Attributes:
        variables: the rows as they were after they were last merged.
    """

    def __init__(
        self,
        group: Group,
        matrices: Sequence[Matrix],
        pulls: Sequence[np.ndarray],
        rates: tuple[float, float],
        steps: int,
        round_steps: int,
    ) -> None:
        self._group, self._rates, self._steps, self._round_steps = group, rates, steps, round_steps
        self._blocks = [block for matrix in matrices for block in matrix.blocks]
        self._of = [number for number, matrix in enumerate(matrices) for _ in matrix.blocks]
        self.variables = [tf.Variable(block, trainable=False, name="merged") for block in self._blocks]
        self._pulls = [pull * intervals(len(pull)) * round_steps for pull in pulls]

    def __call__(self, step: int) -> None:
        number = -(-step // self._round_steps)
        share = step / self._steps
        rate = self._rates[0] + (self._rates[1] - self._rates[0]) * share
        counts = [len(pull) if step == self._steps else rows_of_round(number, len(pull)) for pull in self._pulls]
        shares = [
            merge_share(rate * pull[:count], self._group.size) for pull, count in zip(self._pulls, counts, strict=True)
        ]
        changes = self._changes([tf.constant(counts[matrix]) for matrix in self._of])
        totals = self._group.total(changes)
        self._move(totals, [tf.constant(shares[matrix], tf.float32) for matrix in self._of])

    @tf.function(reduce_retracing=True, autograph=False)
    def _changes(self, counts: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return how the first rows have changed since they were merged."""
        blocks = zip(self._blocks, self.variables, counts, strict=True)
        return [tf.cast(block[:count] - merged[:count], SENT) for block, merged, count in blocks]

    @tf.function(reduce_retracing=True, autograph=False)
    def _move(self, totals: list[tf.Tensor], shares: list[tf.Tensor]) -> None:
        """Move the first rows by shares of the changes of all workers."""
        for block, merged, total, share in zip(self._blocks, self.variables, totals, shares, strict=True):
            count = tf.shape(total)[0]
            rows = merged[:count] + tf.cast(share[:, tf.newaxis], merged.dtype) * tf.cast(total, merged.dtype)
            block[:count].assign(rows)
            merged[:count].assign(rows)


def bytes_of_round(matrices: Sequence[Matrix], size: int) -> float:
    """Return how many bytes each of `size` workers sends in a round, on average, by an all-reduce in a ring."""
    numbers = sum(float((1 / intervals(rows)).sum()) * dim for rows, dim in (matrix.shape for matrix in matrices))
    return 2 * (size - 1) / size * SENT.size * numbers


def steps_of_round(matrices: Sequence[Matrix], size: int, words: float, merge_bytes: float) -> int:
    """Return how many steps a round has in which each of `size` workers sends some bytes for each of its words.

    Args:
        words: of the raw text that a worker reads in a step.
        merge_bytes: for each of them.
    """
    return max(1, round(bytes_of_round(matrices, size) / (merge_bytes * words)))


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
