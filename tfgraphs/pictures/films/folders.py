"""Pictures in folders: those of others to begin with, and the finished frames of a film that is being made."""

import contextlib
import glob
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError, reason
from tfgraphs.pictures import images

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".ppm", ".pgm", ".avif")


class FolderError(TfgraphsError):
    """There are no pictures where they are looked for."""


def sources(place: str | Path) -> list[Path]:
    """The pictures that a name stands for, numbers in names in the order of counting: frame2 before frame10.

    Args:
        place: a file, which is returned whatever it is; a folder, for the pictures in it; or a pattern such as
            `shots/*.jpg` or `shots/**/*.png`, for the pictures that fit. Pictures are told by their endings. Hidden
            files and what is in folders below are left out, unless ** asks for the latter.

    Raises:
        FolderError: nothing is there, or no picture is among it.
    """
    path = Path(place)
    try:
        if path.is_dir():
            found = list(path.iterdir())
        elif path.exists():
            return [path]
        elif set("*?[") & set(str(place)):
            found = [Path(name) for name in glob.iglob(str(place), recursive=True)]
        else:
            raise FolderError(f"{place} does not exist")
        pictures = [file for file in found if _is_picture(file) and file.is_file()]
    except OSError as error:
        raise FolderError(f"{place} cannot be read: {reason(error)}") from error
    if not pictures:
        raise FolderError(f"{place} has no pictures: there is no file that ends in {', '.join(PICTURES)}")
    return sorted(pictures, key=_counting)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and not path.name.startswith(".")


def _counting(path: Path) -> tuple[object, ...]:
    """A key by which numbers in names are compared as numbers; among equals the name itself decides."""
    parts = [re.split(r"(\d+)", part.casefold()) for part in path.parts]
    return [[int(piece) if odd % 2 else piece for odd, piece in enumerate(part)] for part in parts], str(path)


class FrameFolder:
    """The finished frames of a film that is not finished: made anew, or gone on with where it was interrupted.

    They are kept as PNG, with the 8 bits that the film has as well. What is between two levels is lost, so the next
    frame has to be computed from the stored one, which `append` gives back: then an interrupted film goes on to the
    same bytes as one that was not.

        frames = FrameFolder(folder)
        frame = frames[-1] if len(frames) else frames.append(picture)
        while len(frames) < count:
            frame = frames.append(dream(zoomed(frame, 1.05)))
        films.save("zoom.mp4", frames, rate=25, count=count)
        frames.discard()

    Args:
        folder: is made with the first frame. Nothing else should be in it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __len__(self) -> int:
        """How many frames there are, from the first without a gap."""
        names = {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()
        count = 0
        while self._path(count).name in names:
            count += 1
        return count

    def __getitem__(self, number: int) -> np.ndarray:
        """A frame, float32 [height, width, 3] in 0..1; -1 is the last.

        Raises:
            IndexError: there is none of that number.
            ImageError: it is damaged.
        """
        count = len(self)
        if not -count <= number < count:
            raise IndexError(f"there are {count} frames, and number {number} is not among them")
        return images.load(self._path(number % count)).pixels

    def __iter__(self) -> Iterator[np.ndarray]:
        return (images.load(self._path(number)).pixels for number in range(len(self)))

    def append(self, frame: np.ndarray) -> np.ndarray:
        """Stores the next frame and returns it as it will be read: clipped to 0..1, rounded to 8 bits.

        Raises:
            OutputError: the file system refuses; the frames before are still there.
        """
        path = self._path(len(self))
        images.save(path, images.Picture(frame))
        return images.load(path).pixels

    def discard(self) -> None:
        """Takes all frames away, and the folder if nothing else is in it."""
        for path in self.folder.glob("*") if self.folder.is_dir() else ():
            if re.fullmatch(r"frame\d{6,}\.png|\.[0-9a-f]{32}\.part", path.name):
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def _path(self, number: int) -> Path:
        return self.folder / f"frame{number:06}.png"
