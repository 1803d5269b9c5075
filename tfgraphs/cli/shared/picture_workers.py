"""Pictures that a scheduler's workers make: what the worker does, and the process in which it keeps a network loaded.

A worker starts the command once, with the flags of the run, and gives it what to make, one after the other, as a line
of JSON each: the path of a picture or the number of a part, and where the result goes. So one network serves many
pictures, and the command does not know of schedulers.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from tfgraphs.cli.shared import command, picture_run
from tfgraphs.errors import TfgraphsError
from tfgraphs.files.outputs import OutputError
from tfgraphs.monitor.progress import Progress
from tfgraphs.pictures import images

if TYPE_CHECKING:
    import tensorflow as tf

SERVED = "TFGRAPHS_SERVED"
"""A variable that is set where a command makes what it is named on its standard input: PICTURES or FRAMES."""

PICTURES, FRAMES = "pictures", "frames"

_IDLE = 600.0  # seconds after which a command that gets no more names ends
_lock = threading.Lock()
_processes: dict["Job", "subprocess.Popen[str]"] = {}


class JobError(TfgraphsError):
    """A command refuses to run with the flags of a job."""


class Job(NamedTuple):
    """A run of a command.

    Attributes:
        command: its name, such as "visualize feature".
        arguments: its flags.
        folder: in which it runs.
        kind: of what it makes, PICTURES or FRAMES of a film.
    """

    command: str
    arguments: tuple[str, ...]
    folder: str
    kind: str = PICTURES


class Made(NamedTuple):
    """A picture or part that was made, or why not.

    Attributes:
        source: the path of the picture, or the number of the part.
        error: a text, or nothing.
    """

    source: str
    error: str = ""


def make_picture(job: Job, paths: tuple[str, str]) -> Made:
    """Makes a picture or part in the process of a job, which is started for the first one.

    Args:
        job: what to do.
        paths: of the picture, or the number of the part; and of the result, which is there as a whole or not at all.

    Raises:
        JobError: the command refuses to run with these flags.
    """
    with _lock:
        for _ in range(2):
            answer = _ask(job, paths)
            if answer is not None:
                return Made(paths[0], answer)
        return Made(paths[0], "its process ended twice: is there enough memory?")


def _ask(job: Job, paths: tuple[str, str]) -> str | None:
    """Has the process of a job make a picture; returns why it cannot be made, nothing, or None if the process ended."""
    process = _processes.get(job)
    if process is None:
        end_processes()
        process = _processes[job] = _start(job)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(paths) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except OSError:
        answer = ""
    if answer:
        return json.loads(answer)
    del _processes[job]
    with contextlib.suppress(OSError):  # of what was written and not read
        process.stdin.close()
    process.stdin = None
    errors = process.communicate()[1].strip().splitlines()
    if process.returncode == command.BAD_INPUT and errors:
        raise JobError(errors[-1].removeprefix(f"{job.command.split()[0]}: "))
    return None


def end_processes() -> None:
    """Ends the processes of all jobs of this worker."""
    while _processes:
        _, process = _processes.popitem()
        process.kill()
        process.communicate()


def _start(job: Job) -> "subprocess.Popen[str]":
    name, *subcommand = job.command.split()
    program = f"from tfgraphs.cli.{name} import run; run()"
    return subprocess.Popen(
        [sys.executable, "-P", "-c", program, *subcommand, *job.arguments],
        cwd=job.folder,
        env={**os.environ, SERVED: job.kind, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class ServedRun:
    """The run of a command in such a process; used as `FolderRun` is."""

    def __init__(self, name: str, flags: Mapping[str, object]) -> None:
        self.origin = picture_run.origin_of(name, flags)

    def log_graph(self, graph: "tf.Graph") -> None:
        """Does nothing: graphs are logged by runs that a person watches."""

    def make_pictures(self, make: Callable[[images.Picture], Iterator[Progress]], size: int, smallest: int = 1) -> None:
        """Makes each picture that is named; args as of `FolderRun.make_pictures`."""

        def make_one(source: str, target: str) -> None:
            picture = picture_run.load_picture(source, size, smallest)
            for progress in make(picture):
                pixels = progress.picture
            assert pixels is not None
            origin = picture_run.with_input(self.origin, source)
            images.save(target, picture_run.transparent(pixels, picture.alpha), origin)

        serve(make_one)


def serve(make: Callable[[str, str], None]) -> None:
    """Makes what the worker asks for, until it asks no more.

    Args:
        make: a function of the path of a picture, or the number of a part, and of the path of the result.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever is printed must not be taken for an answer
    while select.select([sys.stdin], [], [], _IDLE)[0] and (line := sys.stdin.readline()):
        error = ""
        try:
            make(*json.loads(line))
        except OutputError:
            raise
        except TfgraphsError as refused:
            error = " ".join(str(refused).split())
        print(json.dumps(error), file=answers, flush=True)


def served_kind() -> str:
    """Returns what this process makes for a worker, nothing if it does not."""
    return os.environ.get(SERVED, "")
