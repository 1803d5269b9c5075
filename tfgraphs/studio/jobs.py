"""Work that takes long: one piece after the other, in a thread, with events that a page reads from any of them on.

A page that is loaded again reads all events of a job anew, so it shows what it showed before. Pictures on the way are
files, of which an event has the name.
"""

import logging
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfgraphs.errors import TfgraphsError
from tfgraphs.monitor.progress import Progress
from tfgraphs.studio.previews import preview
from tfgraphs.studio.states import State

KEPT = 20  # jobs whose events and pictures on the way are kept
_FEW = 0.2  # seconds between two events at least
_SHARE = 0.01  # of the time so far, between two of them: a long run has some hundreds

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What a job does.

    Attributes:
        title: what to call it, such as "dream about cat.jpg".
        run: makes the generator that does it; it is closed if the job is cancelled.
        finish: writes the result, from the last state, also of a job that was cancelled; returns what the page is told.
        settings: of the tab, with which the page can ask for it again.
    """

    title: str
    run: Callable[[], Iterator[Progress]]
    finish: Callable[[Progress], Mapping[str, Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)


Worker = Callable[[State], Work]
"""What a tab does that takes long."""


class Job:
    """A piece of work that waits, is done, or has ended.

    Attributes:
        key: by which it is asked for; it cannot be guessed.
        work: what it does.
        folder: of its pictures on the way.
        cancelled: whether it should end.
    """

    def __init__(self, work: Work, folder: Path) -> None:
        self.key = secrets.token_urlsafe(12)
        self.work, self.folder, self.cancelled = work, folder / self.key, False
        self._events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self.ended = False

    def add(self, kind: str, **values: Any) -> None:
        """Adds an event; one of the kinds done, cancelled and failed is the last."""
        with self._changed:
            self._events.append({"kind": kind, **values})
            self.ended = kind in ("done", "cancelled", "failed")
            self._changed.notify_all()

    def events(self, after: int, patience: float = 0.0) -> list[tuple[int, dict[str, Any]]]:
        """Returns events and their numbers, from 1.

        Args:
            after: number of the last one that is known.
            patience: seconds to wait for one.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._events) > after or self.ended, patience)
            return list(enumerate(self._events, start=1))[after:]


class Jobs:
    """A queue of work and the thread that does it.

    Args:
        folder: for pictures on the way; what is in it is deleted.
        prepare: called in the thread before each job, such as to start TensorFlow.
    """

    def __init__(self, folder: Path, prepare: Callable[[], None] = lambda: None) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self._folder, self._prepare = folder, prepare
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._changed = threading.Condition()
        self._waiting: list[Job] = []
        threading.Thread(target=self._work, name="jobs", daemon=True).start()

    def submit(self, work: Work) -> Job:
        """Puts work into the queue."""
        job = Job(work, self._folder)
        with self._changed:
            self._jobs[job.key] = job
            self._waiting.append(job)
            self._tell_places()
            self._forget_old()
            self._changed.notify_all()
        return job

    def get(self, key: str) -> Job | None:
        """Returns a job, or None if there is none of this key, or no more."""
        return self._jobs.get(key)

    def cancel(self, job: Job) -> None:
        """Ends a job after its present step, or takes it out of the queue."""
        with self._changed:
            job.cancelled = True
            if job in self._waiting:
                self._waiting.remove(job)
                job.add("cancelled")
                self._tell_places()

    def _tell_places(self) -> None:
        for place, job in enumerate(self._waiting, start=1):
            job.add("waiting", place=place)

    def _forget_old(self) -> None:
        ended = [job for job in self._jobs.values() if job.ended]
        for job in ended[: max(0, len(self._jobs) - KEPT)]:
            del self._jobs[job.key]
            shutil.rmtree(job.folder, ignore_errors=True)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                job = self._waiting.pop(0)
                self._tell_places()
            job.add("started")
            try:
                self._prepare()
                _do(job)
            except TfgraphsError as error:
                job.add("failed", error=str(error))
            except MemoryError:
                job.add("failed", error="out of memory: try something smaller")
            except Exception as error:
                _log.exception("a job failed")
                full = type(error).__name__ == "ResourceExhaustedError"  # TensorFlow's
                text = "out of memory: try something smaller" if full else f"internal error: {error}"
                job.add("failed", error=text)


def _do(job: Job) -> None:
    """Does the work of a job, and writes what there is at its end."""
    run, last, frames = job.work.run(), None, 0
    begun = shown = time.monotonic()
    for last in run:
        now = time.monotonic()
        if job.cancelled:
            break
        if now - shown < max(_FEW, _SHARE * (now - begun)) and frames:
            continue
        shown, frames = now, frames + 1
        job.add("progress", **_of_progress(last), frame=_save_frame(job, last, frames), seconds=now - begun)
    close = getattr(run, "close", None)
    if close:
        close()
    if last is None:
        job.add("cancelled" if job.cancelled else "done")
        return
    frame = _save_frame(job, last, frames + 1)
    result = job.work.finish(last)
    seconds = time.monotonic() - begun
    kind = "cancelled" if job.cancelled else "done"
    job.add(kind, **_of_progress(last), frame=frame, seconds=seconds, result=dict(result))


def _of_progress(progress: Progress) -> dict[str, Any]:
    loss = progress.loss if progress.loss == progress.loss else None  # NaN is no JSON
    return {"step": progress.step, "stage": progress.stage, "done": progress.done, "loss": loss}


def _save_frame(job: Job, progress: Progress, number: int) -> str | None:
    """Writes the picture of a state, if it has one, and returns the name of the file."""
    if progress.picture is None:
        return None
    job.folder.mkdir(parents=True, exist_ok=True)
    name = f"{number:04}.jpg"
    (job.folder / name).write_bytes(preview(progress.picture))
    return name
