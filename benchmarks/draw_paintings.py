"""Draws the style pictures of this project: brush strokes along a vector field, over a scene given by formulas.

    python benchmarks/draw_paintings.py tfgraphs/pictures/paintings

A scene gives each point a colour and a direction. Thousands of strokes, the broad ones first, start at random points,
have the colour there and follow the directions. Each is drawn as a bundle of bristles of slightly different brightness
(after Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes", 1998).
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tfgraphs.pictures import images

WIDTH, HEIGHT, SUPERSAMPLING = 960, 720, 2
Field = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Scene:
    """A scene to paint. Points are x in 0..4/3 from the left, y in 0..1 from the top.

    Attributes:
        colour: maps points [n], [n] to RGB in 0..1, [n, 3].
        direction: maps points to angles in radians, [n].
        variety: difference between the colours of neighbouring strokes.
    """

    colour: Field
    direction: Field
    variety: float


def paint(scene: Scene, seed: int) -> np.ndarray:
    """Paints a scene with strokes from broad to fine. Returns float32 [HEIGHT, WIDTH, 3] in 0..1."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: HEIGHT * SUPERSAMPLING, : WIDTH * SUPERSAMPLING] / (HEIGHT * SUPERSAMPLING)
    ground = scene.colour(x.ravel(), y.ravel()).reshape(*x.shape, 3)
    canvas = Image.fromarray((np.clip(ground, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for width, length, count in ((0.030, 0.14, 1400), (0.016, 0.11, 4200), (0.009, 0.08, 9000)):
        _draw_strokes(draw, scene, random, width, length, count)
    return images.resize(np.asarray(canvas, np.float32) / 255, (HEIGHT, WIDTH))


def _draw_strokes(
    draw: ImageDraw.ImageDraw, scene: Scene, random: np.random.Generator, width: float, length: float, count: int
) -> None:
    """Draws `count` strokes; width and length are shares of the picture's height."""
    x, y = random.uniform(-0.05, 4 / 3 + 0.05, count), random.uniform(-0.05, 1.05, count)
    tint = scene.variety * (random.normal(0, 0.06, (count, 1)) + random.normal(0, 0.045, (count, 3)))
    colours = scene.colour(x, y) + tint
    paths = _paths(scene, x, y, length * random.uniform(0.6, 1.2, count))
    scale = HEIGHT * SUPERSAMPLING
    bristles = np.linspace(-0.5, 0.5, 6)
    for path, colour in zip(paths, colours, strict=True):
        along = np.gradient(path, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=-1) / (np.linalg.norm(along, axis=-1, keepdims=True) + 1e-9)
        taper = np.sin(np.linspace(0.35, np.pi - 0.35, len(path)))[:, None]
        for bristle, shade in zip(bristles, random.normal(0, 0.06, len(bristles)), strict=True):
            points = (path + across * bristle * width * taper) * scale
            light = shade + 0.10 * bristle  # one side of the ridge of paint catches the light
            fill = tuple(int(value) for value in np.clip((colour + light) * 255, 0, 255))
            draw.line([tuple(point) for point in points], fill, round(width * scale / 4), joint="curve")


def _paths(scene: Scene, x: np.ndarray, y: np.ndarray, length: np.ndarray, points: int = 9) -> np.ndarray:
    """Follows the directions from each start for `length`. Returns [strokes, points, 2]."""
    path = [np.stack([x, y], axis=-1)]
    for _ in range(points - 1):
        angle = scene.direction(*path[-1].T)
        stride = (length / (points - 1))[:, None]
        path.append(path[-1] + stride * np.stack([np.cos(angle), np.sin(angle)], axis=-1))
    return np.stack(path, axis=1)


def _blend(low: np.ndarray, high: tuple[float, ...], share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)[:, None]
    return low * (1 - share) + np.array(high) * share


def _palette(stops: list[tuple[float, float, float]], shares: np.ndarray) -> np.ndarray:
    """Interpolates between colours that are evenly spaced over 0..1."""
    positions = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(shares, positions, channel) for channel in np.array(stops).T], axis=-1)


def swirls() -> Scene:
    """A night of whirlpools and lamps, deep blue to yellow, over dark hills."""
    whirls = [(0.36, 0.38, 0.20, 1), (0.80, 0.26, 0.15, -1), (1.12, 0.50, 0.13, 1), (0.10, 0.16, 0.11, -1)]
    lamps = [(1.14, 0.16, 0.10), (0.58, 0.13, 0.05), (0.14, 0.52, 0.05), (0.86, 0.55, 0.045), (0.36, 0.38, 0.035)]

    def ground(x: np.ndarray) -> np.ndarray:
        return 0.80 - 0.07 * np.sin(3.1 * x + 0.4) - 0.035 * np.sin(8.3 * x)

    def direction(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        u, v = 0.55 + 0 * x, 0.22 * np.cos(4.5 * x)
        for cx, cy, radius, turn in whirls:
            dx, dy = x - cx, y - cy
            pull = 2.6 * turn * np.exp(-(dx**2 + dy**2) / (2 * radius**2)) / radius
            u, v = u - dy * pull, v + dx * pull
        for cx, cy, radius in lamps:
            dx, dy = x - cx, y - cy
            pull = 5 * np.exp(-(dx**2 + dy**2) / (2 * (1.3 * radius) ** 2)) / radius
            u, v = u - dy * pull, v + dx * pull
        return np.where(y > ground(x), 0.5 * np.cos(5 * x + 9 * y), np.arctan2(v, u))

    def colour(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        blues = [(0.05, 0.09, 0.30), (0.09, 0.20, 0.52), (0.20, 0.42, 0.74), (0.50, 0.70, 0.82), (0.16, 0.30, 0.62)]
        wave = 0.5 + 0.5 * np.sin(9 * y + 2.2 * np.sin(2.4 * x) + 3 * np.cos(direction(x, y)))
        result = _palette(blues, wave)
        for cx, cy, radius in lamps:
            distance = np.hypot(x - cx, y - cy) / radius
            rings = 0.75 + 0.25 * np.cos(7 * distance)
            result = _blend(result, (0.98, 0.86, 0.36), 1.35 * rings * np.exp(-(distance**2) / 1.5))
            result = _blend(result, (0.99, 0.66, 0.16), 1.1 - distance * 2.2)
        hills = _palette([(0.03, 0.07, 0.16), (0.08, 0.20, 0.28), (0.16, 0.34, 0.34), (0.05, 0.12, 0.22)], (5 * y) % 1)
        return np.where((y > ground(x))[:, None], hills, result)

    return Scene(colour, direction, variety=1.0)


def embers() -> Scene:
    """A field of fire under a green evening: hot reds and oranges against teal, blown by the wind."""

    def direction(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        wind = -0.35 + 0.5 * np.sin(3 * x + 5 * y) + 0.35 * np.sin(7 * x - 4 * y)
        return np.where(y > 0.42 + 0.05 * np.sin(5 * x), wind - 0.9, 0.6 * np.sin(2.5 * x + 6 * y))

    def colour(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        sky = _palette(
            [(0.04, 0.22, 0.30), (0.07, 0.42, 0.45), (0.45, 0.68, 0.52), (0.93, 0.83, 0.50), (0.10, 0.50, 0.52)],
            0.5 + 0.5 * np.sin(11 * y + 1.8 * np.sin(3.4 * x)),
        )
        field = _palette(
            [(0.36, 0.04, 0.08), (0.78, 0.12, 0.08), (0.95, 0.42, 0.08), (0.99, 0.76, 0.22), (0.60, 0.08, 0.16)],
            0.5 + 0.5 * np.sin(17 * (y - 0.4) + 2.6 * np.sin(4.6 * x) + 1.5 * np.sin(13 * x)),
        )
        return np.where((y > 0.42 + 0.05 * np.sin(5 * x))[:, None], field, sky)

    return Scene(colour, direction, variety=1.3)


PAINTINGS = {"swirls": (swirls, 1), "embers": (embers, 2)}


def main(folder: str) -> None:
    for name, (scene, seed) in PAINTINGS.items():
        images.save(Path(folder) / f"{name}.jpg", images.Picture(paint(scene(), seed)))


if __name__ == "__main__":
    main(sys.argv[1])
