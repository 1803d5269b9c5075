"""Feature visualization: pictures that excite a unit, from noise, in several styles.

    settings = FeatureSettings(style="fourier")
    *_, last = visualize_feature(channel("mixed4d_3x3_bottleneck_pre_relu", 139), network, settings)

naive         gradient ascent on pixels
multiscale    the same from small to large sizes, for larger forms
laplacian     the same with `gradients.laplacian`: smooth
fourier       Adam on the Fourier spectrum, with jitter, rotation and scaling: as in "Feature Visualization" (2017)
maco          Adam on the phases of the spectrum, with random windows: the most natural pictures

The first three are those of TensorFlow's DeepDream tutorial (Mordvintsev 2015); of the others see `parameterizations`.

`render` combines an objective, a parameterization, transforms and an optimizer freely:

    form = Fourier((128, 128))
    for progress in render(channel("fire8", 14), network, form, [jitter(8), random_rotate(10)], steps=64):
        ...

This is a dream of one octave:

    render(layer_l2("fire7"), network, Pixels(photograph[None]), [jitter(32)], "sgd", 10, learning_rate=1.5 / 255,
           gradient_transform=mean_abs)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.deepdream import transforms
from tfgraphs.deepdream.feature_loss import FeatureLoss
from tfgraphs.deepdream.gradients import laplacian, std
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.octaves import PixelAscent, octave_levels
from tfgraphs.deepdream.parameterizations import Fourier, Grey, Maco, Parameterization
from tfgraphs.deepdream.presets import load_objective
from tfgraphs.deepdream.settings import PIXEL_STYLES, FeatureSettings
from tfgraphs.deepdream.transforms import Transform, compose
from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.minimize import minimize
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.pictures.colors import grey_gradient
from tfgraphs.pictures.images import resize

_STEPS_PER_REPORT = 8
_EPSILON = 1e-12  # of Adam: how much a wave changes shall not depend on how weak its gradients are
_GREY = 100  # of 255


@dataclass(frozen=True)
class RenderProgress(Progress):
    """The state of a rendering; `picture` is the first of the pictures.

    Attributes:
        pictures: the present pictures, float32 [batch, height, width, 3] in 0..1.
        alpha: their opacity, float32 [batch, height, width] in 0..1; None if they have none.
        dead: numbers of the pictures of the batch whose units do not respond to any change of theirs.
    """

    pictures: np.ndarray | None = None
    alpha: np.ndarray | None = None
    dead: tuple[int, ...] = ()


def render(
    objective: Objective,
    backbone: Backbone,
    parameterization: Parameterization,
    transforms: Sequence[Transform] = (),
    optimizer: str | keras.optimizers.Optimizer = "adam",
    steps: int = 256,
    *,
    learning_rate: float = 0.05,
    gradient_transform: Callable[[tf.Tensor], tf.Tensor] | None = None,
    views: int = 1,
    diversity_weight: float = 0.0,
    seed: int = 0,
    name: str = "render",
    **options: Any,
) -> Iterator[RenderProgress]:
    """Maximises an objective of the pictures of a parameterization.

    Args:
        objective, backbone: what is maximised, and the network.
        parameterization: starts with the first pictures and ends with the last.
        transforms: applied to the pictures before the network sees them, with other random numbers in each step.
        optimizer: a Keras optimizer or its name.
        steps: gradient steps.
        learning_rate: of an optimizer given by name.
        gradient_transform: applied to the gradient of each variable before the optimizer sees it, such as
            `gradients.mean_abs`.
        views: differently transformed views of each picture in each step.
        diversity_weight: of the differences between pictures, see `FeatureLoss`.
        seed: of transforms and backgrounds.
        name: of the stage of progress.
        options: `checkpoint_dir`, `save_seconds` and `on_graph` of `minimize`.

    Yields:
        Progress every few steps; the last has the finished pictures.

    Raises:
        DeadUnitError: the objective does not respond to any change of the pictures.
        LayerError: unknown layer.
        NonFiniteLoss: the objective is no longer finite.
        OptimizerError: Keras has no optimizer of this name.
    """
    feature_loss = FeatureLoss(objective, backbone, compose(transforms), views, diversity_weight, seed)
    dead = feature_loss.dead_pictures(parameterization.pictures())
    reports = minimize(
        lambda step: feature_loss(parameterization.pictures(), step, parameterization.alpha()),
        parameterization.variables,
        stock_optimizer(optimizer, learning_rate, epsilon=_EPSILON),
        steps,
        steps_per_report=_STEPS_PER_REPORT,
        gradient_transform=gradient_transform,
        projection=parameterization.projection,
        **options,
    )
    for report in reports:
        pictures, alpha = parameterization.pictures().numpy(), parameterization.alpha()
        yield RenderProgress(
            report.step,
            f"{name}, {pictures.shape[2]} x {pictures.shape[1]}",
            report.step / report.steps,
            report.loss,
            report.terms,
            pictures[0],
            pictures=pictures,
            alpha=None if alpha is None else alpha.numpy()[..., 0],
            dead=dead,
        )


def visualize_feature(
    objective: Objective | str,
    backbone: Backbone | str = "squeezenet",
    settings: FeatureSettings | None = None,
    **options: Any,
) -> Iterator[RenderProgress]:
    """Makes pictures that maximise an objective, from noise.

    Args:
        objective: what to maximise, also as text, see `objectives.parse`.
        backbone: the network or its name.
        settings: see `FeatureSettings`.
        options: `checkpoint_dir`, `save_seconds` and `on_graph` of `minimize`.

    Yields:
        Progress with the present pictures; the last has the finished ones.

    Raises:
        LayerError: unknown layer, or the pictures are too small for it.
        DeadUnitError, NonFiniteLoss, OptimizerError: as of `render`.
    """
    settings = settings or FeatureSettings()
    objective, backbone = load_objective(objective, backbone)
    size, batch, seed, style = settings.size, settings.batch, settings.seed, settings.of_style
    for layer in objective.layers:
        backbone.check(layer, size)
    if settings.style in PIXEL_STYLES:
        return _ascend_pixels(objective, backbone, settings, **options)
    form: Parameterization
    if settings.style == "maco":
        form = Maco(size, batch, seed=seed)
    else:
        blur = style.chroma_blur
        form = Fourier(size, batch, decay=style.decay, chroma_blur=blur, alpha=settings.alpha, seed=seed)
    if _is_grey(settings, backbone):
        form = Grey(form)
    return render(
        objective,
        backbone,
        form,
        _transforms(settings),
        style.optimizer,
        style.steps,
        learning_rate=style.step_size,
        views=style.views,
        diversity_weight=settings.diversity,
        seed=seed,
        name=settings.style,
        **options,
    )


def _ascend_pixels(
    objective: Objective,
    backbone: Backbone,
    settings: FeatureSettings,
    on_graph: Callable[[tf.Graph], None] | None = None,
    **checkpoints: Any,
) -> Iterator[RenderProgress]:
    """Optimises pixels octave by octave."""
    size, batch, seed, style = settings.size, settings.batch, settings.seed, settings.of_style
    transform = compose(_transforms(settings))
    feature_loss = FeatureLoss(objective, backbone, transform, style.views, settings.diversity, seed, size)
    normalize, grey = laplacian if settings.style == "laplacian" else std, _is_grey(settings, backbone)

    def direction(gradient: tf.Tensor) -> tf.Tensor:
        return normalize(grey_gradient(gradient, grey))

    ascent = PixelAscent(feature_loss, style.optimizer, style.step_size, direction, batch, on_graph)
    smallest = max(backbone.view(layer).smallest for layer in objective.layers)
    levels = octave_levels(size, style.octaves, settings.octave_scale, smallest, style.steps)
    noise = tf.random.stateless_uniform([batch, *levels[0].size, 3], [seed, 0]).numpy()
    first = (_GREY + (noise[..., :1].repeat(3, axis=-1) if grey else noise)) / 255  # dark grey with invisible noise
    dead = feature_loss.dead_pictures(tf.constant(first))

    def start(number: int, pictures: np.ndarray | None) -> np.ndarray:
        return first if pictures is None else np.stack([resize(picture, levels[number].size) for picture in pictures])

    for progress in ascent.ascend(levels, start, **checkpoints):
        assert progress.picture is not None
        pictures = equalize_contrast(progress.picture)
        yield RenderProgress(**{**vars(progress), "picture": pictures[0]}, pictures=pictures, dead=dead)


def _is_grey(settings: FeatureSettings, backbone: Backbone) -> bool:
    return backbone.sees_greys if settings.grey is None else settings.grey


def equalize_contrast(pictures: np.ndarray) -> np.ndarray:
    """Gives each of [batch, height, width, 3] the mean 0.5 and the deviation 0.1, as the tutorial does."""
    pictures = pictures - pictures.mean(axis=(1, 2, 3), keepdims=True)
    scale = 0.1 / np.maximum(pictures.std(axis=(1, 2, 3), keepdims=True), 1e-4)
    return np.clip(pictures * scale + 0.5, 0, 1)


def _transforms(settings: FeatureSettings) -> list[Transform]:
    """Returns the transforms of a style."""
    if not settings.robust or settings.style == "naive":
        return []
    if settings.style == "fourier":
        moves = [transforms.random_scale(0.8, 1.05), transforms.random_rotate(6)]
        return [transforms.pad(12), transforms.random_crop(16), *moves, transforms.random_crop(8)]
    if settings.style == "maco":
        return [transforms.random_window(0.5, 1.0), transforms.noise(0.05)]
    return [transforms.random_roll]
