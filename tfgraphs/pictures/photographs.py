"""Photographs for training: read once, reduced, and cut into crops."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.files.packaged import packaged_file
from tfgraphs.pictures import images

PACKAGED = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
"""Photographs in scikit-image; its other pictures are textures, stars and tissue."""

MOST = 300  # photographs in memory; of more a random choice
LONGEST, SHORTEST = 4.0, 2.0  # largest sides in memory, as multiples of the side of a crop


class PhotographError(TfgraphsError):
    """There is no photograph for training."""


def packaged() -> list[Path]:
    """Returns the photographs of the extra `offline`; raises PackageError if scikit-image is not installed."""
    return [packaged_file("skimage", f"data/{name}", "scikit-image") for name in PACKAGED]


class Photographs:
    """Photographs in memory, in 8 bits, about a megabyte each; `left_out` has a line for each unusable file.

    Args:
        paths: of the files.
        side: of the crops, in pixels.
        seed: of the choice among more than MOST.
        report: called with what is being done and its share done, 0..1.

    Raises:
        PhotographError: no file can be read and is large enough.
    """

    def __init__(
        self, paths: Sequence[Path], side: int, seed: int = 0, report: Callable[[str, float], None] = lambda *_: None
    ) -> None:
        self.side = side
        self._pixels: list[np.ndarray] = []
        self.left_out: list[str] = []
        order = np.random.default_rng(seed).permutation(len(paths)) if len(paths) > MOST else range(len(paths))
        for tried, number in enumerate(order):
            if len(self._pixels) == MOST:
                break
            report("reading photographs", max(len(self._pixels) / MOST, tried / len(paths)))
            try:
                self._pixels.append(_read(paths[number], side))
            except (images.ImageError, PhotographError) as error:
                self.left_out.append(str(error))
        if not self._pixels:
            first, count = self.left_out[0], len(paths)
            raise PhotographError(first if count == 1 else f"none of {count} photographs can be used: {first}")

    def __len__(self) -> int:
        return len(self._pixels)

    @property
    def first(self) -> np.ndarray:
        """The first photograph, float32 [height, width, 3] in 0..1."""
        return self._pixels[0].astype(np.float32) / 255

    def crops(self, seed: Iterable[int], count: int) -> np.ndarray:
        """Draws random squares of random photographs, of a random size from `side` on, half of them mirrored.

        Args:
            seed: numbers that determine the crops.
            count: number of crops, which are uint8 [count, side, side, 3].
        """
        draw = np.random.default_rng(list(seed))
        return np.stack([self._crop(draw) for _ in range(count)])

    def _crop(self, draw: np.random.Generator) -> np.ndarray:
        pixels = self._pixels[draw.integers(len(self._pixels))]
        height, width = pixels.shape[:2]
        square = draw.integers(self.side, min(height, width), endpoint=True)
        top, left = draw.integers(height - square, endpoint=True), draw.integers(width - square, endpoint=True)
        crop = pixels[top : top + square, left : left + square]
        if draw.integers(2):
            crop = crop[:, ::-1]
        return images.resize(crop, (self.side, self.side)).round().clip(0, 255).astype(np.uint8)


def _read(path: Path, side: int) -> np.ndarray:
    """A photograph as uint8 [height, width, 3], reduced to what crops can use, without the ends of a panorama."""
    picture = images.load(path, round(2 * LONGEST * side))
    height, width = picture.size
    if min(height, width) < side:
        raise PhotographError(f"{path} is too small ({width} x {height} px): give at least {side} px a side")
    reduced = images.fit(picture.size, round(max(height, width) * min(1, SHORTEST * side / min(height, width))))
    pixels = images.resize(picture.pixels, reduced)
    longest = round(LONGEST * side)
    return images.to_uint8(pixels[:longest, :longest])
