"""Logs a run for TensorBoard: each loss term as a scalar, pictures, flags as text, the graph of one step."""

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tfgraphs.monitor.progress import Progress

if TYPE_CHECKING:
    import tensorflow as tf


class EventLog:
    """Writes event files into a folder, which is created with the first event.

    `flags` are logged as a table, and pictures every `picture_every` steps and at the end of a run.
    """

    def __init__(self, logdir: str | Path, flags: Mapping[str, object], picture_every: int) -> None:
        self._logdir, self._flags, self._picture_every = str(logdir), flags, picture_every
        self._next_picture = 0

    def progress(self, progress: Progress) -> None:
        """Logs one state of the run."""
        import tensorflow as tf

        with self._writer.as_default(step=progress.step):
            if not math.isnan(progress.loss):
                tf.summary.scalar("loss", progress.loss)
            terms = {f"loss/{name}": term for name, term in progress.terms.items()}
            for name, number in {**terms, **progress.figures}.items():
                tf.summary.scalar(name, number)
            for name, text in progress.texts.items():
                tf.summary.text(name, text)
            if progress.picture is not None and (progress.step >= self._next_picture or progress.done >= 1):
                self._next_picture = progress.step + self._picture_every
                tf.summary.image("picture", progress.picture[None])

    def graph(self, graph: "tf.Graph") -> None:
        """Logs the graph of one step."""
        import tensorflow as tf

        with self._writer.as_default():
            tf.summary.graph(graph)

    def close(self) -> None:
        """Flushes and closes the files."""
        if "_writer" in vars(self):
            self._writer.close()

    @functools.cached_property
    def _writer(self) -> "tf.summary.SummaryWriter":
        """The writer, which begins with the flags as a Markdown table."""
        import tensorflow as tf

        writer = tf.summary.create_file_writer(self._logdir)
        if self._flags:
            rows = [f"| {name} | {str(value).replace('|', chr(92) + '|')} |" for name, value in self._flags.items()]
            with writer.as_default():
                tf.summary.text("flags", "\n".join(["| flag | value |", "| --- | --- |", *rows]), step=0)
        return writer
