"""Runs of commands over many pictures that a scheduler's workers make, or several processes of this machine.

The names of the pictures are read as they are needed, so a folder may have millions.
"""

import contextlib
import itertools
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from absl import flags

from tfgraphs.cli.shared import command, film_run, picture_inputs, picture_run, picture_workers, scheduler_flags
from tfgraphs.cluster.scheduler import Scheduler, local_scheduler
from tfgraphs.files.outputs import check_writable, reserve
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.terminal import Monitor
from tfgraphs.pictures import films, images

WORKERS = flags.DEFINE_integer(
    "workers", None, "Processes of this machine that make several pictures at once, each with its own network.", 1
)
_RUN = ("input", "output", "resume", "checkpoint_dir", "save_seconds", "logdir", "picture_every", "show_flags")
_OF_FILMS = ("blend", "frame_steps", "temporal_weight")


FLAG_MODULES = (__name__, scheduler_flags.__name__)


def folder_run(
    name: str, place: str | list[str], others: list[str], module: str, masks: Iterable[str] = ()
) -> picture_run.FolderRun | picture_workers.ServedRun:
    """Returns what makes several pictures in this process: those of a place, or those that a worker's task names."""
    if picture_workers.served_kind():
        return picture_workers.ServedRun(name, command.flag_values([module, *picture_run.FolderRun.flag_modules]))
    return picture_run.FolderRun(name, place, others, module, masks)


def is_scheduled() -> bool:
    """Whether a scheduler or several processes are asked for."""
    return bool(WORKERS.value or scheduler_flags.SCHEDULER.value)


def check_kind(kind: str, dependent: flags.FlagHolder[float]) -> None:
    """Raises UsageError if several pictures should be made at once that are none, or that depend on one another.

    Args:
        kind: of the input, see `film_run.input_kind`.
        dependent: the flag by which a frame of a film depends on the one before, if it is not 0.
    """
    for flag in (WORKERS, scheduler_flags.SCHEDULER):
        if flag.value and kind not in ("folder", "film"):
            raise command.UsageError(f"--{flag.name} is for several pictures: leave it out")
        if flag.value and kind == "film" and dependent.value:
            raise command.UsageError(f"--{flag.name} makes frames side by side: give --{dependent.name}=0 with it")


class ScheduledRun:
    """One run of a command that turns each picture of a folder or pattern into a picture.

    Used where `picture_run.FolderRun` makes the pictures itself; the results are the same but for rounding, as sums
    depend on the number of threads of a process. Pictures that are there already and were made by the same flags are
    not made again.

    Args:
        name: of the command.
        place: a folder, a pattern, or several paths.
        module: that defines the command's own flags.

    Raises:
        UsageError: a flag has no effect here, or the output is no folder.
        OutputError: the folder cannot be written.
    """

    def __init__(self, name: str, place: str | list[str], module: str) -> None:
        check_flags()
        picture_run.check_network_files()
        self._name, self._place = name, place
        self.output = Path(picture_run.OUTPUT.value or picture_run.name_of_folder(place, name))
        picture_run.check_is_folder(self.output)
        check_writable(self.output / "picture.png")
        reserve(self.output)
        values = command.flag_values([module, *picture_run.FolderRun.flag_modules])
        self._origin = picture_run.origin_of(name, values)
        self._job = job(name, values, "--input=.")

    def make_pictures(self) -> None:
        """Makes the pictures that are missing, and reports those that cannot be made, see `picture_run.LeftOut`."""
        count = sum(1 for _ in picture_inputs.iterate(self._place))
        if not count:
            picture_inputs.sources(self._place)  # raises FolderError
        self._done, self._left_out = 0, picture_run.LeftOut()
        try:
            with Monitor(self._name) as monitor:
                for made in make_all(self._job, self._missing()):
                    if made.error:
                        self._left_out.say(Path(made.source), made.error, monitor)
                    self._done += 1
                    show(monitor, "picture", self._done, count)
        except KeyboardInterrupt:
            text = "interrupted; the same command makes the pictures that are missing"
            raise KeyboardInterrupt(text) from None
        self._left_out.report(self.output, count)

    def _missing(self) -> Iterator[tuple[str, str]]:
        """Yields the paths of pictures to make and of their results."""
        self.output.mkdir(exist_ok=True)
        targets = set[int]()
        for path in picture_inputs.iterate(self._place):
            target = self.output / f"{path.stem}.png"
            digest = hash(path.stem)  # smaller than a name
            if digest in targets:
                self._left_out.add(path, "another picture has the same name")
                self._done += 1
            elif self._is_made(path, target):
                self._done += 1
            else:
                yield str(path), str(target.absolute())
            targets.add(digest)

    def _is_made(self, path: Path, target: Path) -> bool:
        with contextlib.suppress(images.ImageError):
            return target.exists() and images.read_origin(target) == _plain(self._origin, path)
        return False


def _plain(origin: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Returns the origin of a picture as its file has it."""
    return json.loads(json.dumps(picture_run.with_input(origin, str(path))))


def make_film(run: film_run.FilmRun, module: str, film: films.Film, size: tuple[int, int], *more: str) -> None:
    """Makes a film of which no frame depends on another one, as `FilmRun.make_film` does.

    Args:
        run: of the command.
        module: that defines the command's own flags.
        film: to make the frames of.
        size: of the frames, height and width.
        more: flags for the frames.

    Raises:
        UsageError: a flag has no effect here, or a frame cannot be made.
    """
    check_flags()
    values = command.flag_values([module, *picture_run.FolderRun.flag_modules])
    frames_job = job(run.name, {name: values[name] for name in values if name not in _OF_FILMS}, "--input=.", *more)
    frames_job = frames_job._replace(kind=picture_workers.FRAMES)
    given = run.state.folder.absolute() / "given"

    def make_missing(frames: films.FrameFolder, count: int, monitor: Monitor) -> None:
        def missing() -> Iterator[tuple[str, str]]:
            given.mkdir(exist_ok=True)
            for number, frame in enumerate(itertools.islice(film.frames(0, size), count)):
                target = frames.path(number).absolute()
                if not target.exists():
                    images.save(given / target.name, images.Picture(frame))
                    yield str(given / target.name), str(target)

        done = count - sum(not frames.path(number).exists() for number in range(count))
        frames.folder.mkdir(exist_ok=True)
        for made in make_all(frames_job, missing()):
            if made.error:
                raise command.UsageError(f"{run.output}: {Path(made.source).stem}: {made.error}")
            Path(made.source).unlink()
            done += 1
            show(monitor, "frame", done, count)

    run.make_film_of(make_missing)


def job(name: str, values: Mapping[str, object], *more: str) -> picture_workers.Job:
    """Returns the job of a command.

    Args:
        name: of the command.
        values: its flags; those that were given, and are not of the run as a whole, go to the workers.
        more: flags for the workers.
    """
    given = (flags.FLAGS[flag] for flag in values if flags.FLAGS[flag].present and flag not in _RUN)
    arguments = [text for flag in given for text in flag.serialize().split("\n")]
    return picture_workers.Job(name, (*arguments, *more), os.getcwd())


def make_all(work: picture_workers.Job, items: Iterable[tuple[str, str]]) -> Iterator[picture_workers.Made]:
    """Has the workers make pictures or parts, and yields what became of them as they are done.

    Args:
        work: what to do.
        items: paths of pictures, or numbers of parts, and of their results; read as they are needed.
    """
    with _scheduler() as scheduler:
        yield from scheduler.map_unordered(partial(picture_workers.make_picture, work), items)
        scheduler.run_on_workers(picture_workers.end_processes)


def show(monitor: Monitor, what: str, done: int, count: int) -> None:
    """Shows how many pictures or parts are done."""
    monitor(Progress(done, f"{what} {done:,} of {count:,}", min(1, done / count), math.nan))


def check_flags() -> None:
    """Raises UsageError or SchedulerError for flags that are wrong, or have no effect on several pictures at once."""
    scheduler_flags.check_flags()
    if WORKERS.value and scheduler_flags.SCHEDULER.value:
        raise command.UsageError("--workers and --scheduler say the same: give one of the two")
    for flag in ("logdir", "save_every"):
        if flags.FLAGS[flag].value:
            raise command.UsageError(f"--{flag} is for a run without --workers or --scheduler: leave it out")


@contextlib.contextmanager
def _scheduler() -> Iterator[Scheduler]:
    """Connects with --scheduler, or starts --workers."""
    if WORKERS.value:
        with local_scheduler(WORKERS.value) as address, Scheduler(address) as scheduler:
            yield scheduler
        return
    with scheduler_flags.connected() as scheduler:
        assert scheduler is not None
        yield scheduler
