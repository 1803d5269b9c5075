"""DeepDream: a picture climbs the gradient of what a network sees in it, from small octaves to the full size.

The recipe of google/deepdream (Mordvintsev, Olah, Tyka 2015): at each octave the detail gained so far is enlarged
and added to the resampled original, so that the sharpness of the original is not lost; each step rolls the picture
by a random jitter, and moves it by step_size * g / mean|g|.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.deepdream.gradients import normalize_mean_abs
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.transforms import jitter
from tfgraphs.errors import TfgraphsError
from tfgraphs.images import resize
from tfgraphs.minimize import Loss, Report
from tfgraphs.monitor import Progress
from tfgraphs.pyramid import Level, coarse_to_fine, improve

SMALLEST_SIDE = 48  # below, a network sees nothing but its own border


class DreamError(TfgraphsError):
    """The settings of a dream do not make sense."""


@dataclass(frozen=True)
class DreamSettings:
    """How a picture dreams.

    Attributes:
        octaves: sizes from the smallest to the full one.
        octave_scale: factor from one size to the next, more than 1.
        iterations: steps at each size.
        step_size: mean change of a value in one step, on the scale 0..1.
        jitter: largest shift of a step in pixels.
        seed: of the shifts.
    """

    octaves: int = 4
    octave_scale: float = 1.4
    iterations: int = 10
    step_size: float = 1.5 / 255
    jitter: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        for name, lowest in (("octaves", 1), ("iterations", 1), ("jitter", 0), ("step_size", 0), ("seed", 0)):
            if not getattr(self, name) >= lowest:
                raise DreamError(f"{name} is {getattr(self, name)}: it cannot be less than {lowest}")
        if not self.octave_scale > 1:
            raise DreamError(f"octave_scale is {self.octave_scale}: it must be more than 1")


def dream(
    pixels: np.ndarray,
    backbone: Backbone,
    objective: Objective,
    settings: DreamSettings | None = None,
    *,
    checkpoint_dir: str | Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[Progress]:
    """Dreams about a picture.

    Args:
        pixels: float32 [height, width, 3], RGB in 0..1.
        backbone: the network that looks.
        objective: what to raise.
        settings: see `DreamSettings`.
        checkpoint_dir: where to keep the state; a run that finds its own state there goes on from it.
        save_seconds: time between two checkpoints.
        on_graph: called with the graph of one step.

    Yields:
        Progress with the picture so far; the last has the finished dream, of the shape of `pixels`.

    Raises:
        LayerError: unknown layer, or the picture is too small for it.
        NonFiniteLoss: the objective is no longer finite.
    """
    settings = settings or DreamSettings()
    for layer in objective.layers:
        backbone.check(layer, pixels.shape[:2])
    smallest = max(backbone.view(layer).smallest for layer in objective.layers)
    levels = octave_levels(pixels.shape[:2], settings, max(smallest, SMALLEST_SIDE))
    originals = [np.clip(resize(pixels, level.size), 0, 1) for level in levels]

    def optimise(number: int, picture: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
        start = originals[number]
        if picture is not None:
            start = start + resize(picture - originals[number - 1], levels[number].size)
        return improve(
            start,
            lambda variable: _loss(variable, backbone, objective, settings, number),
            keras.optimizers.SGD(float(settings.step_size)),
            levels[number].steps,
            steps_per_report=5,
            gradient_transform=normalize_mean_abs,
            save_seconds=save_seconds,
            checkpoint_dir=None if checkpoint_dir is None else Path(checkpoint_dir) / f"octave{number}",
            on_graph=on_graph if number == len(levels) - 1 else None,
        )

    return coarse_to_fine(levels, optimise, "octave")


def octave_levels(size: tuple[int, int], settings: DreamSettings, smallest: int = SMALLEST_SIDE) -> list[Level]:
    """The sizes of the octaves, smallest first; those with a side below `smallest` are left out."""
    factors = [settings.octave_scale**-number for number in range(settings.octaves)]
    sizes = [(round(size[0] * factor), round(size[1] * factor)) for factor in factors]
    kept = [sizes[0], *(size for size in sizes[1:] if min(size) >= smallest)]
    return [Level(height, width, settings.iterations) for height, width in reversed(kept)]


def _loss(
    picture: tf.Variable,
    backbone: Backbone,
    objective: Objective,
    settings: DreamSettings,
    octave: int,
) -> Loss:
    def loss(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        moved = jitter(picture, settings.jitter, settings.seed, step + octave * settings.iterations)
        value = objective.value(backbone(moved, objective.layers))
        return -value, {"objective": value}

    return loss
