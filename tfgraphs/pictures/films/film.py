"""What is known of a film before its frames are read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures import images

RATES = (0.1, 240.0)  # least and most frames a second
READABLE = "give an MP4, MOV, MKV, WebM or AVI file, or an animated GIF, WebP or PNG"  # ends messages about others


class FilmError(TfgraphsError):
    """A film cannot be read or written."""


@dataclass(frozen=True)
class Film:
    """A film that can be read any number of times.

    Attributes:
        path: of the file.
        size: height and width in pixels, upright.
        rate: frames a second, on average, or the nearest rate that can be written.
        count: number of frames that the file claims, or None if it claims none.
        counted: whether all frames were decoded to find `count`. Otherwise it may be wrong.
    """

    path: Path
    size: tuple[int, int]
    rate: float
    count: int | None
    counted: bool
    _decode: Callable[[Path, int], Iterator[np.ndarray]] = field(repr=False)

    def frames(self, start: int = 0, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Yields the frames one at a time, float32 [height, width, 3] in 0..1.

        Args:
            start: number of the first frame to yield.
            size: height and width to which frames are resized.

        Raises:
            FilmError: the file is damaged, or the size of its frames changes.
        """
        for pixels in self._eight_bits(start):
            if size in (None, self.size):
                yield np.asarray(pixels, np.float32, order="C") / 255
            else:  # channel by channel, as a large frame takes 12 bytes for each pixel in float32
                channels = [images.resize(pixels[..., [channel]] / np.float32(255), size) for channel in range(3)]
                yield np.concatenate(channels, axis=-1).clip(0, 1)

    def count_frames(self, report: Callable[[str, float], None]) -> int:
        """Decodes all frames, unless that was done, so that damage is found before hours of work; raises as `frames`.

        Args:
            report: called with what is being done and its share done, 0..1.
        """
        if self.counted:
            assert self.count is not None
            return self.count
        number = 0
        for number, _ in enumerate(self._eight_bits(0), 1):
            report(f"reading {self.path}", min(1, number / (self.count or number)))
        return number

    def _eight_bits(self, start: int) -> Iterator[np.ndarray]:
        for number, pixels in enumerate(self._decode(self.path, start), start):
            if pixels.shape[:2] != self.size:
                raise FilmError(f"{self.path} changes its size at frame {number}: cut it there and give one part")
            yield pixels
