"""Drawings of the tab Words: words in a plane, and curves of a training run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfgraphs.studio.svg import clean, drawing, element, letter_kind, line, text, title
from tfgraphs.vectors.plots.labels import place_labels

_RADIUS = 4.5
_REACH = 13.0  # of a finger around a point
_HEIGHT = 16.0  # of a label
_LETTER = 8.0  # width, of the widest of usual fonts
_LETTERS = dict.fromkeys("iIjl.,:;'|", 4.5) | dict.fromkeys("frt()- ", 5.5) | dict.fromkeys("mwMW@%", 12.7)
_CAPITAL, _WIDE_LETTER = 9.5, 13.0
_MANY, _SMALLER = 60, 0.85  # labels, from which on they are smaller
_LONGEST = 40  # characters of a label
_CURVE = (320.0, 150.0)
_POINTS = 400  # of a curve


@dataclass(frozen=True)
class Plane:
    """Words in a plane.

    Attributes:
        words: that are drawn.
        points: their coordinates, float [words, 2].
        arrows: pairs of numbers of words.
        axes: names of both axes.
        same_scale: whether both axes have the same scale; if not, each fills the drawing.
    """

    words: Sequence[str]
    points: np.ndarray
    arrows: Sequence[tuple[int, int]]
    axes: tuple[str, str]
    same_scale: bool


def plane(shown: Plane, width: float, height: float) -> str:
    """Draws words as buttons, which name their word in `data-word`.

    Every point is an element at its own origin, with its place in `data-x` and `data-y`, so that a page that zooms can
    keep points and labels at their size. Labels without room have the class `crowded`.

    Args:
        shown: the words.
        width, height: in pixels.
    """
    frame = np.array([width, height])
    shrink = _SMALLER if len(shown.words) > _MANY else 1.0
    labels = [_label(word) for word in shown.words]
    sizes = shrink * np.array([(_label_width(label) + 2, _HEIGHT) for label in labels])
    margin = np.minimum(sizes.max(axis=0), frame / 6) / 2 + 12
    places, origin = _fit(shown, frame, margin)
    arrows = np.array(shown.arrows, int).reshape(-1, 2)
    corners, tips = place_labels(places, sizes, places[arrows], frame, _RADIUS)
    up = np.array([1, -1])
    places, tips = places * up + [0, height], tips * up + [0, height]
    corners = corners * up + [0, height - 0.28 * shrink * _HEIGHT]
    kinds = ["point"] * len(labels)
    for order, kind in ((0, "point first"), (1, "point second")):
        for arrow in arrows:
            kinds[arrow[order]] = kind
    beside = [_label_beside(*one) for one in zip(labels, corners - places, sizes[:, 0], strict=True)]
    points = [
        _point(shown, number, kinds[number], places[number], tips[number], label) for number, label in enumerate(beside)
    ]
    zero = np.array([origin[0], height - origin[1]])
    cross = [
        line((-9 * width, zero[1]), (10 * width, zero[1]), class_="axis"),
        line((zero[0], -9 * height), (zero[0], 10 * height), class_="axis"),
    ]
    lines = [_arrow(places[start], places[end]) for start, end in arrows]
    name = f"{len(labels)} words; from left to right {shown.axes[0]}, upwards {shown.axes[1]}"
    size = {"class_": "small-labels"} if shrink < 1 else {}
    return drawing(width, height, *cross, *lines, element("g", *points, **size), label=clean(name))


def _fit(shown: Plane, frame: np.ndarray, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns places in the frame, upwards, [words, 2], and the place of the origin, [2]."""
    low, high = shown.points.min(axis=0), shown.points.max(axis=0)
    extent = np.maximum(high - low, 1e-9)
    scale = (frame - 2 * margin) / extent
    scale = np.full(2, scale.min()) if shown.same_scale else scale
    middle = (low + high) / 2
    return frame / 2 + (shown.points - middle) * scale, frame / 2 - middle * scale


def _point(shown: Plane, number: int, kind: str, place: np.ndarray, tip: np.ndarray, label: str) -> str:
    word, (first, second) = clean(shown.words[number]), shown.points[number]
    parts = [
        title(f"{word}: {first:.4f}, {second:.4f}"),
        element("circle", r=_REACH, class_="reach"),
        element("circle", r=_RADIUS, class_="dot"),
    ]
    if np.isfinite(tip).all():
        parts.append(line((0, 0), (tip - place).tolist(), class_="leader"))
    x, y = (f"{value:.2f}" for value in place)
    attributes = {"data-word": word, "data-x": x, "data-y": y, "tabindex": "0", "role": "button"}
    attributes |= {"aria-pressed": "false", "aria-label": f"{word}, at {first:.3f}, {second:.3f}"}
    return element("g", *parts, label, class_=kind, transform=f"translate({x} {y})", **attributes)


def _label_beside(label: str, corner: np.ndarray, width: float) -> str:
    """Draws a label whose lower left corner is there, seen from the point; NaN if there is no room.

    It is anchored where it is closest to the point, so that it does not cover it in another font.
    """
    if not np.isfinite(corner).all():
        return text(label, _RADIUS + 3, 4.0, class_="crowded")
    left, base = corner.tolist()
    if left >= 0:
        return text(label, left + 1, base)
    if left + width <= 0:
        return text(label, left + width - 1, base, text_anchor="end")
    return text(label, left + width / 2, base, text_anchor="middle")


def _arrow(start: np.ndarray, end: np.ndarray) -> str:
    """Draws an arrow; its head, as a point, keeps its size when a page zooms."""
    angle = math.degrees(math.atan2(end[1] - start[1], end[0] - start[0]))
    x, y, turn = (f"{value:.2f}" for value in (end[0], end[1], angle))
    shape = f"M{-_RADIUS - 1},0 l-9,-4 v8 z"
    places = {"data-x": x, "data-y": y, "data-turn": turn}
    head = element("path", d=shape, transform=f"translate({x} {y}) rotate({turn})", **places)
    return element("g", line(start.tolist(), end.tolist()), head, class_="between")


def _label(word: str) -> str:
    label = " ".join(clean(word).replace("_", " ").split()) or clean(word)
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


def _label_width(label: str) -> float:
    return sum(map(_letter_width, label))


def _letter_width(letter: str) -> float:
    usual = _LETTERS.get(letter, _CAPITAL if letter.isupper() else _LETTER)
    return {"none": 0.0, "wide": _WIDE_LETTER, "other": usual}[letter_kind(letter)]


def curve(name: str, points: Sequence[tuple[int, float]], from_zero: bool = True) -> str:
    """Draws a scalar of a run against the step.

    Args:
        name: of the scalar.
        points: steps and finite numbers, one or more.
        from_zero: whether the axis has to contain 0.
    """
    width, height = _CURVE
    last_step, last = points[-1]
    stride = max(1, len(points) // _POINTS)
    kept = [*points[:-1:stride], points[-1]]
    steps, values = (np.array(one, float) for one in zip(*kept, strict=True))
    low, high = values.min(), values.max()
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    left, top, right, bottom = 56, 30, width - 12, height - 22
    xs = left + (right - left) * (steps - steps[0]) / max(steps[-1] - steps[0], 1)
    ys = bottom - (bottom - top) * (values - low) / max(high - low, 1e-30)
    ends = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    marks = [
        text(name, left, 16, class_="name"),
        text(_short(last), right, 16, text_anchor="end", class_="name"),
        text(_short(high), left - 6, top + 9, text_anchor="end", class_="small"),
        text(_short(low), left - 6, bottom, text_anchor="end", class_="small"),
        text(f"step {last_step:,}", right, height - 6, text_anchor="end", class_="small"),
    ]
    parts = [
        element("path", d=f"M{left},{top} V{bottom} H{right}", class_="axis", fill="none"),
        element("polyline", points=ends, class_="curve", fill="none"),
        element("circle", cx=float(xs[-1]), cy=float(ys[-1]), r=3, class_="now"),
    ]
    return drawing(width, height, *parts, *marks, label=f"{name}, now {_short(last)} at step {last_step:,}")


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"
