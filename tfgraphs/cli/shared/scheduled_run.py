"""Runs of commands over many pictures that a scheduler's workers make, or several processes of this machine.

The names of the pictures are read as they are needed, so a folder may have millions.
"""

import contextlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from absl import flags

from tfgraphs.cli.shared import command, picture_inputs, picture_run, picture_workers, scheduler_flags
from tfgraphs.cluster.scheduler import Scheduler, local_scheduler
from tfgraphs.files.outputs import check_writable, reserve
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.terminal import Monitor
from tfgraphs.pictures import images

WORKERS = flags.DEFINE_integer(
    "workers", None, "Processes of this machine that make several pictures at once, each with its own network.", 1
)
_RUN = ("input", "output", "resume", "checkpoint_dir", "save_seconds", "logdir", "picture_every", "show_flags")


FLAG_MODULES = (__name__, scheduler_flags.__name__)


def folder_run(
    name: str, place: str | list[str], others: list[str], module: str, masks: Iterable[str] = ()
) -> picture_run.FolderRun | picture_workers.ServedRun:
    """Returns what makes several pictures in this process: those of a place, or those that a worker's task names."""
    if picture_workers.is_served():
        return picture_workers.ServedRun(name, command.flag_values([module, *picture_run.FolderRun.flag_modules]))
    return picture_run.FolderRun(name, place, others, module, masks)


def is_scheduled() -> bool:
    """Whether a scheduler or several processes are asked for."""
    return bool(WORKERS.value or scheduler_flags.SCHEDULER.value)


def check_kind(kind: str) -> None:
    """Raises UsageError if several pictures should be made at once, and the input is of another kind than a folder."""
    for flag in (WORKERS, scheduler_flags.SCHEDULER):
        if flag.value and kind != "folder":
            raise command.UsageError(f"--{flag.name} is for several pictures: leave it out")


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
        scheduler_flags.check_flags()
        if WORKERS.value and scheduler_flags.SCHEDULER.value:
            raise command.UsageError("--workers and --scheduler say the same: give one of the two")
        for flag in ("logdir", "save_every"):
            if flags.FLAGS[flag].value:
                raise command.UsageError(f"--{flag} is for a run without --workers or --scheduler: leave it out")
        picture_run.check_network_files()
        self._name, self._place = name, place
        self.output = Path(picture_run.OUTPUT.value or picture_run.name_of_folder(place, name))
        picture_run.check_is_folder(self.output)
        check_writable(self.output / "picture.png")
        reserve(self.output)
        values = command.flag_values([module, *picture_run.FolderRun.flag_modules])
        self._origin = picture_run.origin_of(name, values)
        self._job = picture_workers.Job(name, tuple(_arguments(values)), os.getcwd())

    def make_pictures(self) -> None:
        """Makes the pictures that are missing, and reports those that cannot be made, see `picture_run.report_made`."""
        count = sum(1 for _ in picture_inputs.iterate(self._place))
        if not count:
            picture_inputs.sources(self._place)  # raises FolderError
        self._done, self._targets, self._left_out = 0, set[int](), dict[str, list[str]]()
        make = partial(picture_workers.make_picture, self._job)
        try:
            with Monitor(self._name) as monitor, _scheduler() as scheduler:
                for made in scheduler.map_unordered(make, self._missing()):
                    if made.error:
                        self._leave_out(made, monitor)
                    self._done += 1
                    share = min(1, self._done / count)
                    monitor(Progress(self._done, f"picture {self._done:,} of {count:,}", share, math.nan))
                scheduler.run_on_workers(picture_workers.end_processes)
        except KeyboardInterrupt:
            text = "interrupted; the same command makes the pictures that are missing"
            raise KeyboardInterrupt(text) from None
        picture_run.report_made(self.output, count, self._left_out)

    def _missing(self) -> Iterator[tuple[str, str]]:
        """Yields the paths of pictures to make and of their results."""
        self.output.mkdir(exist_ok=True)
        for path in picture_inputs.iterate(self._place):
            target = self.output / f"{path.stem}.png"
            digest = hash(path.stem)  # of a million names
            if digest in self._targets:
                self._left_out.setdefault("another picture has the same name", []).append(path.name)
                self._done += 1
            elif self._is_made(path, target):
                self._done += 1
            else:
                yield str(path), str(target.absolute())
            self._targets.add(digest)

    def _is_made(self, path: Path, target: Path) -> bool:
        with contextlib.suppress(images.ImageError):
            return target.exists() and images.read_origin(target) == _plain(self._origin, path)
        return False

    def _leave_out(self, made: picture_workers.Made, monitor: Monitor) -> None:
        monitor.say(made.error if made.source in made.error else f"{made.source}: {made.error}")
        names = self._left_out.setdefault(made.error.replace(f"{made.source} ", ""), [])
        names.append(Path(made.source).name)


def _plain(origin: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Returns the origin of a picture as its file has it."""
    return json.loads(json.dumps(picture_run.with_input(origin, str(path))))


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


def _arguments(values: Mapping[str, object]) -> Iterator[str]:
    """Yields the flags that were given, without those of the run itself."""
    for name in values:
        flag = flags.FLAGS[name]
        if flag.present and name not in _RUN:
            yield from flag.serialize().split("\n")
