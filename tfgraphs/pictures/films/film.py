"""What is known of a film before its frames are read."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures import images
from tfgraphs.pictures.films.timing import Timing

_CLEAR, _WHITE = np.float32(1 / 510), np.float32(1)  # the largest alpha that is 0 in 8 bits
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
        timing: when each frame is shown, or None if not all frames were decoded; `count` may then be wrong.
        plays: how often an animated picture is shown; 0 is endless, also for other films.
        transparent: whether there are frames with an alpha channel.
        tracks: what there is besides pictures, as "sound (aac)", by the number of the track.
    """

    path: Path
    size: tuple[int, int]
    rate: float
    count: int | None
    timing: Timing | None
    _decode: Callable[[Path, int], Iterator[np.ndarray]] = field(repr=False)
    _measure: Callable[[Path, Callable[[int], None]], tuple[int, Timing]] | None = field(default=None, repr=False)
    plays: int = 0
    transparent: bool = False
    tracks: Mapping[int, str] = field(default_factory=dict)

    def frames(self, start: int = 0, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Yields the frames one at a time, float32 [height, width, 3] in 0..1; what is wholly clear is white.

        Args:
            start: number of the first frame to yield.
            size: height and width to which frames are resized.

        Raises:
            FilmError: the file is damaged, or the size of its frames changes.
        """
        for frame in self._floats(start, size):
            yield frame if frame.shape[-1] == 3 else np.where(frame[..., 3:] < _CLEAR, _WHITE, frame[..., :3])

    def alphas(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Yields the alpha channel of each frame, float32 [height, width, 1] in 0..1; raises as `frames`."""
        for frame in self._floats(0, size):
            yield frame[..., 3:] if frame.shape[-1] == 4 else np.ones_like(frame[..., :1])

    def measured(self, report: Callable[[str, float], None]) -> "Film":
        """Returns the film with its timing and its true number of frames.

        Decodes all frames, unless that was done, so that damage is found before hours of work; raises as `frames`.

        Args:
            report: called with what is being done and its share done, 0..1.
        """
        if self._measure is None:
            return self
        count, timing = self._measure(
            self.path, lambda number: report(f"reading {self.path}", min(1, number / (self.count or number)))
        )
        return dataclasses.replace(self, count=count, timing=timing)

    def _floats(self, start: int, size: tuple[int, int] | None) -> Iterator[np.ndarray]:
        """Yields the frames with their alpha channel, if any, float32 in 0..1."""
        for number, pixels in enumerate(self._decode(self.path, start), start):
            if pixels.shape[:2] != self.size:
                raise FilmError(f"{self.path} changes its size at frame {number}: cut it there and give one part")
            if size in (None, self.size):
                yield np.asarray(pixels, np.float32, order="C") / 255
            else:
                yield _resized(pixels, size)


def _resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes 8 bits, one channel after the other: large frames take 12 bytes a pixel in float32."""
    channels = [pixels[..., [channel]] for channel in range(pixels.shape[-1])]
    if len(channels) == 3:
        return np.concatenate([images.resize(one / np.float32(255), size) for one in channels], axis=-1).clip(0, 1)
    alpha = channels.pop() / np.float32(255)  # colours count as much as they are seen
    visible = images.resize(alpha, size).clip(0, 1)
    colours = [images.resize(one / np.float32(255) * alpha, size) / visible.clip(_CLEAR) for one in channels]
    return np.concatenate([*colours, visible], axis=-1).clip(0, 1)
