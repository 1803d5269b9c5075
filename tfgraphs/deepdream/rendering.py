"""Rendering: an objective, a parameterization, transforms and an optimizer, combined freely.

    form = Fourier((128, 128))
    for progress in render(channel("fire8", 14), network, form, [jitter(8), random_rotate(10)], steps=64):
        ...

Feature visualizations are such combinations, see `features`; so are dreams of one octave:

    render(layer_l2("fire7"), network, Pixels(photograph[None]), [jitter(32)], "sgd", 10, learning_rate=1.5 / 255,
           gradient_transform=mean_abs)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.deepdream.feature_loss import FeatureLoss
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.parameterizations import Parameterization
from tfgraphs.deepdream.transforms import Transform, compose
from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.minimize import minimize
from tfgraphs.optimize.optimizers import stock_optimizer

_STEPS_PER_REPORT = 8
_EPSILON = 1e-12  # of Adam: how much a wave changes shall not depend on how weak its gradients are


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
    checkpoint_dir: str | Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[RenderProgress]:
    """Maximises an objective of the pictures of a parameterization.

    Args:
        objective: to be maximised.
        backbone: the network.
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
        checkpoint_dir: folder for checkpoints; a run that finds its own there continues from it.
        save_seconds: time between two checkpoints.
        on_graph: called with the graph of one step.

    Yields:
        Progress every few steps; the last has the finished pictures.

    Raises:
        DeadUnitError: the objective does not respond to any change of the pictures.
        LayerError: unknown layer, or the pictures are too small for it.
        NonFiniteLoss: the objective is no longer finite.
        OptimizerError: Keras has no optimizer of this name.
    """
    feature_loss = FeatureLoss(objective, backbone, compose(transforms), views, diversity_weight, seed)
    pictures = parameterization.pictures()
    dead = feature_loss.dead_pictures(pictures)
    reports = minimize(
        feature_loss(parameterization),
        parameterization.variables,
        stock_optimizer(optimizer, learning_rate, epsilon=_EPSILON),
        steps,
        steps_per_report=_STEPS_PER_REPORT,
        gradient_transform=gradient_transform,
        projection=parameterization.projection,
        checkpoint_dir=checkpoint_dir,
        save_seconds=save_seconds,
        on_graph=on_graph,
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
