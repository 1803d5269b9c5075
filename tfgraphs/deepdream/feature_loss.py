"""The loss of pictures whose features are visualized, and gradients for units that the pictures do not excite."""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import PRE_RELU
from tfgraphs.deepdream.objectives import Objective, Terms, diversity, total
from tfgraphs.deepdream.parameterizations import random_pictures
from tfgraphs.deepdream.settings import DeadUnitError
from tfgraphs.deepdream.transforms import Transform
from tfgraphs.graphs.own_gradients import custom_gradient
from tfgraphs.graphs.scopes import scope

_RECTIFIED = ("relu", "concatenation")  # prefixes of kinds; concatenations have a layer before if all parts have one
_CHANNEL_BY_CHANNEL = ("max pooling", "average pooling", "global average")
_ROUGHNESS_WEIGHT = 10.0
_BLUR = 5  # side of the window in pixels


class RedirectedLayers:
    """The layers that an objective reads, with gradients for silent units: those not excited at any position.

    The gradient of such a rectified unit is zero, so that its picture would stay grey. Where nothing else gets through,
    the gradient is passed to the layer before the rectifier, as `redirected_relu_grad` of Lucid (2018) does for all
    rectifiers of a network in the first 16 steps. Here it is done for the layers of the objective only, and in every
    step. If the objective has positive weights, gradients that excite silent units are passed; otherwise those that
    inhibit them.
    """

    def __init__(self, objective: Objective, backbone: Backbone, extra_layers: Iterable[str] = ()) -> None:
        before = {layer: layer_before_rectifier(backbone, layer) for layer in objective.layers}
        self._before = {layer: name for layer, name in before.items() if name is not None}
        self._backbone, self._layers = backbone, {*objective.layers, *self._before.values(), *extra_layers}
        self._sign = 1.0 if any(weight > 0 for weight, _ in objective.terms) else -1.0

    def __call__(self, pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        """Maps float32 [batch, height, width, 3], RGB in 0..1, to {layer: activation}."""
        activations = self._backbone(pictures, self._layers)
        for layer, before in self._before.items():
            activations[layer] = redirect_gradient(activations[layer], activations[before], self._sign)
        return activations


def layer_before_rectifier(backbone: Backbone, layer: str) -> str | None:
    """Returns the layer before the rectifier of a layer, or of the layer that it pools; None if there is none."""
    while backbone.layer(layer).kind in _CHANNEL_BY_CHANNEL:
        layer = backbone.layer(layer).inputs[0]
        if layer not in backbone.layers:
            return None
    before = layer + PRE_RELU
    return before if before in backbone and backbone.layer(layer).kind.startswith(_RECTIFIED) else None


def redirect_gradient(activation: tf.Tensor, before: tf.Tensor, sign: float = 1.0) -> tf.Tensor:
    """Returns the activation, and passes its gradient to `before` for channels that get none through the rectifier.

    The condition depends on the incoming gradient, which `tf.stop_gradient` cannot express.

    Args:
        activation: rectified, [batch, height, width, channels]; or pooled from that, also [batch, channels].
        before: the input of the rectifier, [batch, height, width, channels].
        sign: 1 to pass gradients of a loss that raise `before` when descended, -1 for those that lower it.
    """
    positions = list(range(1, activation.shape.rank - 1))

    @custom_gradient
    def redirect(
        activation: tf.Tensor, before: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with scope("redirected"):
                passing = tf.logical_and(activation > 0, upstream != 0)
                silent = tf.logical_not(tf.reduce_any(passing, axis=positions, keepdims=True))
                redirected = tf.where(tf.logical_and(silent, sign * upstream < 0), upstream, 0.0)
                return upstream, _unpool(redirected, before)

        return tf.identity(activation), gradient

    return redirect(activation, before)


def _unpool(gradient: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Copies the gradient of each pooled position to all positions that it was pooled from."""
    if gradient.shape.rank == 2:
        gradient = gradient[:, None, None, :]
    return tf.image.resize(gradient, tf.shape(like)[1:3], "nearest")


class FeatureLoss:
    """The loss of pictures that visualize a feature:

        - objective - diversity_weight |objective| diversity

    with the mean of the objective over the views. Pictures with an opacity are blended with random backgrounds, and
    small and smooth opacities are preferred:

        - (1 - mean alpha) objective + |objective| (mean alpha + 10 mean (alpha - blurred alpha)^2)

    where |objective|, the first mean alpha and the blurred alpha are constants for the gradient. After Lucid, with all
    terms in proportion to the objective.

    Args:
        objective, backbone, views, diversity_weight, seed: as of `render`.
        transform: applied to the pictures for each view.
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
        rectified = objective.layers[0].removesuffix(PRE_RELU)
        known = rectified in backbone
        self._diversity_weight = diversity_weight
        self._diversity = diversity(rectified if known else objective.layers[0]) if diversity_weight else Objective(())
        self._network = RedirectedLayers(objective, backbone, self._diversity.layers)

    def __call__(self, pictures: tf.Tensor, step: tf.Tensor, alpha: tf.Tensor | None = None) -> tuple[tf.Tensor, Terms]:
        """Returns the loss of pictures [batch, height, width, 3] with an opacity [batch, height, width, 1], and terms.

        `step`, int64, draws the transforms and the backgrounds.
        """
        if alpha is not None:
            with scope("background"):
                batch, height, width, _ = pictures.shape
                background = random_pictures(batch, (height, width), self._seed, step)
                pictures = alpha * pictures + (1 - alpha) * background
        value, terms = self._value(pictures, step)
        with scope("total"):
            scale = tf.abs(tf.stop_gradient(value))
        maximised = value
        if alpha is not None:
            with scope("opacity"):
                opacity = tf.reduce_mean(alpha)
                blurred = tf.stop_gradient(tf.nn.avg_pool2d(alpha, _BLUR, 1, "SAME"))
                penalty = opacity + _ROUGHNESS_WEIGHT * tf.reduce_mean(tf.square(alpha - blurred))
                maximised = (1 - tf.stop_gradient(opacity)) * value - scale * penalty
        with scope("total"):
            if self._diversity_weight:
                maximised += self._diversity_weight * scale * terms["diversity"]
            return -maximised, terms

    def dead_pictures(self, pictures: tf.Tensor) -> tuple[int, ...]:
        """Returns the numbers of pictures for which the gradient of the objective is zero.

        Raises:
            DeadUnitError: it is zero for all of them.
        """
        dead = tuple(np.flatnonzero(self.largest_gradients(pictures) == 0).tolist())
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
        with scope("transforms"):
            seeds = [tf.constant(self._seed + (number << 32), tf.int64) for number in range(self._views)]
            transformed = tf.concat([self._transform(pictures, seed, step) for seed in seeds], axis=0)
        activations = self._network(transformed)
        objective = self._objective
        with scope("objective"):
            parts = {layer: tf.split(activation, self._views) for layer, activation in activations.items()}
            views = [{layer: part[number] for layer, part in parts.items()} for number in range(self._views)]
            if self._full_size:
                objective = objective.at_scale(tf.shape(pictures)[1:3] / self._full_size)
            of_views = [objective.terms_of(view) for view in views]
            means = {name: tf.add_n([terms[name] for terms in of_views]) / self._views for name in of_views[0]}
            value, terms = total(means)
            if self._diversity_weight:
                terms["diversity"] = tf.add_n([self._diversity.value(view) for view in views]) / self._views
        return value, terms
