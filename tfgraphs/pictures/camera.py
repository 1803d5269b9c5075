"""The camera of an endless zoom: each frame is the one before, enlarged, turned and shifted a little."""

import math

import numpy as np

from tfgraphs.errors import TfgraphsError

ZOOMS = (0.5, 10.0)  # least and most of one step; below 0.5 pixels would be skipped
_ROWS = 64  # computed at a time, so that they stay in the processor's cache


class CameraError(TfgraphsError):
    """The camera cannot move like that."""


def check(zoom: float, degrees: float, shift: tuple[float, float]) -> None:
    """Raises CameraError unless `zoomed` accepts these values."""
    if not ZOOMS[0] <= zoom <= ZOOMS[1]:
        raise CameraError(
            f"a zoom of {zoom:g} a frame is too much: it is {ZOOMS[0]:g} to {ZOOMS[1]:g}, 1.05 enlarges by 5 %"
        )
    if not (math.isfinite(degrees) and abs(degrees) <= 360):
        raise CameraError(f"a turn of {degrees:g} degrees a frame is too much: it is -360 to 360")
    if not all(abs(part) <= 1 for part in shift):
        raise CameraError(f"a shift by {shift[0]:g} and {shift[1]:g} of the size is too much: each is -1 to 1")


def zoomed(
    picture: np.ndarray, zoom: float = 1.0, degrees: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Returns the next frame: the picture enlarged and turned about its centre, then shifted, and clipped to 0..1.

    Beyond its borders the picture is mirrored. Without zoom, turn and shift the result is equal to the bit.

    Args:
        picture: float32 [height, width, channels] in 0..1.
        zoom: factor of enlargement, 0.5 to 10; below 1 the frame shows more than the picture.
        degrees: angle of the turn, counter-clockwise, -360 to 360.
        shift: movement to the right and down, as parts of width and height, each -1 to 1.

    Raises:
        CameraError: a value is out of its range.
    """
    check(zoom, degrees, shift)
    height, width, _ = picture.shape
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    along, aside = math.cos(math.radians(degrees)) / zoom, math.sin(math.radians(degrees)) / zoom
    x = np.arange(width) - middle_x - shift[0] * width
    y = np.arange(height)[:, None] - middle_y - shift[1] * height
    return sampled(picture, middle_x + along * x - aside * y, middle_y + aside * x + along * y).clip(0, 1)


def sampled(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Samples a picture at positions between its pixels; beyond its borders it is mirrored.

    Each value is interpolated between the nearest 4 x 4 pixels, by the cubic convolution of Keys (1981) with a = -1/2,
    which preserves ramps and parabolas. (Pillow and OpenCV have other cubic kernels, and Pillow no mirrored borders.)

    Args:
        picture: float32 [height, width, channels].
        x, y: columns and rows of the positions, each [rows, columns].

    Returns:
        float32 [rows, columns, channels]; near edges values may exceed those of the picture a little.
    """
    height, width, channels = picture.shape
    planes = np.ascontiguousarray(np.moveaxis(picture, -1, 0), np.float32).reshape(-1, height * width)
    result = np.empty((*x.shape, channels), np.float32)
    for top in range(0, len(x), _ROWS):
        block = slice(top, top + _ROWS)
        columns, across = _taps(x[block], width)
        rows, down = _taps(y[block], height)
        sums = np.zeros((channels, *x[block].shape), np.float32)
        for row, upright in zip(rows, down, strict=True):
            for column, level in zip(columns, across, strict=True):
                index, weight = row * width + column, upright * level
                for plane, total in zip(planes, sums, strict=True):
                    total += plane.take(index) * weight
        result[block] = np.moveaxis(sums, 0, -1)
    return result


def _taps(positions: np.ndarray, size: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Indices of the four nearest pixels of each position along one axis, mirrored at borders, and their weights."""
    floor = np.floor(positions)
    t = (positions - floor).astype(np.float32)
    weights = [
        ((1 - t / 2) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1,
        ((2 - 1.5 * t) * t + 0.5) * t,
        (t / 2 - 0.5) * t * t,
    ]
    below = floor.astype(np.intp) - 1
    least = below.min()
    index = np.arange(least, below.max() + 4) % (2 * size)
    mirrored = np.minimum(index, 2 * size - 1 - index)  # ... 1 0 | 0 1 2 ... size - 1 | size - 1, size - 2 ...
    return [mirrored.take(below - (least - tap)) for tap in range(4)], weights
