"""Neural style: paints a photograph in the style of a picture.

Minimises the loss of `style_loss` over the pixels of a picture that starts as noise: first a small one, then at growing
sizes, each of which starts from the result before. Broad strokes are made where they are cheap, details are added where
there is room for them.
"""

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgraphs import backbones
from tfgraphs.backbones import Backbone
from tfgraphs.graphs.scopes import scope
from tfgraphs.monitor.progress import Progress
from tfgraphs.neural_style.anchor import Anchor
from tfgraphs.neural_style.regions import Region, Style, check_size, regions
from tfgraphs.neural_style.scales import painted_size, scale_levels
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.shifts import draw_shift
from tfgraphs.neural_style.targets import Targets
from tfgraphs.optimize import lbfgs
from tfgraphs.optimize.losses import LossValue
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.optimize.pyramid import Canvas, Level, coarse_to_fine
from tfgraphs.optimize.reports import Report
from tfgraphs.pictures.colors import is_grey, luma
from tfgraphs.pictures.images import resize

ANCHORED_SCALES = 2  # the finest ones, at which a frame of a film is painted that starts from the one before
ANCHORED_RATE = 0.5  # share of the learning rate of pictures that start from a painted one: they change less
RATE_LEFT = 0.02  # share of the learning rate that is left at the end of a scale
ADAM = {"beta_2": 0.99, "epsilon": 1e-14}  # gradients of mean errors are tiny, and the tinier the larger the picture


class Painter:
    """Paints photographs in the style of some paintings. Graphs are built once for each size.

    Args:
        styles: the painting, float32 [height, width, 3], RGB in 0..1, of any size; or several with weights and masks.
        backbone: the network in whose activations pictures are compared. None: SqueezeNet with average pooling.
        settings: see `StyleSettings`.
        reuse_graphs: whether graphs are kept for the next photograph, which uses them if it has the same size.

    Raises:
        LayerError: unknown layer.
        StyleError: the settings name no layers, and there is no choice of layers for this network.
        OptimizerError: there is no such optimizer.
        LBFGSError: the optimizer is L-BFGS, and SciPy is not installed.
    """

    def __init__(
        self,
        styles: np.ndarray | Sequence[Style],
        backbone: Backbone | None = None,
        settings: StyleSettings | None = None,
        reuse_graphs: bool = True,
    ) -> None:
        self._styles = [Style(styles)] if isinstance(styles, np.ndarray) else styles
        self._backbone = backbone or backbones.load("squeezenet", "average")
        self._settings = settings or StyleSettings()
        self._settings.layers(self._backbone)
        self._settings.stride(self._backbone.name)
        scale_optimizer(self._settings, steps=1)  # an unknown one is refused now, not in the first step
        self._scales: dict[tuple[object, ...], tuple[Targets, Canvas]] = {}
        self._shape: tuple[int, ...] = ()
        self._reuse_graphs = reuse_graphs

    def paint(
        self,
        photograph: np.ndarray,
        *,
        steps: int | None = None,
        start: np.ndarray | None = None,
        anchor: Anchor | None = None,
        checkpoint_dir: str | Path | None = None,
        save_seconds: float = 30.0,
        on_graph: Callable[[tf.Graph], None] | None = None,
    ) -> Iterator[Progress]:
        """Paints a photograph.

        Args:
            photograph: float32 [height, width, 3], RGB in 0..1, of at least 32 px a side.
            steps: other than the settings'.
            start: what to start from instead of noise, an array of the same kind, of any size.
            anchor: what holds the frame of a film to the one before. Painting starts from it, unless `start` says
                otherwise, and so uses the finest scales only. What has not changed stays as it is there, and so the
                frame is painted in its own size, whatever the supersampling.
            checkpoint_dir: where to keep the state; a run that finds its own state there goes on from it.
            save_seconds: time between two checkpoints.
            on_graph: called with the graph of one step.

        Yields:
            Progress with the picture so far; the last one has the finished painting, of the shape of the photograph.

        Raises:
            StyleError: a picture is too small, or a mask or weight makes no sense.
            LayerError: a picture is too small for a layer.
            NonFiniteLoss: the loss is no longer finite.
            TileError: tiles of this size are too small.
        """
        self._check_sizes(photograph)
        places = regions(self._styles, photograph.shape[:2])
        if photograph.shape != self._shape:
            self._free_graphs()
            self._shape = photograph.shape
        steps = self._settings.steps if steps is None else steps
        size = photograph.shape[:2]
        supersamples = (1.0, math.inf) if anchor else self._settings.supersamples(self._backbone)
        height, width = painted_size(tf.constant(size), *supersamples).numpy().tolist()
        levels = scale_levels((height, width), steps, ANCHORED_SCALES if anchor else None)
        channels = 1 if self._is_grey(photograph) else 3
        if start is None and anchor is not None:
            start = anchor.picture
        noise = np.random.default_rng(self._settings.seed).uniform(0.3, 0.7, (*levels[0].size, 3))
        first = noise[..., :channels].astype(np.float32) if start is None else start
        if channels < first.shape[-1]:
            first = luma(first)[..., None]

        def optimise(number: int, picture: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
            level = levels[number]
            targets, canvas = self._scale(number, level, places, anchor is not None, channels, level.width / width)
            if on_graph is not None and number == len(levels) - 1:
                on_graph(canvas.graph)
            targets.set_photograph(photograph, anchor)
            folder = None if checkpoint_dir is None else Path(checkpoint_dir) / f"scale{number}"
            before = first if picture is None else picture[..., :channels]
            enlarged = np.clip(resize(before, level.size), 0, 1)[None]
            improved = canvas.improve(enlarged, level.steps, checkpoint_dir=folder, save_seconds=save_seconds)
            colored = ((report, painted.repeat(3 // channels, axis=-1)) for report, painted in improved)
            if anchor is not None:
                return ((report, targets.shown(painted)[0].numpy()) for report, painted in colored)
            shown = size if number == len(levels) - 1 else level.size
            return ((report, np.clip(resize(painted, shown), 0, 1)) for report, (painted,) in colored)

        return coarse_to_fine(levels, optimise, "scale")

    def _check_sizes(self, photograph: np.ndarray) -> None:
        content_layer, style_layers = self._settings.layers(self._backbone)
        for pixels in (photograph, *(style.pixels for style in self._styles)):
            check_size(pixels.shape[:2])
        self._backbone.check(content_layer, photograph.shape[:2])
        for style in self._styles:
            for layer in style_layers:
                self._backbone.check(layer, style.pixels.shape[:2])

    def _is_grey(self, photograph: np.ndarray) -> bool:
        pictures = (photograph, *(style.pixels for style in self._styles))
        return all(map(is_grey, pictures)) if self._settings.grey is None else self._settings.grey

    def _scale(
        self, number: int, level: Level, places: Sequence[Region], anchored: bool, channels: int, scale: float
    ) -> tuple[Targets, Canvas]:
        """The targets and the canvas of a scale, whose number makes it draw shifts of its own."""
        key = (number, level, anchored, channels, scale)
        if key not in self._scales:
            if not self._reuse_graphs:
                self._free_graphs()
            seed = self._settings.seed + number
            targets = Targets(level.size, places, self._backbone, self._settings, anchored, scale)

            def loss(picture: tf.Variable, step: tf.Tensor) -> LossValue:
                with scope("picture"):
                    colored = tf.convert_to_tensor(picture) if channels == 3 else tf.concat([picture] * 3, axis=-1)
                return targets.total(colored, step, draw_shift(seed, step))(step)

            optimizer = scale_optimizer(self._settings, level.steps, ANCHORED_RATE if anchored else 1.0)
            canvas = Canvas(loss, optimizer, [1, *level.size, channels])
            self._scales[key] = targets, canvas
        return self._scales[key]

    def _free_graphs(self) -> None:
        """Frees the memory of all scales at once. Graphs refer to themselves, so it takes the garbage collector."""
        if self._scales:
            self._scales.clear()
            gc.collect()


def paint(
    photograph: np.ndarray,
    styles: np.ndarray | Sequence[Style],
    backbone: Backbone | None = None,
    settings: StyleSettings | None = None,
    **options: Any,
) -> Iterator[Progress]:
    """Paints one photograph in the style of a painting, or of several.

    Args, yields, raises: as of `Painter` and `Painter.paint`.

    >>> *_, last = paint(photograph, painting)
    >>> last.picture.shape == photograph.shape
    True
    """
    return Painter(styles, backbone, settings, reuse_graphs=False).paint(photograph, **options)


def work_of_first_frame(size: tuple[int, int], steps: int, frame_steps: int) -> float:
    """How many times as much work the first frame of a film is as each other, which starts from the one before."""
    first, other = scale_levels(size, steps), scale_levels(size, frame_steps, ANCHORED_SCALES)
    return sum(level.work(level.steps) for level in first) / sum(level.work(level.steps) for level in other)


def scale_optimizer(
    settings: StyleSettings, steps: int, share: float = 1.0
) -> keras.optimizers.Optimizer | lbfgs.LBFGS:
    """The optimizer of a scale of so many steps, with a share of the learning rate."""
    if settings.optimizer_name == "lbfgs":
        lbfgs.import_scipy()
        return lbfgs.LBFGS()
    rate = keras.optimizers.schedules.CosineDecay(share * settings.learning_rate, steps, alpha=RATE_LEFT)
    options = ADAM if settings.optimizer_name == "adam" else {"epsilon": ADAM["epsilon"]}
    return stock_optimizer(settings.optimizer, rate, **options)
