"""What a person sees of a run: a line of progress with the time left, and TensorBoard."""

import contextlib
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np
import rich.console
import rich.progress

from tfgraphs.durations import time_left

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Progress:
    """How far a run has come; what the techniques yield.

    Attributes:
        step: steps done in the whole run, all stages together.
        stage: where the run is, in words: "octave 2 of 4, 640 x 480".
        done: share of the whole run's work that is done, 0..1.
        loss: the loss of the last step, not a number if there is none.
        terms: named parts of the loss.
        picture: the picture as it is now, float32 [height, width, 3] in 0..1, for techniques that make one.
        figures: other numbers that belong to this step, by name.
        texts: what else there is to read of this step, in Markdown, by name.
    """

    step: int
    stage: str
    done: float
    loss: float
    terms: Mapping[str, float] = field(default_factory=dict)
    picture: np.ndarray | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


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
        self._picture_every = picture_every
        self._stream = stream or sys.stderr
        self._line_written = time.monotonic()
        self._first: tuple[float, float] | None = None  # when the first progress came, and how much was done then
        self._next_picture = 0
        self._logdir, self._flags = logdir, flags or {}
        self._writer: tf.summary.SummaryWriter | None = None  # made when there is something to log: no empty folders
        self._bar = _bar(self._stream)
        self._task = self._bar.add_task(title, total=1.0, detail="preparing")
        self._bar.start()

    def __call__(self, progress: Progress) -> None:
        """Shows and logs one state of the run."""
        detail = progress.stage if math.isnan(progress.loss) else f"{progress.stage}, loss {progress.loss:.4g}"
        self._bar.update(self._task, completed=progress.done, detail=detail)
        if not self._stream.isatty():
            self._write_line(progress, detail)
        if self._logdir is not None:
            self._log(self._opened(), progress)

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
        if self._logdir is not None:
            import tensorflow as tf

            with self._opened().as_default():
                tf.summary.graph(graph)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._writer:
            self._writer.close()

    def _opened(self) -> "tf.summary.SummaryWriter":
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._logdir))
            with self._writer.as_default():
                if self._flags:
                    tf.summary.text("flags", _flag_table(self._flags), step=0)
        return self._writer

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

    def _log(self, writer: "tf.summary.SummaryWriter", progress: Progress) -> None:
        import tensorflow as tf

        with writer.as_default(step=progress.step):
            if not math.isnan(progress.loss):
                tf.summary.scalar("loss", progress.loss)
            for name, term in progress.terms.items():
                tf.summary.scalar(f"loss/{name}", term)
            for name, figure in progress.figures.items():
                tf.summary.scalar(name, figure)
            for name, text in progress.texts.items():
                tf.summary.text(name, text)
            if progress.picture is not None and (progress.step >= self._next_picture or progress.done >= 1):
                self._next_picture = progress.step + self._picture_every
                tf.summary.image("picture", progress.picture[None])


def _flag_table(flags: Mapping[str, object]) -> str:
    return "\n".join(
        ["| flag | value |", "| --- | --- |", *(f"| {name} | {_cell(value)} |" for name, value in flags.items())]
    )


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")


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
