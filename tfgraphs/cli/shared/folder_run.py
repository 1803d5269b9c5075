"""Runs of commands that make a picture of each picture of a folder, or of those that match a pattern."""

import itertools
import os.path
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tfgraphs.cli.shared import command, picture_run
from tfgraphs.errors import TfgraphsError
from tfgraphs.files.outputs import OutputError, check_writable
from tfgraphs.pictures import films, images
from tfgraphs.pictures.films.folders import PICTURES, is_pattern

if TYPE_CHECKING:
    from tfgraphs.monitor.progress import Progress
    from tfgraphs.monitor.terminal import Monitor


def is_folder(place: str) -> bool:
    """Returns whether a name stands for several pictures: it is a folder, or a pattern and no file."""
    return os.path.isdir(place) or (is_pattern(place) and not os.path.exists(place))


class FolderRun(picture_run.PictureRun):
    """One run of a command that turns each of several pictures into a picture; otherwise as `PictureRun`.

    Args:
        place: the folder or pattern; FolderError is raised if there are no pictures.
        others: paths of other files that go in.
        flag: the one that names the place.
    """

    def __init__(self, name: str, place: str, others: list[str], module: str, flag: str) -> None:
        self._place, self._flag = place, flag
        self._pictures = films.sources(place)
        super().__init__(name, [*map(str, self._pictures), *others], module)

    def make_pictures(
        self, make_picture: Callable[[images.Picture], Iterator["Progress"]], size: int, monitor: "Monitor"
    ) -> None:
        """Makes and writes the results, and deletes the state of the run.

        A picture that cannot be read is reported at its turn, the others are still made, and UsageError is raised at
        the end. The last progress of `make_picture` has the result; `size` is that of `picture_run.load_picture`.
        """
        count, left_out, steps = len(self._pictures), 0, int(self.state.read("step") or 0)
        finished = [name for name in self.state.read("finished").split("\n") if Path(name).exists()]
        for number, (path, target) in enumerate(self._targets()):
            if str(target.absolute()) in finished:
                continue
            try:
                picture = picture_run.load_picture(str(path), size)
                for progress in make_picture(picture):
                    monitor(progress.of_whole("picture", number, count, steps))
            except OutputError:
                raise
            except TfgraphsError as error:
                left_out += 1
                text = " ".join(str(error).split())
                monitor.say(text if str(path) in text else f"{path}: {text}")
                continue
            steps += progress.step
            assert progress.picture is not None
            alone = {**self.origin, "flags": {**self.origin["flags"], self._flag: str(path)}}  # gives the same bytes
            images.save(target, images.Picture(progress.picture, picture.alpha), alone)
            finished.append(str(target.absolute()))
            self.state.write("finished", "\n".join(finished))
            self.state.write("step", str(steps))
        self.state.forget()
        if left_out < count:
            print(f"{self.output}: {command.counted(count - left_out, 'picture')}")
        if left_out:
            raise command.UsageError(f"{left_out} of {command.counted(count, 'picture')} were left out, see above")

    def _targets(self) -> Iterator[tuple[Path, Path]]:
        """Each picture and the file that its result is written to."""
        return ((path, self.output / f"{path.stem}.png") for path in self._pictures)

    def _named_after(self, _: str) -> str:
        """Names the output after the folder itself, or the last one that a pattern names."""
        whole = os.path.isdir(self._place)
        parts = itertools.takewhile(lambda part: whole or not is_pattern(part), Path(self._place).parts)
        return f"{Path(*parts).resolve().name or 'pictures'}_{self.name}"

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
                raise command.UsageError(f"--output={self.output} contains the input {other}: give another folder")
