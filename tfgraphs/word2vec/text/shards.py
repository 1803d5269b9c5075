"""The numbers of a text in one file or in several, one for each part of the text, and what is done with each of them.

Several are written and changed by other processes or machines, which all see the same folder. What one of them does can
be done again if it ends: it reads a file and writes another.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tfgraphs.files.outputs import atomic_file
from tfgraphs.word2vec.text.vocabulary import DTYPE, NumberFile, translate

Result = TypeVar("Result")
Task = Callable[[NumberFile, NumberFile, Callable[[float], None]], Result]
"""Reads the first file and writes the second, which may be the same one; reports the share that is done, 0..1."""
MapInOrder = Callable[[Callable[[Any], Any], Iterable[Any]], Generator[Any, None, None]]

_COPIED = 1 << 22  # numbers at a time


class Shards:
    """A text in numbers: its files in the order of the text.

    Args:
        files: with the numbers.
        map_in_order: yields the results of a function for many items, computed in other processes. Without it there is
            one file, which this process changes in place.
        report: called with a description of what is done and the share that is done.
    """

    def __init__(
        self, files: Sequence[NumberFile], map_in_order: MapInOrder | None, report: Callable[[str, float], None]
    ) -> None:
        self._files, self._map_in_order, self._report = list(files), map_in_order, report

    def __len__(self) -> int:
        """The number of word numbers and sentence ends."""
        return sum(map(len, self._files))

    def read(self, task: Task[Result], what: str) -> Iterator[Result]:
        """Yield the results of a task that only reads."""
        yield from self._each(task, [(file, file) for file in self._files], what)

    def rewrite(self, task: Task[Result], what: str) -> Iterator[Result]:
        """Yield the results of a task for each file; when all are taken, the new files are those of the text."""
        if self._map_in_order is None:
            yield from self.read(task, what)
            return
        new = [NumberFile(_next_name(file.path)) for file in self._files]
        yield from self._each(partial(_write_whole, task), list(zip(self._files, new, strict=True)), what)
        for file in self._files:
            file.path.unlink()
        self._files = new

    def look_up(self, table: np.ndarray, change: Callable[[np.ndarray, np.ndarray], np.ndarray], what: str) -> None:
        """Replace all numbers by change(numbers, table)."""
        for _ in self.rewrite(partial(_look_up, table, change), what):
            pass

    def gather(self, path: Path) -> None:
        """Make one file of all, at a path."""
        if self._map_in_order is None:
            self._files[0].path.rename(path)
            return
        starts = np.cumsum([0, *map(len, self._files)]).tolist()
        with path.open("wb") as file:
            file.truncate(starts[-1] * DTYPE.itemsize)
        whole = NumberFile(path)
        copies = [partial(_copy_into, start) for start in starts[:-1]]
        pairs = [(file, whole) for file in self._files]
        for _ in self._map_in_order(_call, zip(copies, pairs, strict=True)):
            pass

    def _each(self, task: Task[Result], pairs: Sequence[tuple[NumberFile, NumberFile]], what: str) -> Iterator[Result]:
        report = partial(self._report, what)
        if self._map_in_order is None:
            ((source, target),) = pairs
            yield task(source, target, report)
            return
        report(0.0)
        for number, result in enumerate(self._map_in_order(partial(_unreported, task), pairs), 1):
            report(number / len(pairs))
            yield result


def own_numbers(file: NumberFile) -> Path:
    """Return the place of the numbers in the whole text of the words that a file numbers in its own way, if it does."""
    return file.path.with_name(f"{file.path.name}.npy")


def _look_up(
    table: np.ndarray,
    change: Callable[[np.ndarray, np.ndarray], np.ndarray],
    source: NumberFile,
    target: NumberFile,
    report: Callable[[float], None],
) -> None:
    own = own_numbers(source)
    own_table = translate(np.load(own), table) if own.exists() else table
    source.rewrite(lambda numbers: change(numbers, own_table), report, target)


def _write_whole(task: Task[Result], source: NumberFile, target: NumberFile, report: Callable[[float], None]) -> Result:
    """Do a task so that its target is there as a whole or not at all."""
    with atomic_file(target.path) as temporary:
        return task(source, NumberFile(temporary), report)


def _copy_into(start: int, source: NumberFile, target: NumberFile, report: Callable[[float], None]) -> None:
    with source.path.open("rb") as numbers, target.path.open("r+b") as whole:
        whole.seek(start * DTYPE.itemsize)
        while part := numbers.read(_COPIED * DTYPE.itemsize):
            whole.write(part)


def _unreported(task: Task[Result], pair: tuple[NumberFile, NumberFile]) -> Result:
    return task(*pair, lambda share: None)


def _call(copy_and_pair: tuple[Task[None], tuple[NumberFile, NumberFile]]) -> None:
    copy, pair = copy_and_pair
    _unreported(copy, pair)


def _next_name(path: Path) -> Path:
    """Return part-00012.1 after part-00012.0."""
    return path.with_suffix(f".{int(path.suffix[1:]) + 1}")
