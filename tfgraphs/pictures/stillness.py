"""Where a film stands still: its frames without noise there, and how far each place has changed.

No two frames of a camera are equal: each has noise of its own, which compression changes again. What is computed from
frames inherits that, and flickers. `steady_frames` yields the film as if still things had been recorded once.

A frame F is compared with the steady frame before, S, in which each place is as it was when it last changed, so that
slow movements and slow changes of light add up until they are noticed. Both are averaged over cells of about `CELL` px.

- A cell has changed by c = clip((|F - S| - NOISE) / FADE, 0, 1), for the colour that differs most.
- What changes less may still move. Let D = F - S and g be the gradient of (F + S) / 2. The movement u and a change of
  light l are the least squares solution of l - g u = D over the cells around (Lucas and Kanade, 1981). Where u is
  longer than `MOVE` px, c is 1.
- Where there are no edges in two directions, as in a clear sky, movement cannot be seen: c is that of what is around.

The next steady frame is S + c (F - S). The borders of what changes are soft.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from tfgraphs.pictures.images import resize

CELL = 4  # px
NOISE = 2.5 / 255  # six deviations of D, if each pixel has noise of a deviation of 3/255
FADE = 3.5 / 255  # from unchanged to changed
MOVE = 0.25  # px
EDGES = 2.5 / 255  # change over a pixel; where edges are weaker, so small a movement is lost in noise


class SteadyFrame(NamedTuple):
    """A frame of a film, and what became of the one before.

    Attributes:
        before: the steady frame before, float32 [height, width, 3], RGB in 0..1; None for the first.
        frame: the frame, of the same kind; equal to `before` to the bit where nothing changed.
        changed: float32 [height, width, 1] in 0..1: 0 where the frame shows what the one before does.
    """

    before: np.ndarray | None
    frame: np.ndarray
    changed: np.ndarray


def steady_frames(frames: Iterable[np.ndarray]) -> Iterator[SteadyFrame]:
    """Yields the frames of a film, float32 [height, width, 3] in 0..1, as the docstring of the module says."""
    before = None
    for frame in frames:
        changed = np.ones((*frame.shape[:2], 1), np.float32) if before is None else changes(before, frame)
        steady = frame if before is None else before + changed * (frame - before)
        yield SteadyFrame(before, steady, changed)
        before = steady


def changes(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Returns how far each place has changed, float32 [height, width, 1] in 0..1, with soft edges.

    Args:
        before, after: float32 [height, width, 3] each, RGB in 0..1.
    """
    size = after.shape[:2]
    reduced = [max(2, -(-side // CELL)) for side in size]
    old, new = (_smooth(resize(picture, (reduced[0], reduced[1]))) for picture in (before, after))
    difference = new - old
    changed = ((np.abs(difference).max(axis=-1) - NOISE) / FADE).clip(0, 1)
    moved, seen = _movement((old + new) / 2, difference, changed < 1)
    moved, seen = np.where(changed < 1, moved, 1), np.where(changed < 1, seen, 1)
    around = _filled(moved, seen)
    changed = np.maximum(changed, (4 * around - 2).clip(0, 1))
    return resize(changed[..., None], size).clip(0, 1)


def _movement(picture: np.ndarray, difference: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether cells move, and how well that is seen there, each [rows, columns] in 0..1; not all cells count."""
    counts = counts[..., None].astype(np.float32)
    share = _smooth(_smooth(counts)).clip(1e-6)

    def mean(cells: np.ndarray) -> np.ndarray:
        return _smooth(_smooth(cells * counts)) / share

    down, across = (np.gradient(picture, axis=axis) / CELL for axis in (0, 1))
    yy, xy, xx, y, x = (
        (mean(one * other) - mean(one) * mean(other)).sum(axis=-1)
        for one, other in ((down, down), (down, across), (across, across), (down, difference), (across, difference))
    )
    least = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)  # the smaller eigenvalue
    length = np.hypot(yy * x - xy * y, xx * y - xy * x) / np.maximum(xx * yy - xy**2, 1e-12)
    seen = (np.sqrt(np.maximum(least, 0)) / EDGES).clip(0, 1)
    return (4 * (length / MOVE - 1)).clip(0, 1), seen * (2 * seen - 1).clip(0, 1)


def _filled(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Keeps values where weights are 1, and blends them elsewhere with those around, nearer ones first."""
    rows, columns = values.shape
    if rows == columns == 1:
        return values
    weight = _halved(weights)
    around = _halved(values * weights) / np.maximum(weight, 1e-9)
    around = _filled(around, np.minimum(1, 2 * weight))  # a line keeps its weight, a spot loses half
    doubled = resize(around[..., None], (2 * len(around), 2 * around.shape[1]))[:rows, :columns, 0].clip(0, 1)
    return weights * values + (1 - weights) * doubled


def _halved(cells: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 cells."""
    even = np.pad(cells, [(0, side % 2) for side in cells.shape], "edge")
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def _smooth(cells: np.ndarray) -> np.ndarray:
    """Means of 3 x 3 cells with the weights 1, 2, 1 along each axis."""
    for axis, side in enumerate(cells.shape[:2]):
        padded = np.pad(cells, [(int(axis == one),) * 2 for one in range(cells.ndim)], "edge")
        left, middle, right = (padded.take(np.arange(start, start + side), axis) for start in range(3))
        cells = (left + 2 * middle + right) / 4
    return cells
