"""Feature visualization: pictures that excite a unit, from noise, in several styles.

    settings = FeatureSettings(style="fourier")
    *_, last = visualize_feature(channel("mixed4d_3x3_bottleneck_pre_relu", 139), network, settings)

naive         gradient ascent on pixels
multiscale    the same from small to large sizes, for larger forms
laplacian     the same with `gradients.laplacian`: smooth
fourier       Adam on the Fourier spectrum, with jitter, rotation and scaling: as in "Feature Visualization" (2017)
maco          Adam on the phases of the spectrum, with random windows: the most natural pictures

The first three are those of TensorFlow's DeepDream tutorial (Mordvintsev 2015); of the others see `parameterizations`.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.deepdream import transforms
from tfgraphs.deepdream.feature_loss import FeatureLoss
from tfgraphs.deepdream.gradients import laplacian, std
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.octaves import PixelAscent, octave_levels
from tfgraphs.deepdream.parameterizations import Fourier, Maco
from tfgraphs.deepdream.presets import load_objective
from tfgraphs.deepdream.rendering import RenderProgress, render
from tfgraphs.errors import TfgraphsError
from tfgraphs.optimize.pyramid import coarse_to_fine
from tfgraphs.optimize.reports import Report
from tfgraphs.pictures.images import resize


class FeatureError(TfgraphsError):
    """The settings of a visualization are out of range or do not go together."""


@dataclass(frozen=True)
class Style:
    """The defaults of a style.

    Attributes:
        steps: gradient steps, over all octaves.
        step_size: of the pixel styles: on the scale 0..1, the standard deviation of a step, for "laplacian" the root
            mean square in each level; of the others: the learning rate.
        optimizer: a Keras optimizer or its name.
        octaves: number of sizes.
        views: differently transformed views of each picture in each step.
        decay: of `Fourier`.
    """

    steps: int
    step_size: float
    optimizer: str | keras.optimizers.Optimizer = "sgd"
    octaves: int = 1
    views: int = 1
    decay: float = 1.0


STYLES = {
    "naive": Style(steps=20, step_size=1 / 255),
    "multiscale": Style(steps=60, step_size=1 / 255, octaves=3),
    "laplacian": Style(steps=60, step_size=1 / 255, octaves=3),
    "fourier": Style(steps=256, step_size=0.05, optimizer="adam", decay=0.8),
    "maco": Style(steps=256, step_size=0.1, optimizer="adam", views=2),
}
PIXEL_STYLES = ("naive", "multiscale", "laplacian")

_GREY = 100  # of 255
_STEPS_PER_REPORT = 5


@dataclass(frozen=True)
class FeatureSettings:
    """How features are visualized.

    Attributes:
        steps: gradient steps, over all octaves; by default those of the style.
        optimizer: a Keras optimizer or its name; by default that of the style.
        seed: of the first picture and all random transforms, at least 0.
        style: one of `STYLES`.
        size: height and width in pixels.
        batch: number of pictures.
        step_size, octaves, views, decay: see `Style`; by default those of the style.
        octave_scale: factor between octaves, more than 1.
        alpha: whether pictures have an opacity; for the style "fourier".
        diversity: weight of the differences between the pictures of a batch, relative to the objective.
        robust: whether pictures are transformed before the network sees them.

    Raises:
        FeatureError: a value is out of range, or two do not go together.
    """

    steps: int | None = None
    optimizer: str | keras.optimizers.Optimizer | None = None
    seed: int = 0
    style: str = "fourier"
    size: tuple[int, int] = (224, 224)
    batch: int = 1
    step_size: float | None = None
    octaves: int | None = None
    views: int | None = None
    decay: float | None = None
    octave_scale: float = 1.4
    alpha: bool = False
    diversity: float = 0.0
    robust: bool = True

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise FeatureError(f"style is {self.style!r}: it is one of {', '.join(STYLES)}")
        lowest = {"batch": 1, "steps": 1, "step_size": 0, "octaves": 1, "views": 1, "decay": 0, "diversity": 0}
        for name, least in {**lowest, "seed": 0}.items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise FeatureError(f"{name} is {value}: it cannot be less than {least}")
            if value == math.inf:
                raise FeatureError(f"{name} is {value}: it must be finite")
        if len(self.size) != 2 or not min(self.size) >= 1:
            raise FeatureError(f"size is {self.size}: give height and width, both at least 1")
        if not 1 < self.octave_scale < math.inf:
            raise FeatureError(f"octave_scale is {self.octave_scale}: it must be more than 1")
        if self.alpha and self.style != "fourier":
            raise FeatureError(f"alpha is for the style fourier, not for {self.style}")
        if self.diversity and self.batch == 1:
            raise FeatureError("diversity is between the pictures of a batch: give a batch of at least 2")

    @property
    def of_style(self) -> Style:
        """The style with the values that are set here."""
        names = ("steps", "step_size", "optimizer", "octaves", "views", "decay")
        given = {name: getattr(self, name) for name in names}
        return replace(STYLES[self.style], **{name: value for name, value in given.items() if value is not None})


def visualize_feature(
    objective: Objective | str,
    backbone: Backbone | str = "squeezenet",
    settings: FeatureSettings | None = None,
    *,
    checkpoint_dir: str | Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[RenderProgress]:
    """Makes pictures that maximise an objective, from noise.

    Args:
        objective: what to maximise, also as text, see `objectives.parse`.
        backbone: the network or its name.
        settings: see `FeatureSettings`.
        checkpoint_dir: folder for checkpoints; a run that finds its own there continues from it.
        save_seconds: time between two checkpoints.
        on_graph: called with each new graph of a step.

    Yields:
        Progress with the present pictures; the last has the finished ones.

    Raises:
        DeadUnitError: the objective does not respond to any change of the pictures.
        LayerError: unknown layer, or the pictures are too small for it.
        NonFiniteLoss: the objective is no longer finite.
        OptimizerError: Keras has no optimizer of this name.
    """
    settings = settings or FeatureSettings()
    objective, backbone = load_objective(objective, backbone)
    for layer in objective.layers:
        backbone.check(layer, settings.size)
    if settings.style in PIXEL_STYLES:
        return _ascend_pixels(objective, backbone, settings, checkpoint_dir, save_seconds, on_graph)
    size, style = settings.size, settings.of_style
    return render(
        objective,
        backbone,
        Maco(size, settings.batch, seed=settings.seed)
        if settings.style == "maco"
        else Fourier(size, settings.batch, decay=style.decay, alpha=settings.alpha, seed=settings.seed),
        _transforms(settings),
        style.optimizer,
        style.steps,
        learning_rate=style.step_size,
        views=style.views,
        diversity_weight=settings.diversity,
        seed=settings.seed,
        name=settings.style,
        checkpoint_dir=checkpoint_dir,
        save_seconds=save_seconds,
        on_graph=on_graph,
    )


def _ascend_pixels(
    objective: Objective,
    backbone: Backbone,
    settings: FeatureSettings,
    checkpoint_dir: str | Path | None,
    save_seconds: float,
    on_graph: Callable[[tf.Graph], None] | None,
) -> Iterator[RenderProgress]:
    """Optimises pixels octave by octave."""
    style = settings.of_style
    transform = transforms.compose(_transforms(settings))
    feature_loss = FeatureLoss(
        objective, backbone, transform, style.views, settings.diversity, settings.seed, settings.size
    )
    smallest = max(backbone.view(layer).smallest for layer in objective.layers)
    levels = octave_levels(settings.size, style.octaves, settings.octave_scale, smallest, style.steps)
    steps_before = tf.Variable(0, dtype=tf.int64, trainable=False, name="steps_before")
    ascent = PixelAscent(
        lambda pixels: feature_loss(pixels, steps_before),
        style.optimizer,
        style.step_size,
        laplacian if settings.style == "laplacian" else std,
        settings.batch,
        on_graph,
    )
    noise = tf.random.stateless_uniform([settings.batch, *levels[0].size, 3], [settings.seed, 0]).numpy()
    start = (_GREY + noise) / 255  # dark grey with invisible noise
    dead = feature_loss.dead_pictures(tf.constant(start))

    def optimise(number: int, pictures: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
        steps_before.assign(sum(level.steps for level in levels[:number]))
        return ascent.improve(
            start if pictures is None else np.stack([resize(picture, levels[number].size) for picture in pictures]),
            levels[number].steps,
            steps_per_report=_STEPS_PER_REPORT,
            checkpoint_dir=None if checkpoint_dir is None else Path(checkpoint_dir) / f"octave{number}",
            save_seconds=save_seconds,
        )

    for progress in coarse_to_fine(levels, optimise, "octave"):
        assert progress.picture is not None
        pictures = equalize_contrast(progress.picture)
        yield RenderProgress(**{**vars(progress), "picture": pictures[0]}, pictures=pictures, dead=dead)


def equalize_contrast(pictures: np.ndarray, deviation: float = 0.1) -> np.ndarray:
    """Gives each of [batch, height, width, 3] the mean 0.5 and the same standard deviation, as the tutorial does."""
    pictures = pictures - pictures.mean(axis=(1, 2, 3), keepdims=True)
    scale = deviation / np.maximum(pictures.std(axis=(1, 2, 3), keepdims=True), 1e-4)
    return np.clip(pictures * scale + 0.5, 0, 1)


def _transforms(settings: FeatureSettings) -> list[transforms.Transform]:
    """Returns the transforms of a style."""
    if not settings.robust or settings.style == "naive":
        return []
    if settings.style == "fourier":
        return [
            transforms.pad(12),
            transforms.random_crop(16),
            transforms.random_scale(0.8, 1.05),
            transforms.random_rotate(6),
            transforms.random_crop(8),
        ]
    if settings.style == "maco":
        return [transforms.random_window(0.5, 1.0), transforms.noise(0.05)]
    return [transforms.random_roll]
