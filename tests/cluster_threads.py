"""Workers that are threads of one process: a group without a network, whose sums are computed one after the other."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import tensorflow as tf

from tfgraphs.cluster.group import Group


class ThreadGroup(Group):
    """One of several workers in threads. Sums are those of tensors outside of graphs; `sent` counts their bytes."""

    def __init__(self, rank: int, shared: "_Shared") -> None:
        self.rank, self.size, self._shared, self.sent = rank, shared.barrier.parties, shared, 0

    def total(self, tensors: Sequence[Any]) -> list[Any]:
        self._shared.given[self.rank] = list(tensors)
        self.sent += (
            sum(tensor.dtype.size * int(tf.size(tensor)) for tensor in tensors) * 2 * (self.size - 1) // self.size
        )
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
        self.barrier, self.given = threading.Barrier(size), [None] * size


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
    errors = [run.exception() for run in runs if run.exception() is not None]
    for error in sorted(errors, key=lambda one: isinstance(one, threading.BrokenBarrierError)):
        raise error
    return [run.result() for run in runs]
