"""DeepDream: a picture climbs the gradient of what a network sees in it, from small octaves to the full size.

The recipe of google/deepdream (Mordvintsev, Olah, Tyka 2015): at each octave the detail gained so far is enlarged
and added to the resampled original, so that the sharpness of the original is not lost; each step rolls the picture
by a random jitter, and moves it by step_size * g / mean|g|.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.deepdream.gradients import NORMALIZATIONS
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.tiles import TiledObjective
from tfgraphs.deepdream.transforms import jitter
from tfgraphs.errors import TfgraphsError
from tfgraphs.images import resize
from tfgraphs.minimize import Report
from tfgraphs.monitor import Progress
from tfgraphs.pyramid import Canvas, Level, coarse_to_fine

_LOG = logging.getLogger(__name__)

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
        step_size: length of a step on the scale 0..1, as `normalize` measures it: for "mean_abs" the mean change of a
            value, for "std" their deviation, for "laplacian" the root mean square change in each octave of
            frequencies, for "none" a factor of the gradient.
        normalize: how the gradient is scaled, one of `gradients.NORMALIZATIONS`.
        jitter: largest shift of a step in pixels.
        tile_size: longest side of the tiles in which the picture is looked at; 0 for the whole picture at once.
        seed: of the shifts.
    """

    octaves: int = 4
    octave_scale: float = 1.4
    iterations: int = 10
    step_size: float = 1.5 / 255
    normalize: str = "mean_abs"
    jitter: int = 32
    tile_size: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        lowest = {"octaves": 1, "iterations": 1, "jitter": 0, "step_size": 0, "tile_size": 0, "seed": 0}
        for name, least in lowest.items():
            if not getattr(self, name) >= least:
                raise DreamError(f"{name} is {getattr(self, name)}: it cannot be less than {least}")
        if not self.octave_scale > 1:
            raise DreamError(f"octave_scale is {self.octave_scale}: it must be more than 1")
        if self.normalize not in NORMALIZATIONS:
            raise DreamError(f"normalize is {self.normalize!r}: it is one of {', '.join(NORMALIZATIONS)}")


class Dreamer:
    """Dreams about pictures of any size with one graph.

    Args:
        backbone: the network that looks.
        objective: what to raise.
        settings: see `DreamSettings`.

    Attributes:
        graph: of one step.

    Raises:
        LayerError: unknown layer.
        TileError: the picture cannot be looked at in such tiles.
    """

    def __init__(self, backbone: Backbone, objective: Objective, settings: DreamSettings | None = None) -> None:
        self._backbone, self._objective = backbone, objective
        self._settings = settings or DreamSettings()
        views = [backbone.view(layer) for layer in objective.layers]
        self._smallest = max(view.smallest for view in views)
        self._tiles = (
            TiledObjective(backbone, objective, self._settings.tile_size) if self._settings.tile_size else None
        )
        self._mask = tf.Variable(tf.ones([1, 1, 1, 1]), shape=[1, None, None, 1], trainable=False)
        self._steps_before = tf.Variable(0, dtype=tf.int64, trainable=False)
        begun = time.monotonic()
        self._canvas = Canvas(
            self._loss, keras.optimizers.SGD(float(self._settings.step_size)), gradient_transform=self._direction
        )
        _LOG.debug("one graph for all octaves, made in %.1f s", time.monotonic() - begun)
        self.graph = self._canvas.graph

    def dream(
        self,
        pixels: np.ndarray,
        mask: np.ndarray | None = None,
        *,
        checkpoint_dir: str | Path | None = None,
        save_seconds: float = 30.0,
    ) -> Iterator[Progress]:
        """Dreams about a picture; args, yields and raises as of `dream`."""
        for layer in self._objective.layers:
            self._backbone.check(layer, pixels.shape[:2])
        if mask is not None and mask.shape != pixels.shape[:2]:
            raise DreamError(f"the mask has {mask.shape} pixels and the picture {pixels.shape[:2]}: give them one size")
        levels = octave_levels(pixels.shape[:2], self._settings, max(self._smallest, SMALLEST_SIDE))

        def original(number: int) -> np.ndarray:
            return np.clip(resize(pixels, levels[number].size), 0, 1)

        def optimise(number: int, picture: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
            start = original(number)
            if picture is not None:
                start = start + resize(picture - original(number - 1), levels[number].size)
            self._prepare(levels[number].size, number, mask)
            return self._canvas.improve(
                start,
                levels[number].steps,
                steps_per_report=5,
                save_seconds=save_seconds,
                checkpoint_dir=None if checkpoint_dir is None else Path(checkpoint_dir) / f"octave{number}",
            )

        return coarse_to_fine(levels, optimise, "octave")

    def _prepare(self, size: tuple[int, int], octave: int, mask: np.ndarray | None) -> None:
        """Brings what an octave needs besides its picture."""
        self._steps_before.assign(octave * self._settings.iterations)
        if mask is not None:
            self._mask.assign(np.clip(resize(mask[..., None], size), 0, 1)[None])
        else:
            self._mask.assign(tf.ones([1, 1, 1, 1]))
        if self._tiles:
            _LOG.debug("%d x %d px in %d tiles", size[1], size[0], self._tiles.lay(*size))

    def _loss(self, picture: tf.Variable) -> Callable[[tf.Tensor], tuple[tf.Tensor, dict[str, tf.Tensor]]]:
        def loss(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            moved = jitter(picture, self._settings.jitter, self._settings.seed, step + self._steps_before)
            if self._tiles:
                value, values = self._tiles.look(moved)
            else:
                values = self._objective.values(self._backbone(moved, self._objective.layers))
                value = tf.add_n(list(values.values()))
            return -value, {"objective": value, **(values if len(values) > 1 else {})}

        return loss

    def _direction(self, gradient: tf.Tensor) -> tf.Tensor:
        """The gradient as the optimizer gets it."""
        return NORMALIZATIONS[self._settings.normalize](gradient) * self._mask


def dream(
    pixels: np.ndarray,
    backbone: Backbone,
    objective: Objective,
    settings: DreamSettings | None = None,
    *,
    mask: np.ndarray | None = None,
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
        mask: float32 [height, width] in 0..1, where to dream and how much; None for everywhere.
        checkpoint_dir: where to keep the state; a run that finds its own state there goes on from it.
        save_seconds: time between two checkpoints.
        on_graph: called with the graph of one step.

    Yields:
        Progress with the picture so far; the last has the finished dream, of the shape of `pixels`.

    Raises:
        DreamError: the mask has another size than the picture.
        LayerError: unknown layer, or the picture is too small for it.
        NonFiniteLoss: the objective is no longer finite.
        TileError: the picture cannot be looked at in such tiles.
    """
    dreamer = Dreamer(backbone, objective, settings)
    if on_graph is not None:
        on_graph(dreamer.graph)
    return dreamer.dream(pixels, mask, checkpoint_dir=checkpoint_dir, save_seconds=save_seconds)


def octave_levels(size: tuple[int, int], settings: DreamSettings, smallest: int = SMALLEST_SIDE) -> list[Level]:
    """The sizes of the octaves, smallest first; those with a side below `smallest` are left out."""
    factors = [settings.octave_scale**-number for number in range(settings.octaves)]
    sizes = [(round(size[0] * factor), round(size[1] * factor)) for factor in factors]
    kept = [sizes[0], *(size for size in sizes[1:] if min(size) >= smallest)]
    return [Level(height, width, settings.iterations) for height, width in reversed(kept)]
