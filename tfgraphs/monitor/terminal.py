"""Shows a run on the terminal: one line with the progress and the time left."""

import contextlib
import io
import math
import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tfgraphs.errors import printable
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.tensorboard import EventLog

if TYPE_CHECKING:
    import rich.progress
    import tensorflow as tf


class Monitor(contextlib.AbstractContextManager["Monitor"]):
    """Shows a run; call it with each `Progress`.

    On a terminal one line is updated; elsewhere a line is written every few seconds. With a `logdir`, TensorBoard gets
    each loss term as a scalar, the picture every `picture_every` steps, the flags as text and the graph of one step.
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
        self._stream = _shown_on(stream)
        self._due, self._pace = Due(), Pace()
        self._log = None if logdir is None else EventLog(logdir, flags or {}, picture_every)
        self._bar = _bar(self._stream)
        self._task = self._bar.add_task(title, total=1.0, detail="preparing")
        self._bar.start()

    def __call__(self, progress: Progress) -> None:
        """Shows and logs one state of the run."""
        left = self._pace.left(progress.done)
        self._update(progress.done, detail(progress), f", {left} left", at_once=progress.done >= 1)
        if self._log:
            self._log.progress(progress)

    def prepare(self, stage: str, share: float) -> None:
        """Shows the progress of a preparation: what is being done, and how much of it is done, 0..1."""
        self._update(share, stage)

    def say(self, message: str) -> None:
        """Writes a line that stays."""
        text = f"{self._title}: {printable(message)}"
        self._bar.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def graph(self, graph: "tf.Graph") -> None:
        """Logs the graph of one step."""
        if self._log:
            self._log.graph(graph)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._log:
            self._log.close()

    def _update(self, share: float, detail: str, left: str = "", at_once: bool = False) -> None:
        self._bar.update(self._task, completed=share, detail=printable(detail))
        if not self._stream.isatty() and self._due(self.line_seconds, at_once):
            self._stream.write(_line(self._title, share, detail, left) + "\n")
            self._stream.flush()


class Line:
    """Shows a run as one line; call it with each `Progress`.

    It is for callers that do not say when a run fails: unlike a `Monitor` it changes nothing of the terminal that
    would have to be changed back. On a terminal the line is updated in place; elsewhere one is written every few
    seconds.
    """

    line_seconds, update_seconds = 5.0, 0.2

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._title, self._stream, self._pace = title, _shown_on(stream), Pace()
        self._due = Due(already=self._stream.isatty())

    def __call__(self, progress: Progress) -> None:
        """Shows one state of the run."""
        left, ends, in_place = self._pace.left(progress.done), progress.done >= 1, self._stream.isatty()
        if not self._due(self.update_seconds if in_place else self.line_seconds, ends):
            return
        line = _line(self._title, progress.done, detail(progress), f", {left} left")
        if in_place:
            from rich.cells import set_cell_size  # wide characters take two columns

            line = "\r" + set_cell_size(line, _columns(self._stream) - 1)
        self._stream.write(line + ("\n" if ends or not in_place else ""))
        self._stream.flush()


class Due:
    """Decides which states of a run are shown: those that are some seconds apart, and at once that in which it ends.

    Args:
        already: whether the first state is shown at once, too.
    """

    def __init__(self, already: bool = False) -> None:
        self._shown, self._ended = -math.inf if already else time.monotonic(), False

    def __call__(self, seconds: float, ends: bool) -> bool:
        """Returns whether a state is shown now.

        Args:
            seconds: between two states that are shown.
            ends: whether the run has ended with this state, or with one before.
        """
        now, ended, self._ended = time.monotonic(), self._ended, ends
        due = (ends and not ended) or now - self._shown >= seconds
        if due:
            self._shown = now
        return due


class Pace:
    """Estimates the time left from the pace since the first call; what was done before does not count."""

    def __init__(self) -> None:
        self._start: tuple[float, float] | None = None  # time and share done of the first call

    def left(self, done: float) -> str:
        """Returns the time left as text, given the share of the work that is done, 0..1."""
        now = time.monotonic()
        start, already = self._start = self._start or (now, done)
        return time_left(now - start, done, already)


def detail(progress: Progress) -> str:
    """Returns the stage, and the loss if there is one."""
    return progress.stage if math.isnan(progress.loss) else f"{progress.stage}, loss {progress.loss:.4g}"


def _line(title: str, share: float, detail: str, left: str) -> str:
    """Returns a state of a run as text; `left` is ", 5 s left", or nothing."""
    return printable(f"{title}: {share:4.0%}{left} ({detail})")


def _shown_on(stream: TextIO | None) -> TextIO:
    """Returns a stream, by default the standard error output, which programs without a console do not have."""
    return stream or sys.stderr or _Nowhere()


class _Nowhere(io.StringIO):
    """A stream that keeps nothing of what is written."""

    def write(self, text: str) -> int:
        return len(text)


def _columns(stream: TextIO) -> int:
    """Returns the width of the terminal of a stream; of that of the standard output if it cannot tell."""
    with contextlib.suppress(OSError, ValueError):
        columns = os.get_terminal_size(stream.fileno()).columns
        if columns > 0:  # some terminals have no size
            return columns
    return shutil.get_terminal_size().columns


def _bar(stream: TextIO) -> "rich.progress.Progress":
    import rich.console
    import rich.progress

    return rich.progress.Progress(
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(bar_width=24),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeRemainingColumn(compact=True),
        rich.progress.TextColumn("{task.fields[detail]}", markup=False),
        console=rich.console.Console(file=stream),
        disable=not stream.isatty(),
    )


def time_left(seconds: float, done: float, already: float = 0.0) -> str:
    """Returns how long the rest will take at the pace so far.

    Args:
        seconds: time spent.
        done: share of the work that is done, 0..1.
        already: share that was done before that time.

    >>> time_left(30, 0.25)
    '1 min 30 s'
    """
    if done <= already:
        return "0 s" if done >= 1 else "some time"
    return duration(seconds * (1 - done) / (done - already))


def duration(seconds: float) -> str:
    """Returns seconds as text: '45 s', '2 min 5 s', '3 h 20 min'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
