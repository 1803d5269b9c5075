"""What is known of a film before its frames are looked at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures.images import MAX_PIXELS, MAX_SIDE

RATES = (0.1, 240.0)  # least and most frames a second


class FilmError(TfgraphsError):
    """A film cannot be read or written."""


@dataclass(frozen=True)
class Film:
    """A film that can be read, as often as wanted.

    Attributes:
        path: of the file.
        size: height and width in pixels, upright.
        rate: frames a second, the mean if they do not follow each other evenly.
        count: how many frames there are, or None if the file does not say so. Video files may be wrong about it.
    """

    path: Path
    size: tuple[int, int]
    rate: float
    count: int | None
    _read: Callable[[Path, int], Iterator[np.ndarray]] = field(repr=False)

    def frames(self, start: int = 0) -> Iterator[np.ndarray]:
        """Yields the frames from number `start` on, float32 [height, width, 3] in 0..1, one at a time.

        Raises:
            FilmError: the file is damaged, or its pictures change their size.
        """
        for number, pixels in enumerate(self._read(self.path, start), start):
            if pixels.shape[:2] != self.size:
                raise FilmError(f"{self.path} changes its size at frame {number}: cut it there and give one part")
            yield np.asarray(pixels, np.float32, order="C") / 255


def check_size(path: Path, width: int, height: int) -> None:
    """Raises FilmError for pictures that are empty, or larger than `images.load` takes."""
    if width < 1 or height < 1:
        raise FilmError(f"{path} is empty: {width} x {height} px")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise FilmError(
            f"{path} is too large ({width} x {height} px): at most {MAX_SIDE:,} px a side and {MAX_PIXELS:,} px in all"
        )


def within(rate: float) -> float:
    """The nearest rate that can be written."""
    return float(np.clip(rate, *RATES))
