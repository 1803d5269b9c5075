"""DeepDream: gradient ascent on what a network sees in a picture, from small octaves to the full size.

The algorithm of google/deepdream (Mordvintsev, Olah, Tyka 2015). Its step is in `step`, its octaves are in `octaves`.
"""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.deepdream.gradients import NORMALIZATIONS
from tfgraphs.deepdream.objectives import Objective, Terms
from tfgraphs.deepdream.octaves import PixelAscent, octave_levels, octave_start
from tfgraphs.deepdream.parameterizations import Pixels
from tfgraphs.deepdream.presets import load_objective
from tfgraphs.deepdream.rectifiers import layer_before_rectifier
from tfgraphs.deepdream.step import DreamStep
from tfgraphs.deepdream.tiles import TiledObjective
from tfgraphs.errors import TfgraphsError
from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.losses import LossFunction
from tfgraphs.optimize.pyramid import coarse_to_fine
from tfgraphs.optimize.reports import GRADIENT_NORM, Report
from tfgraphs.pictures.images import resize

_LOG = logging.getLogger(__name__)

SMALLEST_SIDE = 48  # of an octave; in smaller pictures, border effects dominate

_STEPS_PER_REPORT = 5
_LARGEST_FACTOR = 1e30  # step size without normalisation; products with it stay finite


class DreamError(TfgraphsError):
    """The settings of a dream are out of range or do not go together."""


class NoGradientError(DreamError):
    """The objective has no gradient anywhere in a picture, so that the dream is the picture."""


@dataclass(frozen=True)
class DreamSettings:
    """How a picture dreams.

    Attributes:
        steps: gradient steps, split evenly between the octaves; at least 1.
        optimizer: a Keras optimizer or its name.
        seed: of the random shifts, at least 0.
        tile_size: longest side in pixels of the tiles in which a picture is computed; 0 for no tiles.
        octaves: largest number of sizes; those with a side below 48 pixels, or too small for a layer, are left out.
        octave_scale: factor between octaves, more than 1.
        step_size: learning rate of an optimizer given by name, at least 0. For "sgd" it is the length of a step on the
            scale 0..1, at most 1, as `normalize` measures it: the mean change of a value for "mean_abs", the standard
            deviation of changes for "std", their root mean square in each level for "laplacian". For "none" it is a
            factor of the gradient.
        normalize: how gradients are normalised, one of `gradients.NORMALIZATIONS`.
        jitter: largest random shift in pixels.
        iterations: steps at each octave, instead of `steps`.

    Raises:
        DreamError: a value is out of range.
    """

    steps: int = 40
    optimizer: str | keras.optimizers.Optimizer = "sgd"
    seed: int = 0
    tile_size: int = 0
    octaves: int = 4
    octave_scale: float = 1.4
    step_size: float = 1.5 / 255
    normalize: str = "mean_abs"
    jitter: int = 32
    iterations: int | None = None

    def __post_init__(self) -> None:
        lowest = {"steps": 1, "iterations": 1, "octaves": 1, "jitter": 0, "step_size": 0, "tile_size": 0, "seed": 0}
        for name, least in lowest.items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise DreamError(f"{name} is {value}: it cannot be less than {least}")
        if not 1 < self.octave_scale < math.inf:
            raise DreamError(f"octave_scale is {self.octave_scale}: it must be a number more than 1")
        if self.normalize not in NORMALIZATIONS:
            raise DreamError(f"normalize is {self.normalize!r}: it is one of {', '.join(NORMALIZATIONS)}")
        largest = _LARGEST_FACTOR if self.normalize == "none" else 1
        if self.step_size > largest:
            raise DreamError(
                f"step_size is {self.step_size:g} on the scale 0..1: with {self.normalize} it is at most {largest:g}"
            )

    @property
    def most_steps(self) -> int:
        """Steps for a picture that has all octaves."""
        return self.steps if self.iterations is None else self.iterations * self.octaves


class Dreamer:
    """Dreams about pictures of any size with one graph; see `dream`.

    Args:
        objective, backbone, settings, on_graph: as of `dream`.

    Raises:
        LayerError: unknown layer.
        OptimizerError: Keras has no optimizer of this name.
        TileError: the objective cannot be computed in such tiles.
    """

    def __init__(
        self,
        objective: Objective,
        backbone: Backbone,
        settings: DreamSettings | None = None,
        on_graph: Callable[[tf.Graph], None] | None = None,
    ) -> None:
        self._objective, self._backbone = objective, backbone
        self._settings = settings or DreamSettings()
        self._smallest = smallest_octave(objective, backbone)
        tile_size = self._settings.tile_size
        self._tiles = TiledObjective(objective, backbone, tile_size) if tile_size else None
        self._mask = tf.Variable(tf.ones([1, 1, 1, 1]), shape=[1, None, None, 1], trainable=False)
        self._steps_before = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._full_size = tf.Variable([1, 1], trainable=False)
        step = DreamStep(
            objective, backbone, self._settings.normalize, self._settings.jitter, self._settings.seed, self._tiles
        )

        def loss(picture: Pixels) -> LossFunction:
            def loss(number: tf.Tensor) -> tuple[tf.Tensor, Terms]:
                return step.loss(picture.pictures(), number + self._steps_before, self._full_size)

            return loss

        self._ascent = PixelAscent(
            loss,
            self._settings.optimizer,
            float(self._settings.step_size),
            lambda gradient: step.direction(gradient) * self._mask,
            on_graph=on_graph,
        )

    def dream(
        self,
        pixels: np.ndarray,
        mask: np.ndarray | None = None,
        *,
        checkpoint_dir: str | Path | None = None,
        save_seconds: float = 30.0,
        report_every: int = 0,
        steps_before: int = 0,
    ) -> Iterator[Progress]:
        """Dreams about a picture; args, yields and raises as of `dream`.

        Args:
            report_every: yields progress at all multiples of this number of steps in any case; 0 for none.
            steps_before: steps of earlier pictures; the random shifts are those of the steps after them.
        """
        for layer in self._objective.layers:
            self._backbone.check(layer, pixels.shape[:2])
        if mask is not None and mask.shape != pixels.shape[:2]:
            raise DreamError(f"the mask has shape {mask.shape}, the picture {pixels.shape[:2]}: give them one size")
        settings = self._settings
        levels = octave_levels(
            pixels.shape[:2],
            settings.octaves,
            settings.octave_scale,
            self._smallest,
            settings.steps,
            settings.iterations,
        )
        masks = [None if mask is None else _resize_mask(mask, level.size) for level in levels]
        self._full_size.assign(pixels.shape[:2])

        def original(number: int) -> np.ndarray:
            return np.clip(resize(pixels, levels[number].size), 0, 1)

        def optimise(number: int, picture: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
            start, size = original(number), levels[number].size
            before = sum(level.steps for level in levels[:number])
            if picture is not None:
                start = octave_start(
                    picture,
                    original(number - 1),
                    start,
                    lambda detail: _mask_detail(resize(detail, size), masks[number - 1], masks[number]),
                )
            self._steps_before.assign(steps_before + before)
            own_mask = masks[number]
            self._mask.assign(tf.ones([1, 1, 1, 1]) if own_mask is None else own_mask[None])
            if self._tiles:
                _LOG.debug("%d x %d px in %d tiles", size[1], size[0], self._tiles.cover(*size))
            run = self._ascent.improve(
                start[None],
                levels[number].steps,
                steps_per_report=math.gcd(_STEPS_PER_REPORT, report_every, before)
                if report_every
                else _STEPS_PER_REPORT,
                save_seconds=save_seconds,
                checkpoint_dir=None if checkpoint_dir is None else Path(checkpoint_dir) / f"octave{number}",
            )
            return ((report, pictures[0]) for report, pictures in run)

        return self._check_gradient(coarse_to_fine(levels, optimise, "octave"), pixels)

    def _check_gradient(self, run: Iterator[Progress], pixels: np.ndarray) -> Iterator[Progress]:
        """Yields from a run, and raises NoGradientError at its end if all gradients were zero."""
        steepest, picture = 0.0, pixels
        for progress in run:
            assert progress.picture is not None
            picture = progress.picture
            steepest = max(steepest, progress.terms.get(GRADIENT_NORM, 0.0))  # a finished octave has none
            yield progress
        if not steepest and self._settings.step_size and np.array_equal(picture, np.clip(pixels, 0, 1)):
            layers = dict.fromkeys(term.layer for weight, term in self._objective.terms if weight)
            before = [name for layer in layers if (name := layer_before_rectifier(self._backbone, layer))]
            advice = f"try {', '.join(before)}, before the rectifier" if before else "choose another objective"
            raise NoGradientError(
                f"{self._objective.name} of {self._backbone.name} does not respond to this picture: {advice}"
            )


def dream(
    pixels: np.ndarray,
    objective: Objective | str | None = None,
    backbone: Backbone | str = "squeezenet",
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
        objective: what to maximise, also as text, see `objectives.parse`; by default `layer_l2` of a layer that shows
            objects.
        backbone: the network or its name.
        settings: see `DreamSettings`.
        mask: float32 [height, width] in 0..1, a factor of the gradient; None for 1.
        checkpoint_dir: folder for checkpoints; a run that finds its own there continues from it.
        save_seconds: time between two checkpoints.
        on_graph: called with each new graph of a step.

    Yields:
        Progress with the present picture; the last has the finished dream, of the shape of `pixels`.

    Raises:
        DreamError: the mask has another size than the picture.
        LayerError: unknown layer, or the picture is too small for it.
        NoGradientError: at the end, if all gradients were zero.
        NonFiniteLoss: the objective or the picture is no longer finite.
        OptimizerError: Keras has no optimizer of this name.
        TileError: the objective cannot be computed in such tiles.
    """
    dreamer = Dreamer(*load_objective(objective, backbone), settings, on_graph)
    return dreamer.dream(pixels, mask, checkpoint_dir=checkpoint_dir, save_seconds=save_seconds)


def smallest_octave(objective: Objective, backbone: Backbone) -> int:
    """Returns the shortest side of an octave in pixels."""
    return max(SMALLEST_SIDE, *(backbone.view(layer).smallest for layer in objective.layers))


def _resize_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the mask of an octave, [height, width, 1]."""
    return np.clip(resize(mask[..., None], size), 0, 1)


def _mask_detail(detail: np.ndarray, before: np.ndarray | None, mask: np.ndarray | None) -> np.ndarray:
    """Removes detail that resizing has spread over the edges of the mask.

    Args:
        detail: [height, width, 3], what the smaller octaves have added, enlarged.
        before: the mask of the smaller octave, [height, width, 1].
        mask: the mask of this octave; where it is 0, the result is 0.
    """
    if before is None or mask is None:
        return detail
    return detail * np.minimum(1, mask / np.maximum(_resize_mask(before[..., 0], mask.shape[:2]), 1e-6))
