"""Runs of commands that make pictures of pictures: flags, loading, the run itself, and the files that are written."""

import contextlib
import dataclasses
import itertools
import os.path
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from tfgraphs.cli.shared import command, common_flags, picture_inputs, run_state
from tfgraphs.errors import TfgraphsError, not_found
from tfgraphs.files.hub import PREFIX
from tfgraphs.files.outputs import OutputError, check_writable, reserve
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.terminal import Monitor
from tfgraphs.pictures import films, images, masks, samples
from tfgraphs.pictures.colors import with_colors_of
from tfgraphs.pictures.films.folders import is_pattern
from tfgraphs.pictures.formats import PICTURES
from tfgraphs.version import __version__

if TYPE_CHECKING:
    import tensorflow as tf

    from tfgraphs.backbones import Backbone
    from tfgraphs.backbones.loading import Check

OUTPUT = common_flags.define_path(
    "output",
    None,
    "What to write: .png, .jpg, .webp, .avif or .tif; for a film .mp4, .webp, .gif or .apng. By default named after "
    "the input.",
)
UPSAMPLE = flags.DEFINE_bool("upsample", False, "Whether --size also enlarges a smaller picture.")
BACKBONE = common_flags.define_path(
    "backbone",
    "squeezenet",
    "The network: squeezenet, vgg19, googlenet, resnet50 ..., a file or hub:HANDLE. Files are checked: they can "
    "compute, but not read or write files.",
)
WEIGHTS = common_flags.define_path(
    "weights", None, "A file with weights for --backbone, instead of the published ones."
)
SEED = common_flags.define("seed", 0)
LOGDIR = common_flags.define_path("logdir", None, "Folder for TensorBoard: losses, pictures, flags, graph.")
SAVE_EVERY = flags.DEFINE_integer(
    "save_every", 0, "Steps between two pictures that are saved beside the output; of a painting rounded up to tens.", 0
)
SHOW_FLAGS = common_flags.define_path("show_flags", None, "Only prints the command that made this picture or film.")
PICTURE_EVERY = flags.DEFINE_integer("picture_every", 50, "Steps between two pictures in TensorBoard.", lower_bound=1)

# Flags that change nothing in the picture: it does not record them, and a run may be resumed with others.
_OBSERVING = {"output", "preset", "format", "logdir", "picture_every", "save_every", "show_flags", *run_state.OBSERVING}

_MOST_NAMES = 5  # of pictures that were left out for one reason, in the last line


def shows_flags(name: str) -> bool:
    """Prints the command that made the picture or film of --show_flags, if that is given, and returns whether it is.

    Raises ImageError or FilmError if the file does not say how it was made; for `name` see `command_line`.
    """
    path = SHOW_FLAGS.value
    if path:
        origin = (films if films.is_film(path) else images).read_origin(path)
        if not isinstance(origin.get("flags"), dict):
            raise images.ImageError(f"{path} does not say how it was made: it is no picture of tfgraphs")
        print(command_line(origin, name))
    return bool(path)


def command_line(origin: Mapping[str, Any], name: str) -> str:
    """Returns the command of an origin; flags of the running command `name` that have their defaults are left out."""
    known = flags.FLAGS if origin.get("command") == name else {}
    words = str(origin.get("command")).split()
    for flag, value in origin["flags"].items():
        if value is None or (flag in known and value == known[flag].default):
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no{flag}")
        else:
            words += [f"--{flag}={one}" for one in (value if isinstance(value, list) else [value])]
    return shlex.join(words)


# --- what goes in


def load_picture(path: str, size: int, smallest: int = 1) -> images.Picture:
    """Loads a picture or a sample with the longer side of --size; 0 is its own size.

    Raises UsageError if a side is then shorter than `smallest`.
    """
    if smallest > 1:
        own = picture_inputs.own_size(path)
        picture_inputs.check_sides(path, own, images.fit(own, size or None, UPSAMPLE.value), smallest)
    return images.load(samples.resolve(path), size or None, UPSAMPLE.value)


def load_mask(path: str | None, size: tuple[int, int] | None = None) -> np.ndarray | None:
    """Loads a mask or a sample for a picture of a size, see `masks.load_mask`; None for no path."""
    return masks.load_mask(samples.resolve(path), size) if path else None


def load_backbone(
    name: str, pooling: Callable[[str], str] = lambda network: "max", check: "Check" = lambda structure: None
) -> "Backbone":
    """Loads the network of --backbone and shows the progress of the command `name`; see `backbones.load`.

    `pooling` maps the name of the network to its pooling.
    """
    from tfgraphs import backbones

    with Monitor(name) as monitor:
        return backbones.load(
            BACKBONE.value, pooling(BACKBONE.value), WEIGHTS.value, report=monitor.prepare, check=check
        )


def network_files() -> list[Path]:
    """Files and folders that --backbone, --weights and --model name, if there are."""
    values = [flags.FLAGS[name].value for name in ("backbone", "weights", "model") if name in flags.FLAGS]
    paths = [Path(value.removeprefix(PREFIX)) for value in values if value]
    return [path for path in paths if path.exists()]


def check_network_files() -> None:
    """Raises UsageError if there is no file of --weights, or none of a --backbone that is a path."""
    network = BACKBONE.value
    is_path = not network.startswith("hub:") and ("/" in network or Path(network).suffix in (".keras", ".h5", ".pb"))
    for path in (WEIGHTS.value, network if is_path else None):
        if path and not os.path.exists(path):
            raise command.UsageError(not_found(path))


def stem(source: str) -> str:
    """The name of a file or sample without its folder and ending, after which outputs are named."""
    return Path(source.removeprefix(samples.PREFIX)).stem


# --- the run and what comes out


def check_output(output: Path, sources: list[str]) -> None:
    """Raises OutputError or UsageError if the output cannot be written, or is one of the files that go in."""
    check_writable(output)
    for source in map(Path, sources):
        if output.exists() and source.exists() and output.samefile(source):
            raise command.UsageError(f"--output={output} is the input itself: give it another name")


def name_of_folder(place: str | list[str], name: str) -> str:
    """Returns the name for the results of a command, after a folder itself, or the last one that all pictures have."""
    places = place if isinstance(place, list) else [place]
    folders = []
    for one in places:
        parts: Iterable[str] = Path(one).parts
        if not os.path.isdir(one):
            parts = itertools.takewhile(lambda part: not is_pattern(part), parts)
        folder = Path(*parts).resolve()
        folders.append(folder.parent if folder.is_file() else folder)
    return f"{Path(os.path.commonpath(folders)).name or 'pictures'}_{name}"


def check_is_folder(output: Path) -> None:
    """Raises UsageError if the output for several pictures is the name of a file."""
    if output.suffix.lower() in (*PICTURES, ".mp4") and not output.is_dir():
        raise command.UsageError(f"--output={output} is the name of a file: several pictures need a folder")


class LeftOut:
    """The pictures of a run that could not be made, by the reason."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, path: Path, reason: str) -> None:
        """Adds a picture."""
        self._names.setdefault(reason.replace(f"{path} ", ""), []).append(path.name)

    def say(self, path: Path, reason: str, monitor: Monitor) -> None:
        """Adds a picture, and says so at once."""
        monitor.say(reason if str(path) in reason else f"{path}: {reason}")
        self.add(path, reason)

    def report(self, output: Path, count: int) -> None:
        """Prints how many pictures were made of so many; raises UsageError if some were left out."""
        if self._names:
            made = f"{count - sum(map(len, self._names.values()))} of {command.counted(count, 'picture')}"
            reasons = "; ".join(f"{_some(names)} ({reason})" for reason, names in self._names.items())
            raise command.UsageError(f"{output}: {made}; left out: {reasons}")
        print(f"{output}: {command.counted(count, 'picture')}")


def _some(names: Sequence[str]) -> str:
    """Lists names, of many the first."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_MOST_NAMES])} and {more} more"


def transparent(pixels: np.ndarray, alpha: np.ndarray | None) -> images.Picture:
    """A result with the transparency of its picture, or of the middle of it."""
    fitted = None if alpha is None else images.middle(alpha[..., None], pixels.shape[:2])[..., 0]
    return images.Picture(pixels, fitted)


def origin_of(name: str, values: Mapping[str, object]) -> dict[str, Any]:
    """Returns what a picture records of the command that made it."""
    result_flags = {flag: value for flag, value in values.items() if flag not in _OBSERVING}
    return {"command": name, "version": __version__, "flags": result_flags}


def with_input(origin: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Returns the origin of one of several pictures, as if it were made alone, which gives the same bytes."""
    return {**origin, "flags": {**origin["flags"], "input": path}}


def reserve_logdir() -> None:
    """Raises OutputError if --logdir cannot be written, or another run logs there."""
    if LOGDIR.value:
        check_writable(Path(LOGDIR.value) / "events")
        reserve(LOGDIR.value)


def in_colors_of(picture: np.ndarray, run: Iterator[Progress]) -> Iterator[Progress]:
    """Gives the pictures of a run the colours of another picture; only their luma remains."""
    for progress in run:
        assert progress.picture is not None
        colors = images.resize(picture, progress.picture.shape[:2])
        yield dataclasses.replace(progress, picture=with_colors_of(progress.picture, colors))


@contextlib.contextmanager
def monitored(
    name: str, state: run_state.RunState, values: Mapping[str, object], logs: bool = True
) -> Iterator[Monitor]:
    """Shows a run on the terminal and, if it `logs`, in TensorBoard; if it is interrupted, says how to continue."""
    logdir = LOGDIR.value if logs else None
    monitor = Monitor(name, logdir=logdir, flags=values, picture_every=PICTURE_EVERY.value)
    with state.interruptible(), monitor:
        yield monitor


class PictureRun:
    """One run of a command that turns pictures into a picture, which is named after the first of the sources.

    `module` defines the command's own flags. Raises ImageError or OutputError if the output cannot be written, and
    ResumeError if --resume finds no interrupted run of these flags.
    """

    flag_modules: tuple[str, ...] = (__name__, run_state.__name__)  # that define flags besides the command's own

    def __init__(self, name: str, sources: list[str], module: str) -> None:
        check_network_files()
        self.name = name
        self.output = Path(OUTPUT.value or self._named_after(sources[0] if sources else ""))
        self.flags = command.flag_values([module, *self.flag_modules])
        self._check_outputs(sources)
        reserve(self.output)
        reserve_logdir()
        self.origin = origin_of(name, self.flags)
        self.state = run_state.RunState(name, self.origin, [*map(samples.resolve, sources), *network_files()])

    @contextlib.contextmanager
    def monitored(self) -> Iterator[Monitor]:
        """Shows the run, see `monitored`."""
        with monitored(self.name, self.state, self.flags) as self._monitor:
            yield self._monitor

    def log_graph(self, graph: "tf.Graph") -> None:
        """Logs the graph of one step while the run is shown."""
        self._monitor.graph(graph)

    def _make_part(
        self, run: Iterator[Progress], what: str, number: int, count: int, first_work: float = 1.0
    ) -> np.ndarray:
        """Makes one picture of several, which is shown as a part of the whole run, see `Progress.of_whole`."""
        steps = int(self.state.read("step") or 0)
        for progress in run:
            self._monitor(progress.of_whole(what, number, count, steps, first_work))
        self.state.write("step", str(steps + progress.step))
        assert progress.picture is not None
        return progress.picture

    def make_picture(self, run: Iterator[Progress], alpha: np.ndarray | None = None) -> None:
        """Runs to the end, writes the last picture with the alpha channel, and deletes the state of the run."""
        due = SAVE_EVERY.value
        with self.monitored() as monitor:
            for progress in run:
                monitor(progress)
                picture = progress.picture
                assert picture is not None
                if SAVE_EVERY.value and progress.step >= due and progress.done < 1:
                    due = (progress.step // SAVE_EVERY.value + 1) * SAVE_EVERY.value
                    path = self.output.with_stem(f"{self.output.stem}_{progress.step:05}")
                    images.save(path, transparent(picture, alpha), self.origin)
        assert picture is not None
        images.save(self.output, transparent(picture, alpha), self.origin)
        self.state.forget()
        print(f"{self.output}: {picture.shape[1]} x {picture.shape[0]} px")

    def _named_after(self, source: str) -> str:
        return f"{stem(source)}_{self.name}.png"

    def _check_outputs(self, sources: list[str]) -> None:
        images.check_format(self.output)
        check_output(self.output, sources)


class FolderRun(PictureRun):
    """One run of a command that turns each picture of a folder or pattern into a picture; otherwise as `PictureRun`.

    `others` are other pictures that go in, and `masks` masks among them: a broken one stops the run before its first
    picture. Raises FolderError if there are no pictures.
    """

    def __init__(
        self, name: str, place: str | list[str], others: list[str], module: str, masks: Iterable[str] = ()
    ) -> None:
        self._place = place
        self._pictures = picture_inputs.sources(place)
        self._sources: dict[Path, Path] = {}  # by the file to which the result is written
        super().__init__(name, [*map(str, self._pictures), *others], module)
        for other in others:
            images.load(samples.resolve(other), 64)
        for mask in masks:
            load_mask(mask)

    def make_pictures(
        self, make_picture: Callable[[images.Picture], Iterator[Progress]], size: int, smallest: int = 1
    ) -> None:
        """Makes and writes the results, and deletes the state of the run.

        A picture that cannot be read is reported at its turn, the others are still made, and UsageError is raised at
        the end. The last progress of `make_picture` has the result; `size` and `smallest` are those of `load_picture`.
        """
        count, left_out = len(self._pictures), LeftOut()
        finished = [name for name in self.state.read("finished").split("\n") if Path(name).exists()]
        with self.monitored() as monitor:
            for number, (target, path) in enumerate(self._sources.items()):
                if str(target.absolute()) in finished:
                    continue
                if films.is_film(path):
                    monitor.say(f"{path} moves: only its first frame is made; --input={path} makes a film")
                try:
                    picture = load_picture(str(path), size, smallest)
                    pixels = self._make_part(make_picture(picture), "picture", number, count)
                except OutputError:
                    raise
                except TfgraphsError as error:
                    left_out.say(path, " ".join(str(error).split()), monitor)
                    continue
                images.save(target, transparent(pixels, picture.alpha), with_input(self.origin, str(path)))
                finished.append(str(target.absolute()))
                self.state.write("finished", "\n".join(finished))
        self.state.forget()
        left_out.report(self.output, count)

    def _named_after(self, _: str) -> str:
        return name_of_folder(self._place, self.name)

    def _check_outputs(self, sources: list[str]) -> None:
        check_is_folder(self.output)
        for path in self._pictures:
            target = self.output / f"{path.stem}.png"
            other = self._sources.setdefault(target, path)
            if other != path:
                raise command.UsageError(f"{other} and {path} would both become {target}: rename one of them")
            if self.output.exists() and path.parent.samefile(self.output):
                raise command.UsageError(f"--output={self.output} is where {path} is: give another folder")
            check_writable(target)
        for other in map(Path, sources[len(self._pictures) :]):
            if other.exists() and any(target.exists() and other.samefile(target) for target in self._sources):
                raise command.UsageError(f"--output={self.output} contains the input {other}: give another folder")
