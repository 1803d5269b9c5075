"""A command that makes pictures darker: folders, films and zooms as any command may make them, without a network.

It writes each progress to stderr, as JSON: step, done, stage, and the mean of the picture.
"""

import itertools
import json
import os
import signal
import sys

from absl import flags

from tfgraphs.cli.shared import command, film_run, picture_run, run_state
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.terminal import Monitor
from tfgraphs.pictures import films

INPUT = flags.DEFINE_string("input", None, "The picture, folder, pattern or film.")


def darker(pixels):
    yield Progress(1, "half", 0.5, 0.0, picture=0.9 * pixels)
    yield Progress(3, "whole", 1.0, 0.0, picture=0.8 * pixels)


def main(_):
    kind = film_run.input_kind(INPUT.value)
    if kind == "folder":
        run = picture_run.FolderRun("dim", INPUT.value, [], __name__)
        run.make_pictures(lambda picture: darker(picture.pixels), 0)
    elif kind == "film":
        film = films.open_film(INPUT.value)
        run = film_run.FilmRun("dim", [INPUT.value], __name__, film)
        run.make_film(film.frames, lambda frame, before: darker(film_run.blend(frame, before)))
    else:
        run = film_run.FilmRun("dim", [INPUT.value], __name__)
        picture = picture_run.load_picture(INPUT.value, 0).over(1.0)
        move_camera = film_run.camera_move()

        def make_frame(first, before):
            return darker(first if before is None else move_camera(before))

        run.make_film(lambda start: itertools.repeat(picture), make_frame, first_work=3)


def watch(_, progress, seen=itertools.count()):  # noqa: B008  (one counter for all calls)
    """Stands for `Monitor.__call__`, and interrupts when as many calls were made as the environment says."""
    if next(seen) == int(os.environ.get("STOP_AT", -1)):
        raise KeyboardInterrupt
    told = [progress.step, progress.done, progress.stage, float(progress.picture.mean())]
    print(json.dumps(told), file=sys.stderr)


def die(_, stage, share):
    """Stands for `Monitor.prepare`, and ends the process when half of the film is written, if KILL is set."""
    if stage == "writing the film" and share > 0.5 and "KILL" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    Monitor.__call__, Monitor.prepare = watch, die
    modules = [__name__, picture_run.__name__, film_run.__name__, run_state.__name__]
    command.run("dim", main, __doc__, modules)
