"""Workers that are threads of one process: a group without a network, to see what a number of workers would learn.

    vectors = run_workers(4, lambda group: train_on(group))

Workers take turns on the cores, so this tells nothing about speed.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import tensorflow as tf

from tfgraphs.cluster.group import Group


class ThreadGroup(Group):
    """One of several workers in threads; its sums are of tensors outside of graphs.

    Attributes:
        sent: bytes that it would have sent by all-reduces in a ring.
    """

    def __init__(self, rank: int, shared: "_Shared") -> None:
        self.rank, self.size, self._shared, self.sent = rank, shared.barrier.parties, shared, 0

    def total(self, tensors: Sequence[Any]) -> list[Any]:
        self._shared.given[self.rank] = list(tensors)
        own = sum(tensor.dtype.size * int(tf.size(tensor)) for tensor in tensors)
        self.sent += 2 * (self.size - 1) * own // self.size
        self._shared.barrier.wait()
        totals = [sum(one[1:], start=one[0]) for one in zip(*self._shared.given, strict=True)]
        self._shared.barrier.wait()
        return totals

    def least(self, *numbers: int) -> list[int]:
        self._shared.given[self.rank] = numbers
        self._shared.barrier.wait()
        found = [min(column) for column in zip(*self._shared.given, strict=True)]
        self._shared.barrier.wait()
        return found


class _Shared:
    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size)
        self.given: list[Any] = [None] * size


def run_workers(size: int, work: Callable[[Group], Any]) -> list[Any]:
    """Runs a function in a thread for each worker, and returns their results; an error of one is raised."""
    shared = _Shared(size)

    def watched(rank: int) -> Any:
        try:
            return work(ThreadGroup(rank, shared))
        except BaseException:
            shared.barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        runs = [pool.submit(watched, rank) for rank in range(size)]
    failed = [run for run in runs if run.exception() is not None]
    failed.sort(key=lambda run: isinstance(run.exception(), threading.BrokenBarrierError))  # those only waited
    return [run.result() for run in failed or runs]
