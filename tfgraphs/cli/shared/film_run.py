"""What the commands that make pictures share to make many: of a folder, of the frames of a film, of an endless zoom."""

import dataclasses
import itertools
import os.path
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from absl import flags

from tfgraphs.cli.shared import command, picture_run
from tfgraphs.errors import TfgraphsError
from tfgraphs.files.outputs import OutputError, atomic_file, check_writable
from tfgraphs.pictures import camera, films, images
from tfgraphs.pictures.films.folders import PICTURES

if TYPE_CHECKING:
    from tfgraphs.monitor.progress import Progress
    from tfgraphs.monitor.terminal import Monitor

ZOOM_FRAMES = flags.DEFINE_integer(
    "zoom_frames", None, "Makes an endless zoom into the picture, a film of so many frames.", lower_bound=1
)
ZOOM = flags.DEFINE_float("zoom", 1.04, "How many times larger everything gets from one frame of a zoom to the next.")
ROTATION = flags.DEFINE_float("rotation", 0, "Degrees that each frame of a zoom is turned, counter-clockwise.")
SHIFT = flags.DEFINE_string(
    "shift", "0,0", "X,Y: how far each frame of a zoom goes right and down, parts of width and height: 0.01,0."
)
RATE = flags.DEFINE_float("rate", 25, "Frames a second of a zoom; what is made of a film keeps the film's.")
BLEND = flags.DEFINE_float(
    "blend", 0.25, "How much of the finished frame before each frame of a film starts with, 0 to less than 1: steadier."
)

Input = TypeVar("Input")
Become = Callable[[Input, np.ndarray | None], Iterator["Progress"]]
"""Makes a frame of what goes in and of the finished frame before it, None for the first; the last progress has it."""
Pair = tuple[np.ndarray | None, np.ndarray]
"""A frame of a film and, first, the one before it."""


def kind(place: str, zoom_only: Iterable[flags.FlagHolder] = ()) -> str:
    """What is to be made of an input: "picture", "folder" (which may be a pattern), "film" or "zoom".

    Args:
        place: the input.
        zoom_only: flags of the command itself that only zooms have.

    Raises:
        UsageError: a flag is given that is for another kind.
    """
    found = "folder" if _is_folder(place) else "film" if films.is_film(place) else "picture"
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


class FolderRun(picture_run.PictureRun):
    """One run of a command that turns each picture of a folder, or of those that fit a pattern, into a picture.

    Args:
        name: of the command.
        place: the folder or pattern.
        others: paths of what else goes in.
        module: name of the module that defines the command's own flags.
        flag: the one that names the place.

    Raises:
        FolderError: there are no pictures.
        UsageError: two of them would have one name, or would be written to where they are.
        OutputError: the output cannot be written.
        ResumeError: --resume, but no run of these flags was interrupted.
    """

    def __init__(self, name: str, place: str, others: list[str], module: str, flag: str) -> None:
        self._place, self._flag = place, flag
        self._pictures = films.sources(place)
        super().__init__(name, [*map(str, self._pictures), *others], module)

    def make(self, become: Callable[[images.Picture], Iterator["Progress"]], size: int, monitor: "Monitor") -> None:
        """Writes what the pictures become, and forgets the state of the run.

        A picture that cannot be read is told of at its turn, and the others are still made.

        Args:
            become: makes the pixels of a picture; the last progress has them.
            size: as of `picture_run.load_picture`.
            monitor: is shown how far the run is.

        Raises:
            UsageError: at the end, if pictures had to be left out.
        """
        count, left_out = len(self._pictures), 0
        finished, step = self._finished(), _read_step(self._state.folder)
        for number, (path, target) in enumerate(self._targets()):
            if str(target.absolute()) in finished:
                continue
            try:
                picture = picture_run.load_picture(str(path), size)
                for progress in become(picture):
                    monitor(_among(progress, "picture", number, count, step))
            except OutputError:
                raise
            except TfgraphsError as error:
                left_out += 1
                text = " ".join(str(error).split())
                monitor.say(text if str(path) in text else f"{path}: {text}")
                continue
            step += progress.step
            assert progress.picture is not None
            images.save(target, images.Picture(progress.picture, picture.alpha), self._origin_of(path))
            finished.append(str(target.absolute()))
            _note(self._state.folder / "finished", "\n".join(finished))
            _note(self._state.folder / "step", str(step))
        self._state.forget()
        if left_out < count:
            print(f"{self.output}: {_counted(count - left_out, 'picture')}")
        if left_out:
            raise command.UsageError(f"{left_out} of {_counted(count, 'picture')} had to be left out, see above")

    def _targets(self) -> Iterator[tuple[Path, Path]]:
        """Each picture and where what it becomes is written."""
        return ((path, self.output / f"{path.stem}.png") for path in self._pictures)

    def _origin_of(self, path: Path) -> dict[str, object]:
        """The command that makes this picture alone; its bytes are the same."""
        values = self.origin["flags"]
        assert isinstance(values, dict)
        return {**self.origin, "flags": {**values, self._flag: str(path)}}

    def _finished(self) -> list[str]:
        """The pictures that an interrupted run has written, and that are still there."""
        file = self._state.folder / "finished"
        names = file.read_text(encoding="utf-8", errors="surrogateescape").split("\n") if file.exists() else []
        return [name for name in names if Path(name).exists()]

    def _named_after(self, _: str) -> str:
        return f"{_folder_of(self._place).resolve().name or 'pictures'}_{self.name}"

    def _check_outputs(self, sources: list[str]) -> None:
        if self.output.suffix.lower() in (*PICTURES, ".mp4") and not self.output.is_dir():
            raise command.UsageError(f"--output={self.output} is the name of a file: several pictures need a folder")
        known: dict[Path, Path] = {}
        for path, target in self._targets():
            if target in known:
                raise command.UsageError(f"{known[target]} and {path} would both become {target}: rename one of them")
            known[target] = path
            if self.output.exists() and path.parent.samefile(self.output):
                raise command.UsageError(f"--output={self.output} is where {path} is: give another folder")
            check_writable(target)
        for other in map(Path, sources[len(self._pictures) :]):
            if other.exists() and any(target.exists() and other.samefile(target) for target in known):
                raise command.UsageError(
                    f"--output={self.output} has {other} in it, which goes in: give another folder"
                )
        self._check_logdir()


class FilmRun(picture_run.PictureRun):
    """One run of a command that makes a film.

    Args:
        name: of the command.
        sources: paths of what goes in; the output is named after the first.
        module: name of the module that defines the command's own flags.
        rate: frames a second.
        title: what is put after the name of the first source; by default the command's name.

    Raises:
        FilmError, OutputError: the output cannot be written.
        ResumeError: --resume, but no run of these flags was interrupted.
    """

    flag_modules = (*picture_run.PictureRun.flag_modules, __name__)

    def __init__(self, name: str, sources: list[str], module: str, rate: float, title: str = "") -> None:
        self._rate, self._title = rate, title or name
        super().__init__(name, sources, module)

    def make(
        self,
        inputs: Callable[[int], Iterable[Input]],
        become: Become[Input],
        count: int,
        monitor: "Monitor",
        first_work: float = 1.0,
    ) -> None:
        """Makes and writes the film, from the first frame that is missing on, and forgets the state of the run.

        Args:
            inputs: gives what goes into the frames from a number on.
            become: see `Become`.
            count: of frames.
            monitor: is shown how far the run is.
            first_work: how much more work the first frame is than another.

        Raises:
            FilmError: `inputs` gave fewer, or the film cannot be written.
        """
        frames = films.FrameFolder(self._state.folder / "frames")
        ready = len(frames)
        before, step = (frames[-1] if ready else None), _read_step(self._state.folder)
        for number, given in enumerate(itertools.islice(inputs(ready), count - ready), ready):
            for progress in become(given, before):
                monitor(_among(progress, "frame", number, count, step, first_work))
            assert progress.picture is not None
            step += progress.step
            before = frames.append(progress.picture)
            _note(self._state.folder / "step", str(step))
        films.save(self.output, _shown(frames, count, monitor), self._rate, self.origin, count)
        self._state.forget()
        assert before is not None
        height, width = before.shape[:2]
        print(f"{self.output}: {width} x {height} px, {_counted(count, 'frame')}, {count / self._rate:.1f} s")

    def _named_after(self, source: str) -> str:
        return f"{picture_run.stem(source)}_{self._title}{best_ending()}"

    def _check_format(self) -> None:
        films.check_format(self.output, self._rate)


def best_ending() -> str:
    """Of the films that can be written here: .mp4 with the extra `video`, else .webp."""
    try:
        films.check_format("film.mp4")
    except films.FilmError:
        return ".webp"
    return ".mp4"


def count_frames(name: str, film: films.Film) -> int:
    """Looks at every frame of a film, so that damage is found now and not after hours of work.

    Raises:
        FilmError: the film is damaged.
    """
    from tfgraphs.monitor.terminal import Monitor

    with Monitor(name) as monitor:
        return film.count_frames(monitor.prepare)


def pairs(film: films.Film, size: tuple[int, int], start: int) -> Iterator[Pair]:
    """The frames of a film from number `start` on, each with the one before it, at a size."""
    first = max(0, start - 1)
    before = None
    for number, frame in enumerate(film.frames(first, size), first):
        if number >= start:
            yield before, frame
        before = frame


def blended(frame: np.ndarray, before: np.ndarray | None, mask: np.ndarray | None = None) -> np.ndarray:
    """What a frame of a film starts from: by --blend the finished frame before it, so that it flickers less.

    Args:
        frame: float32 [height, width, 3] in 0..1.
        before: of the same shape, None for the first frame.
        mask: float32 [height, width]; where it is 0 the frame stays as it is.
    """
    if before is None:
        return frame
    share = np.float32(BLEND.value) if mask is None else np.float32(BLEND.value) * mask[..., None]
    return frame + share * (before - frame)


def moved(frame: np.ndarray) -> np.ndarray:
    """What the next frame of a zoom starts from: the frame before, after the camera has gone on."""
    return camera.zoomed(frame, ZOOM.value, ROTATION.value, _shift())


def check_camera() -> None:
    """Raises CameraError or UsageError if the camera of a zoom cannot move as the flags say."""
    camera.check(ZOOM.value, ROTATION.value, _shift())


def _shift() -> tuple[float, float]:
    try:
        x, y = map(float, SHIFT.value.split(","))
    except ValueError:
        raise command.UsageError(f"--shift={SHIFT.value}: give two numbers, as in --shift=0.01,-0.02") from None
    return x, y


def _among(progress: "Progress", what: str, number: int, count: int, step: int, first_work: float = 1.0) -> "Progress":
    """The progress of a whole run, from that of one of its frames or pictures.

    Args:
        what: it is, "frame" or "picture".
        number: of it, from 0.
        count: how many there are.
        step: steps that were done before.
        first_work: how much more work the first is than another.
    """
    before, own = (number - 1 + first_work, 1.0) if number else (0.0, first_work)
    return dataclasses.replace(
        progress,
        step=step + progress.step,
        stage=f"{what} {number + 1} of {count}, {progress.stage}",
        done=(before + own * progress.done) / (count - 1 + first_work),
    )


def _read_step(folder: Path) -> int:
    """The optimisation steps that an interrupted run has finished; TensorBoard goes on from there."""
    file = folder / "step"
    return int(file.read_text()) if file.exists() else 0


def _note(path: Path, text: str) -> None:
    """Keeps something of an unfinished run."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape")


def _shown(frames: films.FrameFolder, count: int, monitor: "Monitor") -> Iterator[np.ndarray]:
    """The frames, while the monitor shows how many of them are written."""
    for number, frame in enumerate(frames, 1):
        yield frame
        monitor.prepare("writing the film", number / count)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _is_folder(place: str) -> bool:
    """Whether a name stands for several pictures: it is a folder, or a pattern and no file."""
    return os.path.isdir(place) or (_is_pattern(place) and not os.path.exists(place))


def _is_pattern(text: str) -> bool:
    return bool(set("*?[") & set(text))


def _folder_of(place: str) -> Path:
    """The folder itself, or the last one that a pattern names."""
    if os.path.isdir(place):
        return Path(place)
    return Path(*itertools.takewhile(lambda part: not _is_pattern(part), Path(place).parts))
