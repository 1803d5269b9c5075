"""Painted films: how much they flicker where nothing moves, what moves keeps, and what a frame costs.

    python benchmarks/films.py [--size=192] [--frames=10] [--noise=2] [--model=FOLDER] [--sheets=FOLDER]

Three films are made of a photograph, with the noise of a camera: a ball rolls across before a still camera, light fades
by 1 % a frame, and a camera pans by 2 px a frame. They are painted as sample:swirls step by step, and with --model in
one pass: as the command does (`kept`), by optical flow alone (`flow`), and each frame alone.

`change` is the mean change from a frame to the next, in 1/255: where the ball never is, everywhere, and along the
movement of the camera. `decoded` is that of the MP4. `colour` is the largest difference of mean colours, in 1/255, of
the last frame and the first; where light fades, of the last frame and the same painted alone. `seconds` are those of a
frame after the second. --sheets writes three frames of each film and their differences, ten times as large.

Measured in November 2026 on two cores of a busy machine, a street in Tübingen at 192 px, SqueezeNet, and a network that
was trained for 200 steps:

    film      painted in    way   change   decoded   colour   seconds
    still          steps   kept     0.75      0.78     1.79      2.75
    still          steps   flow     5.02      4.34     0.97      2.59
    still          steps  alone    26.25     25.08     0.37     24.41
    still       one pass   kept     0.65      0.72     1.06      0.01
    still       one pass  alone     2.06      1.86     0.30      0.01
    fading         steps   kept     1.01      1.17     0.08      2.65
    fading         steps   flow     4.55      4.44     0.52      2.72
    fading         steps  alone    22.41     21.19        -     19.31
    fading      one pass   kept     0.09      0.27     0.21      0.01
    fading      one pass  alone     0.96      0.43        -      0.01
    panning        steps   kept     4.74      4.05     0.39      2.00
    panning        steps   flow     4.77      4.18     0.48      1.93
    panning        steps  alone    27.84     26.78     0.28     14.65
    panning     one pass   kept     7.62      7.46     1.44      0.01
    panning     one pass  alone     7.62      7.46     1.44      0.01

Those are with covariances. With transport, the default since, and twice as many pixels in a first frame, `kept` has
changes of 0.70 (decoded 0.72), 1.59 (2.00) and 4.57 (4.50) in steps, on a machine that was busy.

What is left of the change of the film that is still is around the ball. A frame in which nothing moves takes no time.

What was tried, at 160 px:
- Paint that is kept as soon as nothing changes: a trail of what was there. The style loss is 0.281, of all layers,
  rather than 0.267 with `drying`. The same from the photograph where it was hidden before: 0.304.
- All of the paint new where it moves, after nine frames of a pan: a change of 9.2, content 0.297, variation 0.069. With
  0.7 of it kept: 8.4, 0.288 and 0.051; with 0.9 kept 8.0 and 0.295. A temporal weight ten times as large and nothing
  kept: 7.7, 0.324.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from tfgraphs.cli.shared.command import print_table
from tfgraphs.graphs.start import start
from tfgraphs.neural_style.anchor import anchored, drying, kept
from tfgraphs.neural_style.one_pass.stylize import StyleModel
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.transfer import Painter
from tfgraphs.pictures import films, images, samples
from tfgraphs.pictures.camera import sampled
from tfgraphs.pictures.stillness import SteadyFrame, steady_frames

FRAME_STEPS, WEIGHT = 80, 100.0  # defaults of the command
PAN = 2.0  # px a frame
WAYS = ("kept", "flow", "alone")

Change = Callable[[np.ndarray, np.ndarray], float]


def shifted(picture: np.ndarray, right: float) -> np.ndarray:
    """What the picture shows further to the right."""
    height, width, _ = picture.shape
    return sampled(picture, np.arange(width) + right + np.zeros((height, 1)), np.mgrid[:height, :width][0])


def scenes(photograph: np.ndarray, count: int, noise: float) -> Iterator[tuple[str, list[np.ndarray], Change]]:
    """Each film by name, and how its frames change, in 1/255."""
    draw = np.random.default_rng(0)
    height, width, _ = photograph.shape

    def recorded(frames: Iterable[np.ndarray]) -> list[np.ndarray]:
        return [eight_bits(frame + draw.normal(0, noise / 255, frame.shape)) for frame in frames]

    rows, columns = np.indices((height, width))
    centres = [width * (0.1 + 0.8 * number / count) for number in range(count)]
    distances = [np.hypot(rows - 0.7 * height, columns - centre) for centre in centres]
    balls = [(distance < 0.1 * height)[..., None] for distance in distances]
    never = ~np.any(balls, axis=0)[..., 0]
    ball = np.array([0.8, 0.25, 0.1], np.float32)

    def still(before: np.ndarray, after: np.ndarray) -> float:
        return 255 * float(np.abs(after - before)[never].mean())

    def everywhere(before: np.ndarray, after: np.ndarray) -> float:
        return 255 * float(np.abs(after - before).mean())

    def along(before: np.ndarray, after: np.ndarray) -> float:
        return 255 * float(np.abs(after - shifted(before, PAN))[:, :-8].mean())

    yield "still", recorded(np.where(place, ball, photograph) for place in balls), still
    yield "fading", recorded(photograph * np.float32(1 - 0.01 * number) for number in range(count)), everywhere
    part = round(width - PAN * count)
    yield "panning", recorded(shifted(photograph, PAN * number)[:, :part] for number in range(count)), along


def painted_alone(painter: Painter | StyleModel, frame: np.ndarray) -> np.ndarray:
    if isinstance(painter, StyleModel):
        return painter(frame)
    *_, last = painter.paint(frame)
    assert last.picture is not None
    return last.picture


def painted(painter: Painter | StyleModel, frames: list[np.ndarray], way: str) -> tuple[list[np.ndarray], list[float]]:
    """The frames of a painted film and the seconds that each took."""
    pictures, seconds = list[np.ndarray](), list[float]()
    steady = steady_frames(frames)
    for given in steady if isinstance(painter, StyleModel) else drying(steady):
        begin = time.monotonic()
        if way == "flow" and pictures:
            number = len(pictures)
            given = SteadyFrame(frames[number - 1], frames[number], np.ones_like(given.changed))
        if way == "alone" or not pictures:
            picture = painted_alone(painter, frames[len(pictures)])
        elif not given.changed.any():
            picture = pictures[-1]
        elif isinstance(painter, StyleModel):
            picture = kept(pictures[-1], painter(given.frame), given.changed)
        else:
            anchor = anchored(pictures[-1], given, WEIGHT)
            *_, last = painter.paint(given.frame, steps=FRAME_STEPS if anchor else None, anchor=anchor)
            assert last.picture is not None
            picture = last.picture
        pictures.append(eight_bits(picture))
        seconds.append(time.monotonic() - begin)
    return pictures, seconds


def eight_bits(picture: np.ndarray) -> np.ndarray:
    return images.to_uint8(picture).astype(np.float32) / 255


def decoded(pictures: list[np.ndarray]) -> list[np.ndarray]:
    """The frames of an MP4."""
    height, width, _ = pictures[0].shape
    with tempfile.TemporaryDirectory() as folder:
        films.save(Path(folder, "film.mp4"), pictures, 25)
        return [frame[:height, :width] for frame in films.open_film(Path(folder, "film.mp4")).frames()]


def sheet(pictures: list[np.ndarray]) -> np.ndarray:
    """Three neighbouring frames, and below them what changes from one to the next, ten times as large."""
    middle = len(pictures) // 2
    chosen = pictures[middle - 1 : middle + 2]
    differences = [np.clip(10 * np.abs(after - before), 0, 1) for before, after in itertools.pairwise(chosen)]
    rows = [np.concatenate(row, axis=1) for row in (chosen, [*differences, np.zeros_like(chosen[0])])]
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", default="sample:coffee")
    parser.add_argument("--size", type=int, default=192, help="longer side of the frames in pixels")
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--noise", type=float, default=2.0, help="deviation of each pixel, in 1/255")
    parser.add_argument("--model", help="a network that paints in one pass")
    parser.add_argument("--ways", nargs="*", default=WAYS, choices=WAYS)
    parser.add_argument("--sheets", type=Path, help="folder for pictures of the frames")
    options = parser.parse_args()
    start()
    photograph = images.load(samples.resolve(options.photo), options.size).pixels
    painting = images.load(samples.resolve("sample:swirls"), options.size).pixels
    painters: dict[str, Painter | StyleModel] = {"steps": Painter(painting, settings=StyleSettings())}
    if options.model:
        painters["one pass"] = StyleModel(options.model)
    lines = []
    for name, frames, change in scenes(photograph, options.frames, options.noise):
        for kind, painter in painters.items():
            for way in options.ways:
                if isinstance(painter, StyleModel) and way == "flow":
                    continue  # nothing moves paint there
                pictures, seconds = painted(painter, frames, way)
                figures = [
                    np.mean(list(itertools.starmap(change, itertools.pairwise(one))))
                    for one in (pictures, decoded(pictures))
                ]
                goal = painted_alone(painter, frames[-1]) if name == "fading" else pictures[0]
                colour = 255 * np.abs(pictures[-1].mean(axis=(0, 1)) - goal.mean(axis=(0, 1))).max()
                lines.append([name, kind, way, *(f"{one:.2f}" for one in (*figures, colour, np.mean(seconds[2:])))])
                if options.sheets:
                    images.save(
                        options.sheets / f"{name}_{kind.replace(' ', '_')}_{way}.png", images.Picture(sheet(pictures))
                    )
    print_table(["film", "painted in", "way", "change", "decoded", "colour", "seconds"], lines)


if __name__ == "__main__":
    main()
