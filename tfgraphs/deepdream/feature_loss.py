"""The loss of pictures whose features are visualized: transformed, in several views, before random backgrounds."""

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import PRE_RELU
from tfgraphs.deepdream.objectives import Objective, Terms, diversity, total
from tfgraphs.deepdream.parameterizations import Parameterization, random_pictures
from tfgraphs.deepdream.rectifiers import RedirectedLayers
from tfgraphs.deepdream.settings import DeadUnitError
from tfgraphs.deepdream.transforms import Transform
from tfgraphs.optimize.losses import LossFunction

_ROUGHNESS_WEIGHT = 10.0
_BLUR = 5  # side of the window in pixels


class FeatureLoss:
    """The loss of the pictures of a parameterization:

        - objective - diversity_weight |objective| diversity

    with the mean of the objective over the views. Pictures with an opacity are blended with random backgrounds, and
    small and smooth opacities are preferred:

        - (1 - mean alpha) objective + |objective| (mean alpha + 10 mean (alpha - blurred alpha)^2)

    where |objective|, the first mean alpha and the blurred alpha are constants for the gradient. After Lucid, with all
    terms in proportion to the objective.

    Args:
        objective: to be maximised.
        backbone: the network.
        transform: applied to the pictures for each view.
        views: views of each picture in each step.
        diversity_weight: relative to the objective.
        seed: of transforms and backgrounds.
        full_size: height and width of the finished pictures, if smaller ones come before and the objective names
            positions.
    """

    def __init__(
        self,
        objective: Objective,
        backbone: Backbone,
        transform: Transform,
        views: int = 1,
        diversity_weight: float = 0.0,
        seed: int = 0,
        full_size: tuple[int, int] | None = None,
    ) -> None:
        self._objective, self._backbone = objective, backbone
        self._transform, self._views, self._seed, self._full_size = transform, views, seed, full_size
        self._diversity_weight = diversity_weight
        self._diversity = _diversity(objective, backbone) if diversity_weight else Objective(())
        self._network = RedirectedLayers(objective, backbone, self._diversity.layers)

    def __call__(self, form: Parameterization) -> LossFunction:
        """Returns the loss of the pictures of `form`."""

        def loss(step: tf.Tensor) -> tuple[tf.Tensor, Terms]:
            pictures, alpha = form.pictures(), form.alpha()
            if alpha is not None:
                batch, height, width, _ = pictures.shape
                background = random_pictures(batch, (height, width), self._seed, step)
                pictures = alpha * pictures + (1 - alpha) * background
            value, terms = self._value(pictures, step)
            scale = tf.abs(tf.stop_gradient(value))
            maximised = value
            if alpha is not None:
                opacity = tf.reduce_mean(alpha)
                penalty = opacity + _ROUGHNESS_WEIGHT * _roughness(alpha)
                maximised = (1 - tf.stop_gradient(opacity)) * value - scale * penalty
            if self._diversity_weight:
                maximised += self._diversity_weight * scale * terms["diversity"]
            return -maximised, terms

        return loss

    def dead_pictures(self, pictures: tf.Tensor) -> tuple[int, ...]:
        """Returns the numbers of pictures for which the gradient of the objective is zero.

        Raises:
            DeadUnitError: it is zero for all of them.
        """
        dead = tuple(int(number) for number in np.flatnonzero(self.largest_gradients(pictures) == 0))
        if len(dead) == pictures.shape[0]:
            raise DeadUnitError(
                f"{self._objective.name} of {self._backbone.name} does not respond to any change of the picture: the "
                "unit is dead; choose another one, or another seed"
            )
        return dead

    def largest_gradients(self, pictures: tf.Tensor) -> np.ndarray:
        """Returns max |d objective / d picture| of each picture, [batch]."""

        def largest() -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(pictures)
                loss = -self._value(pictures, tf.constant(0, tf.int64))[0]
            return tf.reduce_max(tf.abs(tape.gradient(loss, pictures)), axis=[1, 2, 3])

        return tf.function(largest).get_concrete_function()().numpy()

    def _value(self, pictures: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, Terms]:
        """Returns the mean objective over the views, and its terms."""
        seeds = [tf.constant(self._seed + (number << 32), tf.int64) for number in range(self._views)]
        activations = self._network(tf.concat([self._transform(pictures, seed, step) for seed in seeds], axis=0))
        parts = {layer: tf.split(activation, self._views) for layer, activation in activations.items()}
        views = [{layer: part[number] for layer, part in parts.items()} for number in range(self._views)]
        objective = self._objective
        if self._full_size:
            objective = objective.at_scale(tf.shape(pictures)[1:3] / self._full_size)
        terms_of_views = [objective.terms_of(view) for view in views]
        means = {name: tf.add_n([terms[name] for terms in terms_of_views]) / self._views for name in terms_of_views[0]}
        value, terms = total(means)
        if self._diversity_weight:
            terms["diversity"] = tf.add_n([self._diversity.value(view) for view in views]) / self._views
        return value, terms


def _diversity(objective: Objective, backbone: Backbone) -> Objective:
    """The diversity in the objective's first layer, after its rectifier."""
    layer = objective.layers[0]
    rectified = layer.removesuffix(PRE_RELU)
    return diversity(rectified if rectified in backbone.layers or rectified in backbone.aliases else layer)


def _roughness(alpha: tf.Tensor) -> tf.Tensor:
    """Returns mean (alpha - blurred alpha)^2."""
    blurred = tf.nn.avg_pool2d(alpha, _BLUR, 1, "SAME")
    return tf.reduce_mean(tf.square(alpha - tf.stop_gradient(blurred)))
