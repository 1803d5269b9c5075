"""Runs of commands that make a film: of the frames of another one, or of an endless zoom into a picture."""

import itertools
import os.path
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
from absl import flags

from tfgraphs.cli.shared import command, picture_run
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.terminal import Monitor
from tfgraphs.pictures import camera, films, images, samples
from tfgraphs.pictures.films.folders import is_pattern

ZOOM_FRAMES = flags.DEFINE_integer(
    "zoom_frames", None, "Makes an endless zoom into the picture, a film of so many frames.", lower_bound=1
)
ZOOM = flags.DEFINE_float("zoom", 1.04, "How many times larger everything gets from one frame of a zoom to the next.")
ROTATION = flags.DEFINE_float("rotation", 0, "Degrees that each frame of a zoom is turned, counter-clockwise.")
SHIFT = flags.DEFINE_string(
    "shift", "0,0", "X,Y: how far each frame of a zoom moves right and down, as parts of width and height: 0.01,0."
)
RATE = flags.DEFINE_float("rate", 25, "Frames a second of a zoom; a film keeps its times.")
BLEND = flags.DEFINE_float(
    "blend",
    0.25,
    "Share of the finished frame before in the start of each frame of a film, 0 to less than 1: steadier.",
)

Input = TypeVar("Input")


def input_kind(place: str | list[str], zoom_only: Iterable[flags.FlagHolder] = ()) -> str:
    """Returns what an input is: "picture", "folder" (also a pattern, or several pictures), "film", or "zoom".

    Raises ImageError if there is no such file, and UsageError if a flag is given that is for another kind; `zoom_only`
    are flags of the command for zooms.
    """
    if isinstance(place, list):
        found = "folder"
        for one in filter(films.is_film, place):
            raise command.UsageError(f"{one} is a film, and there are other inputs beside it: give it alone")
        place = ", ".join(place)
    else:
        several = os.path.isdir(place) or (is_pattern(place) and not os.path.exists(place))
        found = "folder" if several else "film" if films.is_film(place) else "picture"
        if found == "picture" and not place.startswith(samples.PREFIX):
            images.check_file(place, images.ImageError)
    if ZOOM_FRAMES.value:
        if found != "picture":
            what = "a film" if found == "film" else "several pictures"
            raise command.UsageError(f"--zoom_frames zooms into one picture, and {place} is {what}: leave it out")
        found = "zoom"
    for flag in (ZOOM, ROTATION, SHIFT, RATE, *zoom_only):
        if flag.present and found != "zoom":
            raise command.UsageError(f"--{flag.name} is for an endless zoom: give --zoom_frames with it")
    if BLEND.present and found != "film":
        raise command.UsageError("--blend is for the frames of a film: leave it out")
    if not 0 <= BLEND.value < 1:
        raise command.UsageError(f"--blend={BLEND.value:g}: it is 0 to less than 1")
    if picture_run.SAVE_EVERY.value and found != "picture":
        raise command.UsageError("--save_every is for a single picture: leave it out")
    return found


# --- what goes in


def blend(frame: np.ndarray, before: np.ndarray | None, mask: np.ndarray | None = None) -> np.ndarray:
    """Blends a frame with the finished one before it, if any, by --blend; where the mask is 0 the frame stays."""
    if before is None:
        return frame
    share = np.float32(BLEND.value) if mask is None else np.float32(BLEND.value) * mask[..., None]
    return frame + share * (before - frame)


def camera_move() -> Callable[[np.ndarray], np.ndarray]:
    """Returns what moves the camera of a zoom by one step, see `camera.zoomed`: the next frame starts from its result.

    Raises CameraError or UsageError if the camera cannot move as the flags say.
    """
    try:
        x, y = map(float, SHIFT.value.split(","))
    except ValueError:
        raise command.UsageError(f"--shift={SHIFT.value}: give two numbers, as in --shift=0.01,-0.02") from None
    camera.check(ZOOM.value, ROTATION.value, (x, y))
    return lambda frame: camera.zoomed(frame, ZOOM.value, ROTATION.value, (x, y))


# --- the run and what comes out


class FilmRun(picture_run.PictureRun):
    """One run of a command that makes a film of another one, or of a zoom into a picture; otherwise as `PictureRun`."""

    flag_modules = (*picture_run.PictureRun.flag_modules, __name__)

    def __init__(self, name: str, sources: list[str], module: str, film: films.Film | None = None) -> None:
        self._film = film
        self._title = name if film else "zoom"  # follows the name of the first source in that of the output
        super().__init__(name, sources, module)
        if film:
            with Monitor(name) as monitor:
                self._film = film.measured(monitor.prepare)
                for line in films.losses(self.output, film):
                    monitor.say(line)

    def make_film(
        self,
        inputs: Callable[[int], Iterable[Input]],
        make_frame: Callable[[Input, np.ndarray | None], Iterator[Progress]],
        first_work: float = 1.0,
    ) -> None:
        """Makes the frames that are missing, writes the film, and deletes the state of the run.

        `inputs` returns the inputs of the frames from a number on; FilmError is raised if there are too few.
        `make_frame` takes one and the finished frame before it, None for the first; its last progress has the frame.
        The first frame is `first_work` times the work of another one.
        """

        def make_missing(frames: films.FrameFolder, count: int, _: Monitor) -> None:
            start, before = len(frames), frames.last
            for number, given in enumerate(itertools.islice(inputs(start), count - start), start):
                frames.append(self._make_part(make_frame(given, before), "frame", number, count, first_work))
                before = frames.last

        self.make_film_of(make_missing)

    def make_film_of(self, make_missing: Callable[[films.FrameFolder, int, Monitor], None]) -> None:
        """Does the same with what makes all frames that are missing in a folder, of so many."""
        frames, film = films.FrameFolder(self.state.folder / "frames"), self._film
        count = (film.count if film else ZOOM_FRAMES.value) or 0
        with self.monitored() as monitor:
            make_missing(frames, count, monitor)
            before = frames.last
            assert before is not None
            height, width = before.shape[:2]
            alphas: Iterable[np.ndarray | None] = itertools.repeat(None)
            if film and film.transparent:
                same = images.fit(film.size, max(height, width), upsample=True) == (height, width)
                alphas = film.alphas((height, width) if same else None)

            def finished() -> Iterator[np.ndarray]:
                for number, (frame, alpha) in enumerate(zip(frames, alphas, strict=False), 1):
                    if alpha is not None:
                        alpha = images.middle(alpha, (height, width))
                    yield frame if alpha is None else np.concatenate([frame, alpha], axis=-1)
                    monitor.prepare("writing the film", number / count)

            films.save(self.output, finished(), film or RATE.value, self.origin, count)
        self.state.forget()
        timing = film.timing if film else None
        seconds = timing.seconds(count) if timing else count / RATE.value
        print(f"{self.output}: {width} x {height} px, {command.counted(count, 'frame')}, {float(seconds):.1f} s")

    def _named_after(self, source: str) -> str:
        """Names the output; an animated picture stays one."""
        ending = ".webp" if self._film and self._film.path.suffix.lower() in films.ANIMATED else ".mp4"
        try:
            films.check_format(f"film{ending}")
        except films.FilmError:  # the extra `video` is not installed
            ending = ".webp"
        return f"{picture_run.stem(source)}_{self._title}{ending}"

    def _check_outputs(self, sources: list[str]) -> None:
        films.check_format(self.output, self._film.rate if self._film else RATE.value)
        picture_run.check_output(self.output, sources)
