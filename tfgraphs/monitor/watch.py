"""Shows a run where its program runs: in a cell of a notebook, updated in place, or as a line of a terminal.

    dreamt = tfgraphs.dream("sample:coffee", on_progress=tfgraphs.watch("a dream"))

Commands show their runs by `tfgraphs.monitor.terminal.Monitor`.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgraphs.monitor import html
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.tensorboard import EventLog
from tfgraphs.monitor.terminal import Due, Line, Pace, detail, duration

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
        A function of `Progress`, for `on_progress`. It can show several runs, one after the other.
    """
    return Watch(title, None if logdir is None else partial(EventLog, logdir, {}, picture_every))


class Watch:
    """Shows a run; call it with each `Progress`. See `watch`.

    A run ends when all of it is done: then the files of its log are closed. A state of which less is done, or a graph,
    begins another run, with a display and files of its own. States after the end belong to the run that has ended.
    """

    def __init__(self, title: str, new_log: Callable[[], EventLog] | None = None) -> None:
        self._title, self._new_log = title, new_log
        self._log: EventLog | None = None
        self._ended = False
        self._begin()

    def __call__(self, progress: Progress) -> None:
        """Shows and logs one state of the run."""
        if self._ended and progress.done < 1:
            self._begin()
        self._show(progress)
        if self._log:
            self._log.progress(progress)
        if progress.done >= 1 and not self._ended:
            self._ended = True
            self._renew_log()

    def graph(self, graph: "tf.Graph") -> None:
        """Logs the graph of one step, for `on_graph`."""
        if self._ended:
            self._begin()
        if self._log:
            self._log.graph(graph)

    def _begin(self) -> None:
        self._ended = False
        self._show: Callable[[Progress], None] = _Cell(self._title) if _in_notebook() else Line(self._title)
        self._renew_log()

    def _renew_log(self) -> None:
        """Closes the files of the log. What comes after gets files of its own, when there is something."""
        if self._log:
            self._log.close()
        self._log = self._new_log() if self._new_log else None


class _Cell:
    """A display below the cell of a notebook that is running. What stays of it at the end is a line."""

    def __init__(self, title: str) -> None:
        from IPython.display import display

        self._title, self._pace, self._due = title, Pace(), Due(already=True)
        self._begin = time.monotonic()
        line = f"{title}: preparing"
        self._display: Any = display(_mime_bundle(line, html.line(line), html.bar(None)), raw=True, display_id=True)

    def __call__(self, progress: Progress) -> None:
        left, ends = self._pace.left(progress.done), progress.done >= 1
        if not self._due(_UPDATE_SECONDS, ends):
            return
        if not ends:
            line = f"{self._title}: {progress.done:.0%}, {left} left"
            bundle = _mime_bundle(line, html.line(line), progress._repr_html_())
        else:
            line = f"{self._title}: done in {duration(time.monotonic() - self._begin)} ({detail(progress)})"
            bundle = _mime_bundle(line, html.line(line))
        self._display.update(bundle, raw=True)


def _mime_bundle(text: str, *parts: str) -> dict[str, str]:
    return {"text/plain": text, "text/html": "\n".join(parts)}


def _in_notebook() -> bool:
    """Whether IPython runs this program for a notebook, not for a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
