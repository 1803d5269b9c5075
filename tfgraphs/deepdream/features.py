"""What excites a unit: pictures from noise, in several styles.

    *_, last = visualize(backbone, channel("mixed4d_3x3_bottleneck_pre_relu", 139), FeatureSettings("fourier"))

    naive         steps along the gradient of the pixels, all frequencies as they come
    multiscale    the same from small to large, so that there are large forms, too
    laplacian     the same with gradients that are as strong in each octave of frequencies: smooth
    fourier       frequencies and independent colours, seen shifted, turned and scaled: as in "Feature Visualization"
    maco          only the phases of frequencies, seen through windows: as natural as it gets

The first three are those of TensorFlow's DeepDream tutorial (Mordvintsev 2015); of the others see `parameterizations`.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.deepdream import transforms
from tfgraphs.deepdream.gradients import laplacian, std
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.parameterizations import Fourier, Maco, Pixels
from tfgraphs.deepdream.sight import Sight
from tfgraphs.deepdream.transforms import Transform
from tfgraphs.errors import TfgraphsError
from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.minimize import Minimization, minimize
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.optimize.pyramid import coarse_to_fine, octaves
from tfgraphs.optimize.reports import Report
from tfgraphs.pictures.images import resize


class FeatureError(TfgraphsError):
    """The settings of a visualization do not make sense."""


class DeadUnitError(TfgraphsError):
    """Nothing in the picture makes a difference to the unit."""


@dataclass(frozen=True)
class Style:
    """What a style leaves open and settings may change.

    Attributes:
        steps: to take, at each size.
        step_size: of the pixel styles: on the scale 0..1, the deviation of a step, of "laplacian" in each octave of
            frequencies; of the others: the learning rate of Adam.
        octaves: sizes from the smallest to the full one.
        views: how many random views of each picture a step looks at.
        decay: of "fourier", how much more coarse waves change than fine ones.
    """

    steps: int
    step_size: float
    octaves: int = 1
    views: int = 1
    decay: float = 1.0


STYLES = {
    "naive": Style(steps=20, step_size=1 / 255),
    "multiscale": Style(steps=20, step_size=1 / 255, octaves=3),
    "laplacian": Style(steps=20, step_size=1 / 255, octaves=3),
    "fourier": Style(steps=256, step_size=0.05, decay=0.8),
    "maco": Style(steps=256, step_size=0.1, views=2),
}
PIXEL_STYLES = ("naive", "multiscale", "laplacian")

_GREY = 100  # of 255
_EPSILON = 1e-12  # of Adam: how fine waves change has nothing to do with how weak their gradients are


@dataclass(frozen=True)
class FeatureSettings:
    """How units are visualized.

    Attributes:
        style: one of `STYLES`.
        size: height and width in pixels.
        batch: number of pictures.
        steps, step_size, octaves, views, decay: see `Style`; None for that of the style.
        octave_scale: factor from one size to the next, more than 1.
        alpha: whether the pictures are transparent where nothing excites the unit; for the style "fourier".
        diversity: how much more the pictures of a batch shall differ, as a share of the objective; 0 for as they come.
        robust: whether pictures are moved, turned and scaled a little before each look at them.
        seed: of the start and of all that is random on the way.
    """

    style: str = "fourier"
    size: tuple[int, int] = (224, 224)
    batch: int = 1
    steps: int | None = None
    step_size: float | None = None
    octaves: int | None = None
    views: int | None = None
    decay: float | None = None
    octave_scale: float = 1.4
    alpha: bool = False
    diversity: float = 0.0
    robust: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise FeatureError(f"style is {self.style!r}: it is one of {', '.join(STYLES)}")
        lowest = {"batch": 1, "steps": 1, "step_size": 0, "octaves": 1, "views": 1, "decay": 0, "diversity": 0}
        for name, least in {**lowest, "seed": 0}.items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise FeatureError(f"{name} is {value}: it cannot be less than {least}")
            if value == math.inf:
                raise FeatureError(f"{name} is {value}: give a number")
        if len(self.size) != 2 or not min(self.size) >= 1:
            raise FeatureError(f"size is {self.size}: give height and width, both at least 1")
        if not 1 < self.octave_scale < math.inf:
            raise FeatureError(f"octave_scale is {self.octave_scale}: it must be more than 1")
        if self.alpha and self.style != "fourier":
            raise FeatureError(f"alpha is for the style fourier, and not for {self.style}")
        if self.diversity and self.batch == 1:
            raise FeatureError("diversity is between the pictures of a batch: give a batch of at least 2")

    @property
    def of_style(self) -> Style:
        """What the style leaves open, as it is set here."""
        given = {name: getattr(self, name) for name in ("steps", "step_size", "octaves", "views", "decay")}
        return replace(STYLES[self.style], **{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class FeatureProgress(Progress):
    """How far a visualization has come; `picture` is the first of the pictures.

    Attributes:
        pictures: as they are now, float32 [batch, height, width, 3] in 0..1.
        alpha: their opacity, float32 [batch, height, width] in 0..1, if they have one.
        dead: numbers of those pictures of the batch whose units do not respond to anything in them.
    """

    pictures: np.ndarray | None = None
    alpha: np.ndarray | None = None
    dead: tuple[int, ...] = ()


def visualize(
    backbone: Backbone,
    objective: Objective,
    settings: FeatureSettings | None = None,
    *,
    checkpoint_dir: str | Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[FeatureProgress]:
    """Makes pictures that raise an objective, from noise.

    Args:
        backbone: the network.
        objective: what to raise.
        settings: see `FeatureSettings`.
        checkpoint_dir: where to keep the state; a run that finds its own state there goes on from it.
        save_seconds: time between two checkpoints.
        on_graph: called with the graph of one step.

    Yields:
        Progress with the pictures so far; the last has the finished ones.

    Raises:
        DeadUnitError: no picture would change, as nothing in them excites their units.
        LayerError: unknown layer, or the pictures are too small for it.
        NonFiniteLoss: the objective is no longer finite.
    """
    settings = settings or FeatureSettings()
    for layer in objective.layers:
        backbone.check(layer, settings.size)
    sight = Sight(
        backbone,
        objective,
        _movement(settings),
        settings.of_style.views,
        settings.diversity,
        settings.seed,
        settings.size,
    )
    run = _climb if settings.style in PIXEL_STYLES else _tune
    return run(sight, settings, checkpoint_dir, save_seconds, on_graph)


def _tune(
    sight: Sight,
    settings: FeatureSettings,
    checkpoint_dir: str | Path | None,
    save_seconds: float,
    on_graph: Callable[[tf.Graph], None] | None,
) -> Iterator[FeatureProgress]:
    """Optimises frequencies with Adam."""
    size, style = settings.size, settings.of_style
    form = (
        Maco(size, settings.batch, seed=settings.seed)
        if settings.style == "maco"
        else Fourier(size, settings.batch, decay=style.decay, alpha=settings.alpha, seed=settings.seed)
    )
    dead = _dead(sight, form.pictures())
    reports = minimize(
        sight.loss(form),
        form.variables,
        stock_optimizer("adam", float(style.step_size), epsilon=_EPSILON),
        style.steps,
        steps_per_report=8,
        checkpoint_dir=checkpoint_dir,
        save_seconds=save_seconds,
        on_graph=on_graph,
    )
    for report in reports:
        pictures, alpha = form.pictures().numpy(), form.alpha()
        yield FeatureProgress(
            report.step,
            f"{settings.style}, {size[1]} x {size[0]}",
            report.step / report.steps,
            report.loss,
            report.terms,
            pictures[0],
            pictures=pictures,
            alpha=None if alpha is None else alpha.numpy()[..., 0],
            dead=dead,
        )


def _climb(
    sight: Sight,
    settings: FeatureSettings,
    checkpoint_dir: str | Path | None,
    save_seconds: float,
    on_graph: Callable[[tf.Graph], None] | None,
) -> Iterator[FeatureProgress]:
    """Moves pixels along their gradients, at one size after the other."""
    style = settings.of_style
    levels = octaves(settings.size, style.octaves, settings.octave_scale, style.steps, sight.smallest)
    canvas = Pixels(_noise(levels[0].size, settings))
    steps_before = tf.Variable(0, dtype=tf.int64, trainable=False)
    minimization = Minimization(
        sight.loss(canvas, steps_before),
        canvas.variables,
        stock_optimizer("sgd", float(style.step_size)),
        gradient_transform=laplacian if settings.style == "laplacian" else std,
        projection=lambda pictures: tf.clip_by_value(pictures, 0.0, 1.0),
    )
    if on_graph is not None:
        on_graph(minimization.graph)
    dead = _dead(sight, canvas.pictures())

    def optimise(number: int, pictures: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
        if pictures is not None:
            canvas.variables[0].assign(np.stack([resize(picture, levels[number].size) for picture in pictures]))
        steps_before.assign(number * style.steps)
        for report in minimization.run(
            levels[number].steps,
            steps_per_report=5,
            checkpoint_dir=None if checkpoint_dir is None else Path(checkpoint_dir) / f"octave{number}",
            save_seconds=save_seconds,
        ):
            yield report, canvas.pictures().numpy()

    for progress in coarse_to_fine(levels, optimise, "octave"):
        assert progress.picture is not None
        shown = contrasted(progress.picture)
        yield FeatureProgress(**{**vars(progress), "picture": shown[0]}, pictures=shown, dead=dead)


def contrasted(pictures: np.ndarray, deviation: float = 0.1) -> np.ndarray:
    """Each of [batch, height, width, 3] about grey, with the same contrast: as the tutorial shows its pictures."""
    pictures = pictures - pictures.mean(axis=(1, 2, 3), keepdims=True)
    scale = deviation / np.maximum(pictures.std(axis=(1, 2, 3), keepdims=True), 1e-4)
    return np.clip(pictures * scale + 0.5, 0, 1)


def _dead(sight: Sight, pictures: tf.Tensor) -> tuple[int, ...]:
    """The numbers of pictures at the start in which nothing would change anything.

    Raises:
        DeadUnitError: that is so of all.
    """
    dead = tuple(int(number) for number in np.flatnonzero(sight.influence(pictures) == 0))
    if len(dead) == pictures.shape[0]:
        names = " and ".join(dict.fromkeys(term.name for _, term in sight.objective.terms))
        raise DeadUnitError(
            f"{names} of {sight.backbone.name} stays as it is whatever is changed in the picture: the unit is dead; "
            "choose another one, or another seed"
        )
    return dead


def _noise(size: tuple[int, int], settings: FeatureSettings) -> np.ndarray:
    """Dark grey with noise that nobody sees."""
    shape = [settings.batch, *size, 3]
    return (_GREY + tf.random.stateless_uniform(shape, [settings.seed, 0]).numpy()) / 255


def _movement(settings: FeatureSettings) -> Transform:
    """How the pictures of a style are moved before each look at them."""
    if not settings.robust or settings.style == "naive":
        return transforms.compose([])
    if settings.style == "fourier":
        return transforms.compose(
            [
                transforms.pad(12),
                transforms.random_crop(16),
                transforms.random_scale(0.8, 1.05),
                transforms.random_rotate(6),
                transforms.random_crop(8),
            ]
        )
    if settings.style == "maco":
        return transforms.compose([transforms.random_window(0.5, 1.0), transforms.noise(0.05)])
    return transforms.random_roll
