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

from collections.abc import Callable, Iterator
from pathlib import Path

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
from tfgraphs.deepdream.settings import PIXEL_STYLES, FeatureSettings
from tfgraphs.pictures.images import resize

_GREY = 100  # of 255


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
    size, batch, seed, style = settings.size, settings.batch, settings.seed, settings.of_style
    for layer in objective.layers:
        backbone.check(layer, size)
    if settings.style in PIXEL_STYLES:
        return _ascend_pixels(objective, backbone, settings, checkpoint_dir, save_seconds, on_graph)
    return render(
        objective,
        backbone,
        Maco(size, batch, seed=seed)
        if settings.style == "maco"
        else Fourier(size, batch, decay=style.decay, alpha=settings.alpha, seed=seed),
        _transforms(settings),
        style.optimizer,
        style.steps,
        learning_rate=style.step_size,
        views=style.views,
        diversity_weight=settings.diversity,
        seed=seed,
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
    size, batch, seed, style = settings.size, settings.batch, settings.seed, settings.of_style
    transform = transforms.compose(_transforms(settings))
    feature_loss = FeatureLoss(objective, backbone, transform, style.views, settings.diversity, seed, size)
    normalize = laplacian if settings.style == "laplacian" else std
    ascent = PixelAscent(feature_loss, style.optimizer, style.step_size, normalize, batch, on_graph)
    smallest = max(backbone.view(layer).smallest for layer in objective.layers)
    levels = octave_levels(size, style.octaves, settings.octave_scale, smallest, style.steps)
    noise = tf.random.stateless_uniform([batch, *levels[0].size, 3], [seed, 0]).numpy()
    first = (_GREY + noise) / 255  # dark grey with invisible noise
    dead = feature_loss.dead_pictures(tf.constant(first))

    def start(number: int, pictures: np.ndarray | None) -> np.ndarray:
        return first if pictures is None else np.stack([resize(picture, levels[number].size) for picture in pictures])

    for progress in ascent.ascend(levels, start, checkpoint_dir=checkpoint_dir, save_seconds=save_seconds):
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
