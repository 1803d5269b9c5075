"""A group of workers that train together: processes on one or several machines, each with its own share of the data.

Whatever trains takes a group. A worker that is `ALONE` is a group of one, needs nothing and costs nothing; other groups
come from `tfgraphs.cluster.workers`.
"""

from collections.abc import Sequence
from typing import Any


class Group:
    """A group of one worker.

    Attributes:
        rank: number of this worker, from 0.
        size: number of workers.
    """

    rank = 0
    size = 1

    def mean(self, tensors: Sequence[Any]) -> list[Any]:
        """Return the means of tensors over all workers, the same bytes for each; all have to ask for them.

        Args:
            tensors: float tensors of the same shapes in all workers, inside a graph or not.
        """
        return list(tensors)

    def least(self, *numbers: int) -> list[int]:
        """Return for each number the smallest one that a worker has; all have to ask, outside of graphs."""
        return list(numbers)


ALONE = Group()
"""A worker without others."""


class WorkersLost(Exception):
    """A worker has ended or cannot be reached, so the others have to end, too, and be started again.

    This is nobody's mistake; commands exit with a code of its own.
    """
