"""Paints the style pictures of this project: brush strokes of thick paint along the level lines of a function.

    python benchmarks/draw_paintings.py tfgraphs/pictures/paintings

A scene is a list of shapes, from back to front. Each has a place, a function whose level lines its strokes follow, and
pigments from dark to light. Broad strokes come first, fine ones last, each over the paint that is there (after
Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes", 1998). A stroke is a strip of bristles
that carry two pigments and different amounts of paint, and run dry one by one. In the end a light from the top left
shows the relief of the paint.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tfgraphs.pictures import images

HEIGHT, WIDTH, SUPERSAMPLING = 720, 960, 3
GLAZE = 0.4  # the share of hue that neighbouring strokes have in common
LUMA = np.array([0.299, 0.587, 0.114])
Y, X = np.mgrid[:HEIGHT, :WIDTH] / HEIGHT  # of all pixels: x in 0..4/3 from the left, y in 0..1 from the top
EVERYWHERE = np.ones_like(X)


@dataclass(frozen=True)
class Brush:
    """Strokes of one size: width and length in pixels, how often they cover the shape, and how their tones vary."""

    width: float
    length: float
    coats: float
    variety: float


BRUSHES = (
    Brush(26, 150, 4.0, 0.08),
    Brush(13, 130, 2.0, 0.13),
    Brush(8, 105, 1.6, 0.19),
    Brush(5, 80, 0.6, 0.30),
)


@dataclass(frozen=True)
class Shape:
    """A part of a scene. All maps are [HEIGHT, WIDTH].

    Attributes:
        cover: 0..1, how probable it is that a stroke starts here. Strokes end where it is 0. Above 0.9 the canvas has a
            ground of the shape's colours.
        phase: angles in radians; strokes follow their level lines. They may jump by 2 pi.
        tone: where the colour here lies among the pigments, 0..1.
        pigments: #rrggbb from dark to light, evenly spaced over the tones.
        scale: of the brushes.
        length: of the strokes, as a multiple of the brushes'.
        variety: of the tones, as a multiple of the brushes'.
    """

    cover: np.ndarray
    phase: np.ndarray
    tone: np.ndarray
    pigments: Sequence[str]
    scale: float = 1.0
    length: float = 1.0
    variety: float = 1.0


def paint(shapes: Sequence[Shape], seed: int) -> np.ndarray:
    """Paints shapes from back to front. Returns float32 [HEIGHT, WIDTH, 3] in 0..1."""
    random = np.random.default_rng(seed)
    canvas = np.zeros((HEIGHT * SUPERSAMPLING, WIDTH * SUPERSAMPLING, 4), np.float32)  # RGB and height of the paint
    for shape in shapes:
        ground, place = (_enlarged(values) for values in (shape.tone, shape.cover > 0.9))
        canvas[place, :3] = _colours(shape.pigments, ground[place])
        field = _directions(shape.phase)
        for brush in BRUSHES:
            _paint_coat(canvas, shape, field, brush, random)
    picture = images.resize(canvas, (HEIGHT, WIDTH))
    height = picture[..., 3]
    slope = np.gradient(height, axis=0) + np.gradient(height, axis=1)  # a light from the top left
    return np.clip(picture[..., :3] - 0.12 * np.tanh(slope)[..., None], 0, 1)


def _paint_coat(canvas: np.ndarray, shape: Shape, field: np.ndarray, brush: Brush, random: np.random.Generator) -> None:
    """Paints the strokes of one brush, in random order."""
    width, length = brush.width * shape.scale, brush.length * shape.scale * shape.length
    margin = length / 2  # beyond the canvas, so that its border gets as many strokes
    count = round(brush.coats * (HEIGHT + 2 * margin) * (WIDTH + 2 * margin) / (width * length))
    starts = random.uniform(-margin, (HEIGHT + margin, WIDTH + margin), (count, 2))
    starts = starts[random.uniform(size=count) < _at(shape.cover, starts)]
    lengths = length * random.uniform(0.4, 1.5, len(starts)) * random.choice([-1, 1], len(starts))
    for path in _paths(shape, field, starts, lengths):
        tone = _at(shape.tone, path[len(path) // 2])
        tones = tone + shape.variety * brush.variety * (random.normal(0, 1) + random.normal(0, [0, 0.6]))
        local, *colours = _colours(shape.pigments, np.append(tone, tones))
        glazed = [colour + GLAZE * (local - local @ LUMA - colour + colour @ LUMA) for colour in colours]
        _paint_stroke(canvas, path * SUPERSAMPLING, width * random.uniform(0.7, 1.2) * SUPERSAMPLING, glazed, random)


def _paint_stroke(
    canvas: np.ndarray, path: np.ndarray, width: float, colours: Sequence[np.ndarray], random: np.random.Generator
) -> None:
    """Paints one stroke of two colours along a path [points, 2]; path and width are in pixels of the canvas."""
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    rows, columns = round(length / 0.6), round(width / 0.6)  # dense enough to hit each pixel
    along, across = np.linspace(0, 1, rows)[:, None], np.linspace(-1, 1, columns)
    pressure = np.minimum(1, 0.55 + 5 * along) * np.sqrt(np.clip(1.08 - along, 0, 0.4) / 0.4)
    pressure *= 1 + 0.12 * np.sin(random.uniform(3, 9) * along + random.uniform(0, 6))
    spine, heading = _resampled(path, rows), _resampled(np.gradient(path, axis=0), rows)
    normal = heading[:, ::-1] * (1, -1) / (np.linalg.norm(heading, axis=1, keepdims=True) + 1e-9)
    points = spine[:, None] + normal[:, None] * (pressure * across)[..., None] * width / 2

    bristles, begin, end = _bristles(columns, random), _bristles(columns, random), _bristles(columns, random)
    load = np.clip((along - 0.05 * begin**2) * length / 6, 0, 1)
    load *= np.clip((1 - 0.22 * end**2 - along) * length / 18, 0, 1) * np.clip((1 - abs(across)) * width / 2, 0, 1)
    mixed = 1 / (1 + np.exp(-2.5 * _bristles(columns, random)))[:, None]
    colour = colours[0] * (1 - mixed) + colours[1] * mixed + 0.03 * bristles[:, None]
    ridge = (0.5 + 0.5 * across**4) * width**0.5 * (1 + 0.25 * bristles)  # the brush presses paint to its sides
    paint = np.column_stack([colour, ridge]).astype(np.float32)

    y, x = np.round(points).astype(int).transpose(2, 0, 1)
    on = (y >= 0) & (y < canvas.shape[0]) & (x >= 0) & (x < canvas.shape[1])
    y, x, share = y[on], x[on], 0.96 * load[on, None].astype(np.float32)
    canvas[y, x] += share * (np.broadcast_to(paint, (rows, columns, 4))[on] - canvas[y, x])


def _bristles(count: int, random: np.random.Generator) -> np.ndarray:
    """Returns random numbers, one a column of a stroke, that are alike for neighbours."""
    return np.convolve(random.normal(0, 1, count + 8), np.ones(9) / 3, mode="valid")


def _resampled(values: np.ndarray, count: int) -> np.ndarray:
    """Interpolates [points, 2] to [count, 2]."""
    places = np.linspace(0, len(values) - 1, count)
    return np.stack([np.interp(places, np.arange(len(values)), axis) for axis in values.T], axis=-1)


def _enlarged(values: np.ndarray) -> np.ndarray:
    """Repeats the pixels of a map for the canvas."""
    return values.repeat(SUPERSAMPLING, axis=0).repeat(SUPERSAMPLING, axis=1)


def _directions(phase: np.ndarray) -> np.ndarray:
    """Returns the directions of the level lines of a phase, smoothed, [HEIGHT, WIDTH, 2]: cos and sin of 2 angles.

    Of doubled angles, because a line has no head.
    """
    turned = np.exp(1j * phase)
    dy, dx = (np.angle(np.roll(turned, -1, axis) / np.roll(turned, 1, axis)) for axis in (0, 1))
    dy[0], dy[-1], dx[:, 0], dx[:, -1] = dy[1], dy[-2], dx[:, 1], dx[:, -2]
    line = np.exp(2j * np.arctan2(-dx, dy))
    small = images.resize(np.stack([line.real, line.imag], axis=-1), (HEIGHT // 10, WIDTH // 10))
    return images.resize(small, (HEIGHT, WIDTH))


def _paths(
    shape: Shape, field: np.ndarray, starts: np.ndarray, lengths: np.ndarray, points: int = 32
) -> Iterator[np.ndarray]:
    """Follows a field of lines from each start [strokes, 2], at most to the border of the shape."""
    steps, heading = [starts], np.zeros_like(starts)
    for _ in range(points - 1):
        cos, sin = np.moveaxis(_at(field, steps[-1]), -1, 0)
        angle = np.arctan2(sin, cos) / 2
        line = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
        heading = line * np.where((line * heading).sum(-1, keepdims=True) < 0, -1, 1)
        steps.append(steps[-1] + heading * (lengths / (points - 1))[:, None])
    paths = np.stack(steps, axis=1)
    inside = _at(shape.cover, paths) > 0
    for path, count in zip(paths, np.where(inside.all(1), points, inside.argmin(1)), strict=True):
        if count > 3:
            yield path[:count]


def _at(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Looks up [HEIGHT, WIDTH, ...] at points [..., 2] of y and x in pixels; those outside take the nearest."""
    y, x = np.moveaxis(points.astype(int), -1, 0)
    return values[np.clip(y, 0, HEIGHT - 1), np.clip(x, 0, WIDTH - 1)]


def _colours(pigments: Sequence[str], tones: np.ndarray) -> np.ndarray:
    """Mixes neighbouring pigments, #rrggbb from dark to light. Returns [..., 3]."""
    stops = np.array([[int(pigment[place : place + 2], 16) / 255 for place in (1, 3, 5)] for pigment in pigments])
    shares = np.clip(tones, 0, 1) * (len(stops) - 1)
    return np.stack([np.interp(shares, np.arange(len(stops)), channel) for channel in stops.T], axis=-1)


def _whirl(x: float, y: float, radius: float, turn: float, arms: int = 1) -> np.ndarray:
    """The phase of a spiral with some arms, which fades beyond a radius."""
    square = (X - x) ** 2 + (Y - y) ** 2
    return arms * np.arctan2(Y - y, X - x) + turn * np.log((square + 1e-4) / (square + radius**2))


def _ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Rises smoothly from 0 at `low` to 1 at `high`."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def _disc(x: float, y: float, radius: float, pigments: Sequence[str], scale: float) -> Shape:
    """A lamp with a halo: rings that mingle with what is behind them."""
    distance = np.hypot(X - x, Y - y) / radius
    tone = 1.05 * np.exp(-((distance / 0.8) ** 2)) + 0.10 * np.cos(9 * distance)
    return Shape(1 - _ramp(distance, 0.5, 1.35), 6 * distance, tone, pigments, scale, 0.5)


def swirls() -> list[Shape]:
    """A night of whirls and stars over hills, a lake and dark trees."""
    phase = 8 * (Y + 0.10 * np.sin(4.2 * X + 0.5)) + _whirl(0.60, 0.34, 0.22, 2.0) + _whirl(0.95, 0.43, 0.14, -1.5, -1)
    phase = phase + _whirl(0.06, 0.44, 0.10, 1.2) + _whirl(1.30, 0.10, 0.1, 1.0, -1)
    blues = ("#0b1444", "#152c74", "#2250a2", "#3c7ec0", "#78b2d2", "#c6dcd4", "#f3eab4")
    sky = Shape(EVERYWHERE, phase, 0.36 + 0.26 * np.sin(2 * phase) + 0.22 * _ramp(Y, 0.2, 0.75), blues)
    golds = ("#26508e", "#5f94ac", "#b4be98", "#e2c866", "#f3d878", "#fdf3cc")
    moon = _disc(0.27, 0.19, 0.17, golds, 1.0)
    places = [(0.84, 0.13, 0.075), (1.14, 0.27, 0.06), (0.52, 0.07, 0.045), (0.33, 0.47, 0.04), (0.06, 0.08, 0.05)]
    stars = [_disc(*place, golds, 0.55) for place in places]

    depth = Y - 0.64 + 0.07 * np.sin(4 * X + 1) + 0.02 * np.sin(11 * X)
    tone = 0.42 - 1.2 * depth + 0.25 * np.sin(24 * depth + 11 * X)
    slates = ("#0c1638", "#142a54", "#20486e", "#3c7480", "#84a698")
    hills = Shape(_ramp(depth, -0.002, 0.015), 9 * depth + 5 * X, tone, slates, 0.8)

    depth = Y - 0.745 - 0.012 * np.sin(7 * X)
    ripples = 60 * Y + 2 * np.sin(9 * X)
    glow = np.exp(-(((X - 0.27 - 0.02 * np.sin(40 * Y)) / (0.03 + 0.5 * depth.clip(0))) ** 2))
    tone = 0.28 + 0.14 * np.sin(ripples) + 0.55 * glow + 0.28 * np.exp(-(((X - 0.84) / 0.035) ** 2))
    waters = ("#0b1230", "#1a3668", "#35689c", "#7fa9bc", "#d5cb90", "#f6e094")
    lake = Shape(_ramp(depth, -0.002, 0.01), ripples, tone, waters, 0.7, 0.6)

    depth = Y - 0.90 + 0.10 * _ramp(X, 0.5, 1.3) - 0.02 * np.sin(6 * X)
    tone = 0.36 + 0.28 * np.sin(26 * depth - 9 * X)
    greens = ("#081612", "#122c20", "#244a30", "#4a7040", "#98964a", "#d3b85a")
    meadow = Shape(_ramp(depth, -0.002, 0.015), 12 * depth - 6 * X, tone, greens, 0.9)
    pines = ("#060f14", "#0e221e", "#1c3c2c", "#3a5a34", "#7c7c40", "#b08c48")
    trees = [_tree(*place, pines) for place in ((1.10, 0.20, 0.075), (1.22, 0.42, 0.06), (1.00, 0.55, 0.05))]
    return [sky, moon, *stars, hills, lake, meadow, *trees]


def _tree(x: float, top: float, width: float, pigments: Sequence[str]) -> Shape:
    """A dark tree like a flame, from its top to the bottom of the picture."""
    rise = np.clip(Y - top, 0, 1)
    half = width * np.minimum(1, 1.9 * rise**0.7) * (1 + 0.12 * np.sin(21 * Y + 9 * x)) + 1e-6
    across = (X - x - 0.018 * np.sin(9 * Y + 5 * x)) / half
    tone = 0.26 + 0.22 * np.sin(5 * across + 7 * Y) - 0.12 * abs(across)
    cover = (top < Y) * (1 - _ramp(abs(across), 0.7, 1.05))
    return Shape(cover, 3 * across + 2 * np.sin(8 * Y), tone, pigments, 0.75, 0.8)


def embers() -> list[Shape]:
    """A wall of fire at night, which curls into smoke, behind dark trees and a field of embers."""
    phase = 8 * (X + 0.08 * np.sin(5 * Y + 1) + 0.25 * Y * (X - 0.6))
    phase = phase + _whirl(0.30, 0.30, 0.16, 1.8) + _whirl(0.70, 0.17, 0.16, -1.6, -1) + _whirl(1.12, 0.36, 0.14, 1.7)
    heat = 0.12 + 0.62 * _ramp(Y + 0.06 * np.sin(7 * X + 2), 0.0, 0.75)
    reds = ("#0e0f1a", "#32101a", "#741c1c", "#b83a1c", "#e26a1e", "#f29c30", "#f8c858", "#fdf2cc")
    fire = Shape(EVERYWHERE, phase, heat + 0.24 * np.sin(2 * phase), reds)
    sparks = Shape(0.012 * _ramp(0.6 - Y, 0, 0.3), phase, 0.75 * EVERYWHERE, reds, 0.4, 0.5)

    coals = ("#0c080e", "#1e0e16", "#4c161a", "#98301a", "#e0701e", "#f8c458")
    depth = Y - 0.70 + 0.05 * np.sin(3.3 * X + 0.4) + 0.015 * np.sin(13 * X)
    tone = 0.36 - 1.2 * depth + 0.24 * np.sin(24 * depth - 9 * X)
    hills = Shape(_ramp(depth, -0.002, 0.015), 9 * depth - 4 * X, tone, coals, 0.8)
    depth = Y - 0.82 + 0.03 * np.sin(4 * X + 2)
    tone = 0.40 + 0.30 * np.sin(40 * depth / (0.6 + depth) + 5 * np.sin(2 * X)) + 0.2 * np.sin(9 * X + 20 * depth)
    field = Shape(_ramp(depth, -0.002, 0.015), 12 * depth + 3 * X, tone, coals, 0.9)
    chars = ("#06060a", "#120c12", "#26121a", "#561a1a", "#a83c1c", "#e88c34")
    trees = [_tree(*place, chars) for place in ((0.22, 0.26, 0.06), (0.10, 0.46, 0.05), (1.19, 0.50, 0.05))]
    return [fire, sparks, hills, field, *trees]


def waves() -> list[Shape]:
    """A rough sea in the morning: rows of breaking waves, a low sun and clouds."""
    phase = 7 * (Y + 0.05 * np.sin(3 * X)) + _whirl(0.28, 0.16, 0.16, 1.6) + _whirl(0.72, 0.24, 0.12, -1.5, -1)
    airs = ("#7f9fb0", "#a3bcc0", "#c8d2c4", "#e6dcc0", "#f4dcae", "#fbeed2")
    near_sun = np.exp(-(((X - 0.98) / 0.45) ** 2) - ((Y - 0.27) / 0.3) ** 2)
    sky = Shape(EVERYWHERE, phase, 0.30 + 0.24 * np.sin(2 * phase) + 0.45 * near_sun, airs)
    sun = _disc(0.98, 0.25, 0.09, ("#e6dcc0", "#f2d08c", "#f4b464", "#f8c878", "#fdf0cc"), 0.6)
    return [sky, sun, *[_wave(row) for row in range(6)]]


def _wave(row: int) -> Shape:
    """One row of breaking waves, the nearer the larger. Their crests lean to the right and curl."""
    near = (row + 1) / 6
    pace = 6.2 - 3.8 * near
    level, size = 0.36 + 0.50 * near**1.4, 0.05 + 0.22 * near
    turn = pace * X + 2.4 * row
    peak = (1 - abs(np.sin(turn + 0.35 * np.sin(2 * turn)))) ** 1.5
    height = 0.24 * near * peak
    depth = (Y - level + height) / size
    phase = 6 * (Y - level + height * np.exp(-np.clip(depth, 0, 9) / 1.2)) / size
    for number in range(-1, 6):
        x = (np.pi * number - 2.4 * row) / pace
        phase = phase + _whirl(x + 0.16 * near, level - 0.14 * near, 0.13 * near, 2.2)
    seas = ("#0e2e40", "#15485a", "#1f6a74", "#3f958e", "#86c0ac", "#d4e4d0", "#fbf7e6")
    foam = np.exp(-np.clip(depth, 0, 9) / (0.12 + 0.12 * peak)) * (0.55 + 0.45 * peak)
    tone = 0.32 + 0.60 * foam + 0.20 * np.sin(2 * phase) - 0.08 * depth
    return Shape(_ramp(depth, -0.02, 0.04), phase, tone, seas, 0.55 + 0.5 * near, 0.9)


Scene = tuple[Callable[[], list[Shape]], int]
PAINTINGS: dict[str, Scene] = {"swirls": (swirls, 1), "embers": (embers, 2), "waves": (waves, 3)}


def main(folder: str) -> None:
    """Draws the paintings into a folder. JPEG halves the resolution of their colours, and their size."""
    for name, (scene, seed) in PAINTINGS.items():
        picture = Image.fromarray(images.to_uint8(paint(scene(), seed)))
        picture.save(Path(folder) / f"{name}.jpg", quality=90, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
