"""DeepDream: a picture climbs the gradient of what a network sees in it, from small octaves to the full size.

The recipe of google/deepdream (Mordvintsev, Olah, Tyka 2015): at each octave the detail gained so far is enlarged
and added to the resampled original, so that the sharpness of the original is not lost; each step rolls the picture
by a random jitter, and moves it by step_size * g / mean|g|.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.deepdream.gradients import NORMALIZATIONS
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.rectifiers import twin_of
from tfgraphs.deepdream.tiles import TiledObjective
from tfgraphs.deepdream.transforms import jitter
from tfgraphs.errors import TfgraphsError
from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.optimize.pyramid import Canvas, coarse_to_fine, octaves
from tfgraphs.optimize.reports import GRADIENT_NORM, Report
from tfgraphs.pictures.images import resize

_LOG = logging.getLogger(__name__)

SMALLEST_SIDE = 48  # below, a network sees nothing but its own border

_STEPS_PER_REPORT = 5
_LONGEST_FACTOR = 1e30  # of a gradient as it is, so that products with it are numbers still


class DreamError(TfgraphsError):
    """The settings of a dream do not make sense."""


class UnmovedError(DreamError):
    """The objective has no gradient anywhere in a picture, which so stays as it is."""


@dataclass(frozen=True)
class DreamSettings:
    """How a picture dreams.

    Attributes:
        octaves: sizes from the smallest to the full one.
        octave_scale: factor from one size to the next, more than 1.
        iterations: steps at each size.
        step_size: length of a step on the scale 0..1, as `normalize` measures it: for "mean_abs" the mean change of a
            value, for "std" their deviation, for "laplacian" the root mean square change in each octave of
            frequencies, for "none" a factor of the gradient. But for "none" at most 1.
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
        if not 1 < self.octave_scale < math.inf:
            raise DreamError(f"octave_scale is {self.octave_scale}: it must be a number more than 1")
        if self.normalize not in NORMALIZATIONS:
            raise DreamError(f"normalize is {self.normalize!r}: it is one of {', '.join(NORMALIZATIONS)}")
        most = _LONGEST_FACTOR if self.normalize == "none" else 1
        if self.step_size > most:
            raise DreamError(
                f"step_size is {self.step_size:g} on the scale 0..1: with {self.normalize} it is at most {most:g}"
            )


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
        self._full_size = tf.Variable([1, 1], trainable=False)
        begun = time.monotonic()
        self._canvas = Canvas(
            self._loss, stock_optimizer("sgd", float(self._settings.step_size)), gradient_transform=self._direction
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
        every: int = 0,
        steps_before: int = 0,
    ) -> Iterator[Progress]:
        """Dreams about a picture; args, yields and raises as of `dream`.

        Args:
            every: number of steps at the multiples of which there is a progress in any case; 0 for none such.
            steps_before: that earlier pictures took: the shifts are those of the steps after them.
        """
        for layer in self._objective.layers:
            self._backbone.check(layer, pixels.shape[:2])
        if mask is not None and mask.shape != pixels.shape[:2]:
            raise DreamError(f"the mask has {mask.shape} pixels and the picture {pixels.shape[:2]}: give them one size")
        asked = self._settings
        smallest = max(self._smallest, SMALLEST_SIDE)
        levels = octaves(pixels.shape[:2], asked.octaves, asked.octave_scale, asked.iterations, smallest)
        masks = [None if mask is None else _resized_mask(mask, level.size) for level in levels]
        self._full_size.assign(pixels.shape[:2])

        def original(number: int) -> np.ndarray:
            return np.clip(resize(pixels, levels[number].size), 0, 1)

        def optimise(number: int, picture: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
            start = original(number)
            if picture is not None:
                detail = resize(picture - original(number - 1), levels[number].size)
                start = start + _kept_inside(detail, masks[number - 1], masks[number])
            self._prepare(levels[number].size, steps_before + number * asked.iterations, masks[number])
            return self._canvas.improve(
                start,
                levels[number].steps,
                steps_per_report=math.gcd(_STEPS_PER_REPORT, every, asked.iterations) if every else _STEPS_PER_REPORT,
                save_seconds=save_seconds,
                checkpoint_dir=None if checkpoint_dir is None else Path(checkpoint_dir) / f"octave{number}",
            )

        return self._moving(coarse_to_fine(levels, optimise, "octave"), pixels)

    def _moving(self, run: Iterator[Progress], pixels: np.ndarray) -> Iterator[Progress]:
        """The run as it is, and an UnmovedError at its end if there never was a gradient."""
        steepest, picture = 0.0, pixels
        for progress in run:
            assert progress.picture is not None
            picture = progress.picture
            steepest = max(steepest, progress.terms.get(GRADIENT_NORM, 0.0))  # a finished octave tells none
            yield progress
        if not steepest and self._settings.step_size and np.array_equal(picture, np.clip(pixels, 0, 1)):
            layers = dict.fromkeys(term.layer for weight, term in self._objective.terms if weight)
            twins = [twin for layer in layers if (twin := twin_of(self._backbone, layer))]
            advice = f"what comes before the rectifier may: {', '.join(twins)}" if twins else "choose another objective"
            names = " and ".join(dict.fromkeys(term.name for _, term in self._objective.terms))
            raise UnmovedError(
                f"{names} of {self._backbone.name} does not respond to this picture, which stays as it is: {advice}"
            )

    def _prepare(self, size: tuple[int, int], steps_before: int, mask: np.ndarray | None) -> None:
        """Brings what an octave needs besides its picture."""
        self._steps_before.assign(steps_before)
        self._mask.assign(tf.ones([1, 1, 1, 1]) if mask is None else mask[None])
        if self._tiles:
            _LOG.debug("%d x %d px in %d tiles", size[1], size[0], self._tiles.lay(*size))

    def _loss(self, picture: tf.Variable) -> Callable[[tf.Tensor], tuple[tf.Tensor, dict[str, tf.Tensor]]]:
        def loss(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            moved = jitter(picture, self._settings.jitter, self._settings.seed, step + self._steps_before)
            if self._tiles:
                value, values = self._tiles.look(moved)
            else:
                scale = tf.shape(picture)[1:3] / self._full_size
                values = self._objective.at(scale).values(self._backbone(moved, self._objective.layers))
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
        NonFiniteLoss: the objective or the picture is no longer finite.
        TileError: the picture cannot be looked at in such tiles.
        UnmovedError: at the end, if the objective never had a gradient: the dream is the picture itself.
    """
    dreamer = Dreamer(backbone, objective, settings)
    if on_graph is not None:
        on_graph(dreamer.graph)
    return dreamer.dream(pixels, mask, checkpoint_dir=checkpoint_dir, save_seconds=save_seconds)


def _resized_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[height, width, 1] of an octave."""
    return np.clip(resize(mask[..., None], size), 0, 1)


def _kept_inside(detail: np.ndarray, before: np.ndarray | None, mask: np.ndarray | None) -> np.ndarray:
    """Enlarged detail, without what the enlarging spread over the edges of the mask.

    Args:
        detail: [height, width, 3], what the smaller octaves have added, as much as their mask let them.
        before: the mask of the smaller octave.
        mask: [height, width, 1]; where it is 0 no detail is left.
    """
    if before is None or mask is None:
        return detail
    spread = _resized_mask(before[..., 0], mask.shape[:2])
    return detail * np.minimum(1, mask / np.maximum(spread, 1e-6))
