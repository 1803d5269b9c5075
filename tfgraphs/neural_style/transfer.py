"""Neural style: a photograph painted in the manner of a picture.

Minimises over X, from noise,

    content_weight * content(X, photograph) + style(X, paintings) + variation_weight * variation(X)

first small, then at growing sizes that each start from the result before: broad strokes are laid out where they are
cheap, details are added where there is room for them.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.graphs.compiled import with_gradient
from tfgraphs.monitor.progress import Progress
from tfgraphs.neural_style.anchor import Anchor, temporal_error
from tfgraphs.neural_style.losses import total_variation
from tfgraphs.neural_style.regions import Region, Style, StyleError, regions
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.targets import SHIFTS, Targets
from tfgraphs.optimize.lbfgs import LBFGS
from tfgraphs.optimize.losses import LossFunction
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.optimize.pyramid import Canvas, Level, coarse_to_fine
from tfgraphs.optimize.reports import Report
from tfgraphs.pictures.images import fit, resize

SMALLEST_SIDE = 32  # of a picture, in pixels
COARSEST = 100  # longer side of the first scale, at least
SCALE_FACTOR = 1.5
ANCHORED_SCALES = 2  # the finest ones, where a frame of a film is painted that starts from the one before


class Painter:
    """Paints photographs in the manner of some paintings; graphs are made once for each size.

    Args:
        styles: the painting, float32 [height, width, 3], RGB in 0..1, of any size; or several with weights and masks.
        backbone: the network in whose activations pictures are compared.
        settings: see `StyleSettings`.
        keeps: whether graphs are kept for the next photograph, which uses them if it is of the same size.

    Raises:
        LayerError: unknown layer.
        StyleError: there is no choice of layers for this network.
    """

    def __init__(
        self,
        styles: np.ndarray | Sequence[Style],
        backbone: Backbone,
        settings: StyleSettings | None = None,
        keeps: bool = True,
    ) -> None:
        self._styles = [Style(styles)] if isinstance(styles, np.ndarray) else styles
        self._backbone, self._settings = backbone, settings or StyleSettings()
        self._settings.layers(backbone)
        self._scales: dict[tuple[object, ...], _Scale] = {}
        self._shape: tuple[int, ...] = ()
        self._keeps = keeps

    def paint(
        self,
        content: np.ndarray,
        *,
        steps: int | None = None,
        start: np.ndarray | None = None,
        anchor: Anchor | None = None,
        checkpoint_dir: str | Path | None = None,
        save_seconds: float = 30.0,
        on_graph: Callable[[tf.Graph], None] | None = None,
    ) -> Iterator[Progress]:
        """Paints a photograph; args, yields and raises as of `paint`. `steps` may be others than the settings'."""
        _check_sizes(content, self._styles, self._backbone, self._settings)
        places = regions(self._styles, content.shape[:2])
        if content.shape != self._shape:
            self._let_go()
            self._shape = content.shape
        steps = self._settings.steps if steps is None else steps
        levels = scale_levels(content.shape[:2], steps, ANCHORED_SCALES if anchor else None)
        if anchor is not None and start is None:
            start = anchor.picture

        def optimise(number: int, picture: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
            level = levels[number]
            scale = self._scale(number, level, places, anchor is not None)
            if on_graph is not None and number == len(levels) - 1:
                on_graph(scale.graph)
            if picture is None:
                picture = _noise(level.size, self._settings.seed) if start is None else start
            scale.show(content, anchor)
            return scale.improve(
                picture,
                save_seconds=save_seconds,
                checkpoint_dir=None if checkpoint_dir is None else Path(checkpoint_dir) / f"scale{number}",
            )

        return coarse_to_fine(levels, optimise, "scale")

    def _scale(self, number: int, level: Level, places: Sequence[Region], anchored: bool) -> "_Scale":
        key = (number, level, anchored)
        if key not in self._scales:
            if not self._keeps:
                self._let_go()
            self._scales[key] = _Scale(number, level, places, self._backbone, self._settings, anchored)
        return self._scales[key]

    def _let_go(self) -> None:
        """Frees the memory of all scales: as graphs know themselves, it would be taken until Python looks for such."""
        if self._scales:
            self._scales.clear()
            gc.collect()


def paint(
    content: np.ndarray,
    styles: np.ndarray | Sequence[Style],
    backbone: Backbone,
    settings: StyleSettings | None = None,
    *,
    start: np.ndarray | None = None,
    anchor: Anchor | None = None,
    checkpoint_dir: str | Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[Progress]:
    """Paints a photograph in the manner of a painting, or of several.

    Args:
        content: the photograph, float32 [height, width, 3], RGB in 0..1.
        styles: as of `Painter`.
        backbone: the network in whose activations they are compared.
        settings: see `StyleSettings`.
        start: what to begin with instead of noise, the same kind of array, of any size.
        anchor: for the frame of a film what holds it to the one before. It is where the painting starts, unless `start`
            says otherwise, and so the finest scales are enough.
        checkpoint_dir: where to keep the state; a run that finds its own state there goes on from it.
        save_seconds: time between two checkpoints.
        on_graph: called with the graph of one step.

    Yields:
        Progress with the picture so far; the last has the finished painting, of the shape of `content`.

    Raises:
        StyleError: a picture is too small, or a mask or weight makes no sense.
        LayerError: unknown layer, or a picture is too small for it.
        NonFiniteLoss: the loss is no longer finite.
        LBFGSError: the optimizer is L-BFGS, and SciPy is not installed.
        TileError: the picture cannot be looked at in such tiles.
    """
    return Painter(styles, backbone, settings, keeps=False).paint(
        content, start=start, anchor=anchor, checkpoint_dir=checkpoint_dir, save_seconds=save_seconds, on_graph=on_graph
    )


class _Scale:
    """The graph of one scale, for photographs of one size.

    Args:
        number: of the scale, so that each draws shifts of its own.
        level: its size and steps.
        places: which paintings go where, for photographs at their full size.
        anchored: whether anchors hold what is painted.

    Attributes:
        graph: of one step.
    """

    def __init__(
        self,
        number: int,
        level: Level,
        places: Sequence[Region],
        backbone: Backbone,
        settings: StyleSettings,
        anchored: bool,
    ) -> None:
        self._number, self._level, self._settings = number, level, settings
        self._targets = Targets(level.size, places, backbone, settings)
        self._anchor = None
        if anchored:
            self._anchor = [tf.Variable(tf.zeros([1, *level.size, depth]), trainable=False) for depth in (3, 1)]
        self._canvas = Canvas(self._loss, optimizer(settings, level.steps), level.size)
        self.graph = self._canvas.graph

    def show(self, content: np.ndarray, anchor: Anchor | None) -> None:
        """Brings the photograph, float32 [height, width, 3] of any size, and what holds it."""
        self._targets.show(resize(content, self._level.size))
        if self._anchor is not None:
            assert anchor is not None
            for variable, value in zip(self._anchor, anchor.at(self._level.size), strict=True):
                variable.assign(value)

    def improve(self, picture: np.ndarray, **options: Any) -> Iterator[tuple[Report, np.ndarray]]:
        """Paints on a picture of any size; options as of `Canvas.improve`, which it yields like."""
        return self._canvas.improve(np.clip(resize(picture, self._level.size), 0, 1), self._level.steps, **options)

    def _loss(self, picture: tf.Variable) -> LossFunction:
        _, variation_weight = self._settings.weights()
        # One program, as the differences by themselves would take the memory of three more pictures.
        variation = with_gradient(lambda pictures, _: (variation_weight * total_variation(*pictures), tf.zeros([])))

        def loss(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            shift = tf.random.stateless_uniform([], [self._settings.seed + self._number, step], 0, SHIFTS, tf.int32)
            terms = self._targets.terms(picture, step, shift)
            with tf.name_scope("variation"):
                terms["variation"], _ = variation([tf.convert_to_tensor(picture)], [])
            if self._anchor is not None:
                with tf.name_scope("temporal"):
                    terms["temporal"] = temporal_error(picture, *self._anchor)
            return tf.add_n(list(terms.values())), terms

        return loss


def _check_sizes(content: np.ndarray, styles: Sequence[Style], backbone: Backbone, settings: StyleSettings) -> None:
    content_layer, style_layers = settings.layers(backbone)
    for pixels in (content, *(style.pixels for style in styles)):
        height, width = pixels.shape[:2]
        if min(height, width) < SMALLEST_SIDE:
            raise StyleError(
                f"a picture of {width} x {height} px is too small: give at least {SMALLEST_SIDE} px a side"
            )
    backbone.check(content_layer, content.shape[:2])
    for style in styles:
        for layer in style_layers:
            backbone.check(layer, style.pixels.shape[:2])


def scale_levels(size: tuple[int, int], steps: int, most: int | None = None) -> list[Level]:
    """The sizes of the scales, smallest first, and the steps of each, about `steps` together.

    A scale is left out if its longer side would be below COARSEST or its shorter one below SMALLEST_SIDE, or if there
    would be more than `most`.
    """
    sizes = [size]
    while len(sizes) != most:
        smaller = fit(size, round(max(size) / SCALE_FACTOR ** len(sizes)))
        if max(smaller) < COARSEST or min(smaller) < SMALLEST_SIDE:
            break
        sizes.insert(0, smaller)
    shares = np.linspace(3, 1, len(sizes))
    return [
        Level(*size, max(1, round(steps * share))) for size, share in zip(sizes, shares / shares.sum(), strict=True)
    ]


def _noise(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.3, 0.7, (*size, 3)).astype(np.float32)


def optimizer(settings: StyleSettings, steps: int) -> keras.optimizers.Optimizer | LBFGS:
    """The optimizer of a scale.

    Raises:
        OptimizerError: Keras has no such optimizer.
    """
    if settings.optimizer.lower() == "lbfgs":
        return LBFGS()
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps, alpha=0.02)
    options = {"epsilon": 1e-14}  # gradients of mean errors are tiny, and the tinier the larger the picture
    if settings.optimizer.lower() == "adam":
        options["beta_2"] = 0.99
    return stock_optimizer(settings.optimizer, rate, **options)
