"""DeepDream: gradient ascent on what a network sees in a picture, from small octaves to the full size.

The algorithm of google/deepdream (Mordvintsev, Olah, Tyka 2015). Its step is in `step`, its octaves are in `octaves`.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.deepdream.feature_loss import layer_before_rectifier
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.octaves import PixelAscent, octave_levels, octave_start
from tfgraphs.deepdream.presets import load_objective
from tfgraphs.deepdream.settings import DreamError, DreamSettings, NoGradientError
from tfgraphs.deepdream.step import DreamStep
from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.reports import GRADIENT_NORM
from tfgraphs.pictures.images import resize

_LOG = logging.getLogger(__name__)

SMALLEST_SIDE = 48  # of an octave; in smaller pictures, border effects dominate


class Dreamer:
    """Dreams about pictures of any size with one graph; args and raises as of `dream`."""

    def __init__(
        self,
        objective: Objective,
        backbone: Backbone,
        settings: DreamSettings | None = None,
        on_graph: Callable[[tf.Graph], None] | None = None,
    ) -> None:
        self._objective, self._backbone = objective, backbone
        self._settings = settings = settings or DreamSettings()
        self._smallest = smallest_octave(objective, backbone)
        self._mask = tf.Variable(tf.ones([1, 1, 1, 1]), shape=[1, None, None, 1], trainable=False, name="mask")
        self._full_size = tf.Variable([1, 1], trainable=False, name="full_size")
        self._grey = tf.Variable(False, trainable=False, name="grey")
        self._step = step = DreamStep(objective, backbone, settings)
        self._ascent = PixelAscent(
            lambda pictures, number: step.loss(pictures, number, self._full_size),
            settings.optimizer,
            float(settings.step_size),
            lambda gradient: step.direction(gradient, self._grey) * self._mask,
            on_graph=on_graph,
        )

    def nearest_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Returns the size of pictures that the network takes, see `Backbone.nearest_size`."""
        return self._backbone.nearest_size(self._objective.layers, size)

    def dream(self, pixels: np.ndarray, mask: np.ndarray | None = None, **options: Any) -> Iterator[Progress]:
        """Dreams about a picture; args, yields and raises as of `dream`, options as of `PixelAscent.ascend`."""
        settings, size = self._settings, pixels.shape[:2]
        for layer in self._objective.layers:
            self._backbone.check(layer, size)
        if mask is not None and mask.shape != size:
            raise DreamError(f"the mask has shape {mask.shape}, the picture {size}: give them one size")
        levels = octave_levels(
            size, settings.octaves, settings.octave_scale, self._smallest, settings.steps, settings.iterations
        )
        masks = None if mask is None else [_resize_mask(mask, level.size) for level in levels]
        self._full_size.assign(size)
        self._grey.assign(self._step.is_grey(pixels))

        def original(number: int) -> np.ndarray:
            return np.clip(resize(pixels, levels[number].size), 0, 1)

        def enlarge(detail: np.ndarray, number: int) -> np.ndarray:
            detail = resize(detail, levels[number].size)
            if masks is None:
                return detail
            before = _resize_mask(masks[number - 1][..., 0], levels[number].size)
            return detail * np.minimum(1, masks[number] / np.maximum(before, 1e-6))  # none beyond the edges of the mask

        def start(number: int, pictures: np.ndarray | None) -> np.ndarray:
            height, width = levels[number].size
            self._mask.assign(tf.ones([1, 1, 1, 1]) if masks is None else masks[number][None])
            if self._step.tiles:
                _LOG.debug("%d x %d px in %d tiles", width, height, self._step.tiles.cover(height, width))
            if pictures is None:
                return original(number)[None]
            smaller, larger = original(number - 1), original(number)
            return octave_start(pictures[0], smaller, larger, lambda detail: enlarge(detail, number))[None]

        return self._check_gradient(self._ascent.ascend(levels, start, **options), pixels)

    def _check_gradient(self, run: Iterator[Progress], pixels: np.ndarray) -> Iterator[Progress]:
        """Yields the single picture of a run, and raises NoGradientError at its end if all gradients were zero."""
        steepest, picture = 0.0, pixels
        for progress in run:
            assert progress.picture is not None
            picture = progress.picture[0]
            steepest = max(steepest, progress.terms.get(GRADIENT_NORM, 0.0))  # a finished octave has none
            yield replace(progress, picture=picture)
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
    on_graph: Callable[[tf.Graph], None] | None = None,
    **options: Any,
) -> Iterator[Progress]:
    """Dreams about a picture.

    Args:
        pixels: float32 [height, width, 3], RGB in 0..1.
        objective: what to maximise, also as text, see `objectives.parse`; by default `presets.default_objective`,
            which shows objects.
        backbone: the network or its name.
        settings: see `DreamSettings`.
        mask: float32 [height, width] in 0..1, a factor of the gradient; None for 1.
        on_graph: called with each new graph of a step.
        options: `checkpoint_dir` and `save_seconds` of `minimize`.

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
    return Dreamer(*load_objective(objective, backbone), settings, on_graph).dream(pixels, mask, **options)


def smallest_octave(objective: Objective, backbone: Backbone) -> int:
    """Returns the shortest side of an octave in pixels."""
    return max(SMALLEST_SIDE, *(backbone.view(layer).smallest for layer in objective.layers))


def _resize_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the mask of an octave, [height, width, 1]."""
    return np.clip(resize(mask[..., None], size), 0, 1)
