"""The step of a dream: jitter, objective, gradient, normalisation, ascent."""

from collections.abc import Callable

import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.deepdream.gradients import NORMALIZATIONS
from tfgraphs.deepdream.objectives import Objective, Terms
from tfgraphs.deepdream.tiles import TiledObjective
from tfgraphs.deepdream.transforms import jitter


class DreamStep:
    """One step of gradient ascent on an objective of a picture x.

        value = objective(backbone(roll(x, shift)))      shift uniform in -jitter..jitter, another in each step
        g = normalize(d value / d x)
        x <- clip(x + step_size * g, 0, 1)

    Commands hand `loss` and `direction` to `minimize`, whose optimizer takes the step; calling this takes it by itself.

    Args:
        objective, backbone: see `dream`.
        normalize, jitter, seed: see `DreamSettings`.
        tiles: computes the objective in tiles.
    """

    def __init__(
        self,
        objective: Objective,
        backbone: Backbone,
        normalize: str = "mean_abs",
        jitter: int = 0,
        seed: int = 0,
        tiles: TiledObjective | None = None,
    ) -> None:
        self._objective, self._backbone, self._tiles = objective, backbone, tiles
        self.direction: Callable[[tf.Tensor], tf.Tensor] = NORMALIZATIONS[normalize]
        self._jitter, self._seed = jitter, seed

    def loss(self, picture: tf.Tensor, step: tf.Tensor, full_size: tf.Tensor) -> tuple[tf.Tensor, Terms]:
        """Returns minus the objective, and its terms.

        Args:
            picture: float32 [batch, height, width, 3], RGB in 0..1.
            step: number of the step, from which the shift is drawn.
            full_size: height and width of the picture of which this is an octave.
        """
        shifted = jitter(self._jitter)(picture, self._seed, step)
        if self._tiles is not None:
            terms = self._tiles.terms(shifted)
        else:
            objective = self._objective.at_scale(tf.shape(picture)[1:3] / full_size)
            terms = objective.terms_of(self._backbone(shifted, objective.layers))
        value = tf.add_n(list(terms.values()))
        return -value, {"objective": value, **(terms if len(terms) > 1 else {})}

    def __call__(self, picture: tf.Tensor, step: tf.Tensor, step_size: tf.Tensor, full_size: tf.Tensor) -> tf.Tensor:
        """Returns the picture after the step; args as of `loss`."""
        with tf.GradientTape() as tape:
            tape.watch(picture)
            loss, _ = self.loss(picture, step, full_size)
        return tf.clip_by_value(picture - step_size * self.direction(tape.gradient(loss, picture)), 0.0, 1.0)
