"""A run on the terminal: a line of progress with the time left."""

import contextlib
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import rich.console
import rich.progress

from tfgraphs.monitor.durations import time_left
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.tensorboard import EventLog

if TYPE_CHECKING:
    import tensorflow as tf


class Monitor(contextlib.AbstractContextManager["Monitor"]):
    """Shows a run: call it with each `Progress`.

    On a terminal one line is kept up to date; elsewhere a line is written every few seconds. With a `logdir`
    TensorBoard gets each loss term as a scalar, the picture every `picture_every` steps, the flags as text and the
    graph of one optimisation step.
    """

    line_seconds = 5.0

    def __init__(
        self,
        title: str,
        *,
        logdir: str | Path | None = None,
        flags: Mapping[str, object] | None = None,
        picture_every: int = 50,
        stream: TextIO | None = None,
    ) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._line_written = time.monotonic()
        self._first: tuple[float, float] | None = None  # when the first progress came, and how much was done then
        self._log = None if logdir is None else EventLog(logdir, flags or {}, picture_every)
        self._bar = _bar(self._stream)
        self._task = self._bar.add_task(title, total=1.0, detail="preparing")
        self._bar.start()

    def __call__(self, progress: Progress) -> None:
        """Shows and logs one state of the run."""
        detail = progress.stage if math.isnan(progress.loss) else f"{progress.stage}, loss {progress.loss:.4g}"
        self._bar.update(self._task, completed=progress.done, detail=detail)
        if not self._stream.isatty():
            self._write_line(progress, detail)
        if self._log:
            self._log.progress(progress)

    def prepare(self, stage: str, share: float) -> None:
        """Shows how far something has come that goes before the run.

        Args:
            stage: what it is, in words.
            share: how much of it is done, 0..1.
        """
        self._bar.update(self._task, completed=share, detail=stage)
        now = time.monotonic()
        if not self._stream.isatty() and now - self._line_written >= self.line_seconds:
            self._line_written = now
            self._stream.write(f"{self._title}: {share:4.0%} ({stage})\n")
            self._stream.flush()

    def say(self, message: str) -> None:
        """Says something that stays to be read."""
        self._bar.console.print(f"{self._title}: {message}", highlight=False, markup=False, soft_wrap=True)

    def graph(self, graph: "tf.Graph") -> None:
        """Shows the graph of one step in TensorBoard."""
        if self._log:
            self._log.graph(graph)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._log:
            self._log.close()

    def _write_line(self, progress: Progress, detail: str) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now, progress.done
        if now - self._line_written >= self.line_seconds or progress.done >= 1:
            self._line_written = now
            begun, already = self._first
            left = time_left(now - begun, progress.done, already)
            self._stream.write(f"{self._title}: {progress.done:4.0%}, {left} left ({detail})\n")
            self._stream.flush()


def _bar(stream: TextIO) -> rich.progress.Progress:
    return rich.progress.Progress(
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(bar_width=24),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeRemainingColumn(compact=True),
        rich.progress.TextColumn("{task.fields[detail]}"),
        console=rich.console.Console(file=stream),
        disable=not stream.isatty(),
    )
