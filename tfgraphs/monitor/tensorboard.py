"""Logs a run for TensorBoard: each loss term as a scalar, pictures, flags as text, the graph of one step."""

import errno
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from tfgraphs.files.outputs import OutputError, output_errors
from tfgraphs.monitor.progress import Progress

if TYPE_CHECKING:
    import tensorflow as tf


class EventLog:
    """Writes event files into a folder, which is created with the first event.

    `flags` are logged as a table, and pictures every `picture_every` steps and at the end of a run.
    """

    def __init__(self, logdir: str | Path, flags: Mapping[str, object], picture_every: int) -> None:
        self._logdir, self._flags, self._picture_every = str(logdir), flags, picture_every
        self._next_picture = self._size = 0
        self._is_full = False

    def progress(self, progress: Progress) -> None:
        """Logs one state of the run."""
        import tensorflow as tf

        terms = {f"loss/{name}": term for name, term in progress.terms.items()}
        if not math.isnan(progress.loss):
            terms["loss"] = progress.loss
        events = [partial(tf.summary.scalar, name, number) for name, number in {**terms, **progress.figures}.items()]
        events += [partial(tf.summary.text, name, text) for name, text in progress.texts.items()]
        if progress.picture is not None and (progress.step >= self._next_picture or progress.done >= 1):
            self._next_picture = progress.step + self._picture_every
            events.append(partial(tf.summary.image, "picture", progress.picture[None]))
        self._write(events, progress.step)

    def graph(self, graph: "tf.Graph") -> None:
        """Logs the graph of one step, as `step_graph` draws it."""
        import tensorflow as tf

        from tfgraphs.monitor.step_graph import step_graph

        self._write([partial(tf.summary.graph, step_graph(graph))])

    def _write(self, events: Sequence[Callable[[], object]], step: int | None = None) -> None:
        """Writes events. If the disk is full, which TensorFlow does not always tell, it warns and logs no more."""
        if self._is_full or not events:
            return
        try:
            with output_errors(self._logdir):
                with self._writer.as_default(step=step):
                    for write in events:
                        write()
                self._writer.flush()
                size = sum(path.stat().st_size for path in Path(self._logdir).glob("events.out.*"))
                if size <= self._size:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._size = size
        except OutputError as error:
            self._is_full = True
            warnings.warn(f"{error}; the rest of the run is not logged", stacklevel=2)

    def close(self) -> None:
        """Flushes and closes the files."""
        if "_writer" in vars(self) and not self._is_full:
            self._writer.close()

    @cached_property
    def _writer(self) -> "tf.summary.SummaryWriter":
        """The writer, which begins with the flags as a Markdown table."""
        import tensorflow as tf

        writer = tf.summary.create_file_writer(self._logdir)
        if self._flags:
            rows = [f"| {name} | {str(value).replace('|', chr(92) + '|')} |" for name, value in self._flags.items()]
            with writer.as_default():
                tf.summary.text("flags", "\n".join(["| flag | value |", "| --- | --- |", *rows]), step=0)
        return writer
