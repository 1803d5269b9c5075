"""Work that takes long: one piece after the other, in a thread, with events that a page reads from any of them on.

A page that is loaded again reads all events of a job anew, so it shows what it showed before. Pictures on the way are
files, of which an event has the name.
"""

import contextlib
import logging
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfgraphs.errors import TfgraphsError
from tfgraphs.monitor.progress import Progress
from tfgraphs.studio.previews import preview
from tfgraphs.studio.states import State

FOLDER = ".studio"  # for pictures on the way, in the folder of results
KEPT = 20  # jobs whose events and pictures on the way are kept
_FEW = 0.2  # seconds between two events at least
_SHARE = 0.01  # of the time so far, between two of them: a long run has some hundreds

_NO_MEMORY = "out of memory: try something smaller"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What a job does.

    Attributes:
        run: makes the generator that does it; it is closed if the job is cancelled.
        finish: writes the result, from the last state, and returns what the page is told. If the job is cancelled, that
            happens in another thread, while `run` may be in the midst of a step.
    """

    run: Callable[[], Iterator[Progress]]
    finish: Callable[[Progress], Mapping[str, Any]]


Worker = Callable[[State], Work]
"""What a tab does that takes long."""


class Job:
    """A piece of work that waits, is done, or has ended.

    Attributes:
        key: by which it is asked for; it cannot be guessed.
        work: what it does; None when it has ended, as it may have large pictures.
        folder: of its pictures on the way.
        ended: whether it is done, cancelled or has failed.
    """

    def __init__(self, work: Work, folder: Path) -> None:
        self.key = secrets.token_urlsafe(12)
        self.work: Work | None = work
        self.folder, self.ended = folder / self.key, False
        self._events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._begun = self._shown = time.monotonic()
        self._frames = 0
        self._last: Progress | None = None

    def add(self, kind: str, **values: Any) -> None:
        """Adds an event, unless the job has ended; one of the kinds done, cancelled and failed is the last."""
        with self._changed:
            if not self.ended:
                self._events.append({"kind": kind, **values})
                self.ended = kind in ("done", "cancelled", "failed")
                self._changed.notify_all()

    def start(self) -> None:
        """Notes that its turn has come."""
        self._begun = self._shown = time.monotonic()
        self.add("started")

    def advance(self, progress: Progress) -> None:
        """Takes a state of the work, and shows it if it is time."""
        with self._changed:
            if self.ended:
                return
            self._last, now = progress, time.monotonic()
            if self._frames and now - self._shown < max(_FEW, _SHARE * (now - self._begun)):
                return
            self._shown = now
            self.add("progress", **self._describe(progress))

    def conclude(self, kind: str) -> None:
        """Writes the result of the last state, if a step was taken, and ends the job: done, or cancelled in a step."""
        with self._changed:
            if self.ended:
                return
            if self._last is None or self.work is None:
                self.add(kind)
                return
            described = self._describe(self._last)
            result = dict(self.work.finish(self._last)) if self._last.step else {}
            self.add(kind, **described, result=result)

    def release(self) -> None:
        """Forgets what the work needed, when it has ended."""
        with self._changed:
            self._last = self.work = None

    def events(self, after: int, patience: float = 0.0) -> list[tuple[int, dict[str, Any]]]:
        """Returns events and their numbers, from 1.

        Args:
            after: number of the last one that is known.
            patience: seconds to wait for one.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._events) > after or self.ended, patience)
            return list(enumerate(self._events, start=1))[after:]

    def _describe(self, progress: Progress) -> dict[str, Any]:
        """Returns a state as the page is told, and writes its picture into a file, if it has one."""
        frame = None
        self._frames += 1
        if progress.picture is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            frame = f"{self._frames:04}.jpg"
            (self.folder / frame).write_bytes(preview(progress.picture))
        loss = progress.loss if progress.loss == progress.loss else None  # NaN is no JSON
        return {
            "step": progress.step,
            "stage": progress.stage,
            "done": progress.done,
            "loss": loss,
            "frame": frame,
            "seconds": time.monotonic() - self._begun,
        }


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
        """Ends a job with what there is, or takes it out of the queue.

        The step in which it is may take longer; the next job begins after it.
        """
        with self._changed:
            waited = job in self._waiting
            if waited:
                self._waiting.remove(job)
                self._tell_places()
        _ending(job, lambda: job.conclude("cancelled"))
        if waited:
            job.release()

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
            job.start()
            _ending(job, lambda: self._do(job))  # noqa: B023 - it is called at once
            job.release()

    def _do(self, job: Job) -> None:
        work = job.work
        if work is None or job.ended:
            return
        self._prepare()
        with contextlib.closing(_generator(work.run())) as run:
            for progress in run:
                job.advance(progress)
                if job.ended:
                    return
        job.conclude("done")


def _generator(run: Iterator[Progress]) -> Generator[Progress, None, None]:
    """Makes a generator, which can be closed, of an iterator."""
    yield from run


def _ending(job: Job, do: Callable[[], None]) -> None:
    """Does something for a job; an error is its end."""
    try:
        do()
    except TfgraphsError as error:
        job.add("failed", error=str(error))
    except MemoryError:
        job.add("failed", error=_NO_MEMORY)
    except Exception as error:
        if not job.ended:  # a step that went on after it was cancelled may find its folder gone
            _log.exception("a job failed")
        full = type(error).__name__ == "ResourceExhaustedError"  # TensorFlow's
        job.add("failed", error=_NO_MEMORY if full else f"internal error: {error}")
