"""Pictures in folders: inputs, and the finished frames of a film that is being made."""

import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError, not_found, reason
from tfgraphs.pictures import images
from tfgraphs.pictures.formats import LIKE_PICTURES, PICTURES


class FolderError(TfgraphsError):
    """A folder or pattern has no pictures."""


def sources(place: str | Path) -> list[Path]:
    """Returns the pictures of a folder or pattern, sorted by name with numbers in their order: frame2 before frame10.

    Args:
        place: a file, which is returned whatever it is; a folder; or a pattern such as `shots/*.jpg` or
            `shots/**/*.png`. Pictures are recognised by their endings, those that cannot be read, too, such as
            raw ones of cameras. Hidden files are left out.

    Raises:
        FolderError: there is no such file, or no picture.
    """
    pictures = list(iterate(place))
    if not pictures:
        raise FolderError(f"{place} has no pictures: there is no file that ends in {', '.join(PICTURES)}")
    return sorted(pictures, key=_counting)


def iterate(place: str | Path) -> Iterator[Path]:
    """Yields the same as they are found, without a list of them; none if there is no picture.

    Raises:
        FolderError: there is no such file.
    """
    path = Path(place)
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                yield from (Path(entry.path) for entry in entries if _is_like_picture(Path(entry.path)))
        elif path.exists():
            yield path
        elif is_pattern(str(place)):
            yield from filter(_is_like_picture, map(Path, glob.iglob(str(place), recursive=True)))
        else:
            raise FolderError(not_found(place))
    except OSError as error:
        raise FolderError(f"{place} cannot be read: {reason(error)}") from error


def _is_like_picture(file: Path) -> bool:
    return file.suffix.lower() in LIKE_PICTURES and not file.name.startswith(".") and file.is_file()


def is_pattern(text: str) -> bool:
    """Returns whether a text has characters of patterns: *, ? or [."""
    return bool(set("*?[") & set(text))


def _counting(path: Path) -> tuple[object, ...]:
    """A sort key that compares numbers in names as numbers; equal keys are ordered by the name."""
    parts = [re.split(r"(\d+)", part.casefold()) for part in path.parts]
    return [[int(piece) if odd % 2 else piece for odd, piece in enumerate(part)] for part in parts], str(path)


class FrameFolder:
    """The finished frames of a film that is being made, by which an interrupted one is continued.

    They are PNG files with the 8 bits of the film. The next frame must be computed from the stored one, `last`, so that
    an interrupted film ends with the same bytes as an uninterrupted one.

        frames = FrameFolder(folder)
        while len(frames) < count:
            frames.append(picture if frames.last is None else dream(zoomed(frames.last, 1.05)))
        films.save("zoom.mp4", frames, rate=25, count=count)

    Args:
        folder: created with the first frame. Nothing else should be in it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __len__(self) -> int:
        """Number of frames from the first to the first gap."""
        names = {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()
        count = 0
        while self.path(count).name in names:
            count += 1
        return count

    def __iter__(self) -> Iterator[np.ndarray]:
        """Reads the frames, float32 [height, width, 3] in 0..1; raises ImageError for a damaged one."""
        return (images.load(self.path(number)).pixels for number in range(len(self)))

    @property
    def last(self) -> np.ndarray | None:
        """The last frame as it is read, None if there is none."""
        count = len(self)
        return images.load(self.path(count - 1)).pixels if count else None

    def append(self, frame: np.ndarray) -> None:
        """Stores the next frame, clipped to 0..1 and rounded to 8 bits."""
        images.save(self.path(len(self)), images.Picture(frame))

    def path(self, number: int) -> Path:
        """Returns the place of a frame, from 0."""
        return self.folder / f"frame{number:06}.png"
