"""How a network sees pictures that are optimised: moved a little, several times, before random backgrounds."""

import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.backbones.layers import PRE_RELU
from tfgraphs.deepdream.objectives import Objective, diversity
from tfgraphs.deepdream.parameterizations import Parameterization, random_pictures
from tfgraphs.deepdream.rectifiers import Rectified
from tfgraphs.deepdream.transforms import Transform
from tfgraphs.optimize.losses import LossFunction

Values = dict[str, tf.Tensor]

_BLUR = 10.0  # weight of the roughness of alpha


class Sight:
    """Looks at pictures with a network.

    Args:
        backbone: the network.
        objective: what to raise.
        movement: of the pictures before each look.
        views: how often each picture is looked at, each time moved otherwise; the mean counts.
        diversity: weight of the differences between pictures, as a share of the objective.
        seed: of movements and backgrounds.
        size: height and width of the finished pictures, if the objective names positions of theirs in smaller ones.
    """

    def __init__(
        self,
        backbone: Backbone,
        objective: Objective,
        movement: Transform,
        views: int = 1,
        diversity: float = 0.0,
        seed: int = 0,
        size: tuple[int, int] | None = None,
    ) -> None:
        self.backbone, self.objective = backbone, objective
        self._movement, self._views, self._seed, self._size = movement, views, seed, size
        self._share = diversity
        self._difference = _difference(backbone, objective) if diversity else Objective(())
        self._look = Rectified(backbone, objective, self._difference.layers)

    @property
    def smallest(self) -> int:
        """Side in pixels of the smallest picture of which it sees anything."""
        return max(self.backbone.view(layer).smallest for layer in self.objective.layers)

    def loss(self, form: Parameterization, steps_before: tf.Variable | int = 0) -> LossFunction:
        """What is to be minimised: - objective - share |objective| diversity.

        Pictures with an alpha channel are seen before random ones; less of it is better, and so is a smooth one:

            - objective (1 - mean alpha) + 10 |objective| mean (alpha - blurred alpha)^2

        where |objective| and the blurred alpha count as constants (lucid's recipe, with terms on one scale).

        Args:
            form: has the pictures.
            steps_before: added to the number of the step, from which movements are drawn.
        """

        def loss(step: tf.Tensor) -> tuple[tf.Tensor, Values]:
            pictures, alpha = form.pictures(), form.alpha()
            if alpha is not None:
                pictures = self._before_clouds(pictures, alpha, step)
            value, terms = self._values(pictures, step + steps_before)
            scale = tf.abs(tf.stop_gradient(value))
            raised = value
            if alpha is not None:
                opaque = tf.reduce_mean(alpha)
                raised = (1 - tf.stop_gradient(opaque)) * value - scale * (opaque + _BLUR * _roughness(alpha))
            if self._share:
                raised += self._share * scale * terms["diversity"]
            return -raised, terms

        return loss

    def influence(self, pictures: tf.Tensor) -> np.ndarray:
        """The largest influence that a value of each picture has on the objective, [batch]."""

        def largest() -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(pictures)
                loss = -self._values(pictures, tf.constant(0, tf.int64))[0]
            return tf.reduce_max(tf.abs(tape.gradient(loss, pictures)), axis=[1, 2, 3])

        return tf.function(largest).get_concrete_function()().numpy()

    def _before_clouds(self, pictures: tf.Tensor, alpha: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        batch, height, width, _ = pictures.shape
        return alpha * pictures + (1 - alpha) * random_pictures(batch, (height, width), self._seed, step)

    def _values(self, pictures: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, Values]:
        """The objective on average over the views, and what belongs to it by name."""
        seeds = [tf.constant(self._seed + (number << 32), tf.int64) for number in range(self._views)]
        views = [self._movement(pictures, seed, step) for seed in seeds]
        found = self._look(tf.concat(views, axis=0))
        parts = {layer: tf.split(activation, self._views) for layer, activation in found.items()}
        each = [{layer: part[number] for layer, part in parts.items()} for number in range(self._views)]
        objective = self.objective.at(tf.shape(pictures)[1:3] / self._size) if self._size else self.objective
        values = _mean([objective.values(one) for one in each])
        value = tf.add_n(list(values.values()))
        terms = {"objective": value, **(values if len(values) > 1 else {})}
        if self._share:
            terms["diversity"] = tf.add_n([self._difference.value(one) for one in each]) / self._views
        return value, terms


def _mean(values: list[Values]) -> Values:
    return {name: tf.add_n([one[name] for one in values]) / len(values) for name in values[0]}


def _difference(backbone: Backbone, objective: Objective) -> Objective:
    """The diversity of what a layer tells to the next."""
    layer = objective.layers[0]
    rectified = layer.removesuffix(PRE_RELU)
    return diversity(rectified if rectified in backbone.layers or rectified in backbone.aliases else layer)


def _roughness(alpha: tf.Tensor) -> tf.Tensor:
    """Mean square of what a blur takes away: its gradient blurs."""
    side = 5
    blurred = tf.nn.avg_pool2d(alpha, side, 1, "SAME")
    return tf.reduce_mean(tf.square(alpha - tf.stop_gradient(blurred)))
