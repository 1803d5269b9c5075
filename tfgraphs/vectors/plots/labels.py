"""Places labels beside points.

The package adjustText does the same by forces that push labels apart. On 40 words with arrows it left labels on other
points and on the frame, and took 14 s instead of 0.4 s (adjustText 1.4), so it is not used here.
"""

import itertools
from collections.abc import Sequence

import numpy as np

# Costs of a place. A label is left out before it overlaps another one.
_OVERLAPS = (20.0, 40.0, 80.0, 160.0, *6 * (1000.0,))  # per round: labels settle before overlaps become expensive
_LEFT_OUT, _LEFT_OUT_OF_MANY = 200.0, 30.0
_COVERS_POINT, _NEAR_POINT, _COVERS_ARROW, _COVERS_LINE = 25.0, 2.0, 5.0, 8.0
_GAPS = {2.5: 0.0, 6.0: 2.5, 12.0: 5.0, 20.0: 8.0, 32.0: 12.0, 48.0: 16.0}  # distances to the point and their costs
_LINE_FROM = 11.0  # distance from which a line joins a label and its point
_EDGE = 3.0  # between labels and the frame
_FEW = 150  # labels; more get no lines, which would only add to the crowd


def place_labels(
    points: np.ndarray, sizes: np.ndarray, segments: np.ndarray, frame: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Places each label near its point so that it covers no other label and, if possible, nothing else.

    Each label has a fixed set of candidate places around its point (Christensen, Marks, Shieber 1995). Labels take
    turns: each moves to the place that costs least while the others stay, until none moves. All lengths are in points
    of 1/72 inch.

    Args:
        points: [labels, 2].
        sizes: width and height of the labels, [labels, 2].
        segments: start and end of lines that should stay visible, [lines, 2, 2].
        frame: width and height of the page, whose lower left corner is (0, 0).
        radius: of the points.

    Returns:
        The lower left corners of the labels, [labels, 2], NaN for labels without room; and the ends of lines from the
        points to their labels, [labels, 2], NaN where no line is needed.
    """
    few = len(points) <= _FEW
    gaps = list(_GAPS)[: len(_GAPS) if few else 2]
    low, tips, cost = _candidates(points, sizes, radius, gaps)
    cost = cost + _OVERLAPS[-1] * ((low < _EDGE) | (low + sizes[:, None] > frame - _EDGE)).any(axis=-1)
    reach = max(gaps) + radius + sizes
    neighbours = []  # the labels that each label may touch
    for label, point in enumerate(points):
        close = _in_both_axes(np.abs(points - point) < reach + reach[label])
        close[label] = False
        neighbours.append(np.flatnonzero(close))
        others = points[close & (np.linalg.norm(points - point, axis=1) > radius / 2)]
        high = low[label] + sizes[label]
        cost[label] += _covering_cost(low[label], high, others, segments, radius)
        boxes = (others - radius - 1, others + radius + 1)
        cost[label] += _COVERS_LINE * (_length_inside(*boxes, point, tips[label][:, None]) > 0).sum(axis=1)

    # The last place, NaN, is that of a label that is left out.
    low, tips = (np.pad(array, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan) for array in (low, tips))
    cost = np.pad(cost, ((0, 0), (0, 1)), constant_values=_LEFT_OUT if few else _LEFT_OUT_OF_MANY)
    high = low + sizes[:, None]
    chosen = np.full(len(points), -1)
    waiting = np.zeros(len(points), bool)
    for overlap, before in zip(_OVERLAPS, (0.0, *_OVERLAPS), strict=False):
        waiting |= overlap > before
        for label in np.flatnonzero(waiting)[::-1]:  # the last words give way
            waiting[label] = False
            others = neighbours[label]
            places = (others, chosen[others])
            own_low, own_high = low[label][:, None], high[label][:, None]
            overlaps = _in_both_axes((own_low < high[places]) & (low[places] < own_high))
            costs = cost[label] + overlap * overlaps.sum(axis=1)
            if few:
                crossed = _length_inside(own_low, own_high, points[others], tips[places]) > 0
                crosses = _length_inside(low[places], high[places], points[label], tips[label][:, None]) > 0
                costs += _COVERS_LINE * (crossed.sum(axis=1) + crosses.sum(axis=1))
            place = np.argmin(costs) - len(costs)
            if place != chosen[label]:
                chosen[label] = place
                waiting[others] = True
    labels = np.arange(len(points))
    return low[labels, chosen], tips[labels, chosen]


def _candidates(
    points: np.ndarray, sizes: np.ndarray, radius: float, gaps: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns places around the points at each distance: their lower left corners, ends of lines, and costs [places].

    The right side is preferred.
    """
    steps = np.linspace(-1, 1, 5)
    around = np.array([(x, y) for x, y in itertools.product(steps, steps) if max(abs(x), abs(y)) == 1])
    preference = 0.3 * (around[:, 0] < 0) + 0.1 * np.abs(around[:, 1]) + 0.2 * (around[:, 1] < 0)
    preference += 0.3 * (around != 0).all(axis=1)
    corners, costs = [], []
    for gap in gaps:
        offset = (radius + gap) * around / np.linalg.norm(around, axis=1, keepdims=True)
        corners.append(offset + sizes[:, None] / 2 * (around - 1))
        costs.append(_GAPS[gap] + preference)
    low = points[:, None] + np.concatenate(corners, axis=1)
    tips = np.clip(points[:, None], low, low + sizes[:, None])
    tips[:, np.repeat(gaps, len(around)) < _LINE_FROM] = np.nan
    return low, tips, np.concatenate(costs)


def _covering_cost(
    low: np.ndarray, high: np.ndarray, others: np.ndarray, segments: np.ndarray, radius: float
) -> np.ndarray:
    """Returns what it costs that the places of a label cover other points and arrows, [places]."""
    gap = np.linalg.norm(others - np.clip(others, low[:, None], high[:, None]), axis=-1)
    cost = _COVERS_POINT * (gap < radius).sum(axis=1) + _NEAR_POINT * (gap < 2.2 * radius).sum(axis=1)
    length = _length_inside(low[:, None], high[:, None], segments[:, 0], segments[:, 1])
    return cost + (_COVERS_ARROW * (length > 0) * (1 + np.minimum(length / (high - low)[:1, 1], 2))).sum(axis=1)


def _length_inside(low: np.ndarray, high: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Returns the length of lines inside boxes (Liang, Barsky 1984), [...]; 0 where an input is NaN."""
    way = end - start
    way = np.where(way == 0, 1e-9, way)
    one, two = (low - start) / way, (high - start) / way
    enter, leave = np.minimum(one, two), np.maximum(one, two)
    enter, leave = np.maximum(enter[..., 0], enter[..., 1]), np.minimum(leave[..., 0], leave[..., 1])
    share = np.maximum(np.minimum(leave, 1) - np.maximum(enter, 0), 0)
    return np.nan_to_num(share * np.hypot(way[..., 0], way[..., 1]))


def _in_both_axes(condition: np.ndarray) -> np.ndarray:
    """Returns condition.all(axis=-1) for [..., 2], several times as fast as `all`."""
    return condition[..., 0] & condition[..., 1]
