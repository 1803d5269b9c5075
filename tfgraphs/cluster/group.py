"""A group of workers that train together: processes on one or several machines, each with its own share of the data.

Whatever trains takes a group. A worker that is `ALONE` is a group of one, needs nothing and costs nothing; other groups
come from `tfgraphs.cluster.workers`.
"""

import contextlib
import time
from collections.abc import Sequence
from typing import Any

SECONDS = 1.0  # between two agreements


class Group:
    """A group of one worker.

    All workers have to call the same methods in the same order, as each waits for the others.

    Attributes:
        rank: number of this worker, from 0.
        size: number of workers.
        stopping: whether this worker was asked to stop; then all stop together, see `Agreement`.
    """

    rank = 0
    size = 1
    stopping = False

    def total(self, tensors: Sequence[Any]) -> list[Any]:
        """Return the sums of tensors over all workers, the same bytes for each.

        Args:
            tensors: of one type, and of the same shapes in all workers; inside a graph or not.
        """
        return list(tensors)

    def mean(self, tensors: Sequence[Any]) -> list[Any]:
        """Return the means of tensors over all workers; see `total`."""
        return [total / self.size for total in self.total(tensors)] if self.size > 1 else list(tensors)

    def least(self, *numbers: int) -> list[int]:
        """Return for each number the smallest one that a worker has; outside of graphs."""
        return list(numbers)

    def watched(self) -> contextlib.AbstractContextManager[None]:
        """Return a context that turns TensorFlow's errors about lost workers into `WorkersLost`."""
        return contextlib.nullcontext()


ALONE = Group()
"""A worker without others."""


class Finished(Group):
    """A worker whose group has finished its training, and which is started again: it asks nobody.

    Args:
        rank: of this worker.
        size: how many there were.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def mean(self, tensors: Sequence[Any]) -> list[Any]:
        return list(tensors)


class WorkersLost(Exception):
    """A worker has ended or cannot be reached, so the others have to end, too, and be started again.

    This is nobody's mistake; commands exit with a code of its own.
    """


class Agreement:
    """Decides about once a second, for all workers in the same round, whether to save and whether to stop.

    Args:
        group: of the workers, which all ask after each of their rounds.
    """

    def __init__(self, group: Group) -> None:
        self._group = group
        self._asked, self._rounds, self._next = time.monotonic(), 0, 1

    def __call__(self, due: bool) -> tuple[bool, bool]:
        """Return whether to save, if this worker or another one thinks it is due, and whether to stop."""
        if self._group.size == 1:
            return due, False
        self._rounds += 1
        if self._rounds < self._next:
            return False, False
        now = time.monotonic()
        wanted = max(1, round(self._rounds * SECONDS / max(now - self._asked, 1e-3)))
        going_on, not_due, self._next = self._group.least(not self._group.stopping, not due, min(wanted, 1000))
        self._asked, self._rounds = now, 0
        return not not_due, not going_on
