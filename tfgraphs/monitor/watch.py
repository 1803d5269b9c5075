"""Shows a run where its program runs: in a cell of a notebook, updated in place, or as a line of a terminal.

    dreamt = tfgraphs.dream("sample:coffee", on_progress=tfgraphs.watch("a dream"))

Commands show their runs by `tfgraphs.monitor.terminal.Monitor`.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgraphs.monitor import html
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.tensorboard import EventLog
from tfgraphs.monitor.terminal import Line, Pace, detail, duration

if TYPE_CHECKING:
    import tensorflow as tf

_UPDATE_SECONDS = 0.5  # between two states in a notebook, which each send a picture


def watch(title: str = "run", *, logdir: str | Path | None = None, picture_every: int = 50) -> "Watch":
    """Shows a run: how much is done, the time left, the loss, and the picture as it changes.

    In a notebook the cell that calls this function displays it; elsewhere it is a line on the standard error output.

    Args:
        title: of the run.
        logdir: folder for TensorBoard: each loss term as a scalar, and pictures. Default: nothing is logged.
        picture_every: steps between two logged pictures.

    Returns:
        A function of `Progress`, for `on_progress`.
    """
    return Watch(title, None if logdir is None else EventLog(logdir, {}, picture_every))


class Watch:
    """Shows a run; call it with each `Progress`. See `watch`."""

    def __init__(self, title: str, log: EventLog | None = None) -> None:
        self._log = log
        self._show: Callable[[Progress], None] = _Cell(title) if _in_notebook() else Line(title)

    def __call__(self, progress: Progress) -> None:
        """Shows and logs one state of the run."""
        self._show(progress)
        if self._log:
            self._log.progress(progress)

    def graph(self, graph: "tf.Graph") -> None:
        """Logs the graph of one step, for `on_graph`."""
        if self._log:
            self._log.graph(graph)


class _Cell:
    """A display below the cell of a notebook that is running. What stays of it at the end is a line."""

    def __init__(self, title: str) -> None:
        from IPython.display import display

        self._title, self._pace = title, Pace()
        self._begin, self._shown = time.monotonic(), 0.0
        line = f"{title}: preparing"
        self._display: Any = display(_mime_bundle(line, html.line(line), html.bar(None)), raw=True, display_id=True)

    def __call__(self, progress: Progress) -> None:
        left, now = self._pace.left(progress.done), time.monotonic()
        if progress.done < 1 and now - self._shown < _UPDATE_SECONDS:
            return
        self._shown = now
        if progress.done < 1:
            line = f"{self._title}: {progress.done:.0%}, {left} left"
            bundle = _mime_bundle(line, html.line(line), progress._repr_html_())
        else:
            line = f"{self._title}: done in {duration(now - self._begin)} ({detail(progress)})"
            bundle = _mime_bundle(line, html.line(line))
        self._display.update(bundle, raw=True)


def _mime_bundle(text: str, *parts: str) -> dict[str, str]:
    return {"text/plain": text, "text/html": "\n".join(parts)}


def _in_notebook() -> bool:
    """Whether IPython runs this program for a notebook, not for a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
