"""Units that are silent: a way for the gradient past the rectifier that holds it back.

A rectified unit that the start picture does not excite anywhere has a gradient of exactly zero, and its picture would
stay grey. Each rectified layer has a twin before its rectifier, whose gradient is used instead where nothing else gets
through, as in `redirected_relu_grad` of lucid (2018): there for all rectifiers of a network and the first 16 steps,
here for those whose layer is asked for, in every step in which they hold everything back.
"""

from collections.abc import Callable, Iterable

import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.backbones.layers import PRE_RELU
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.graphs.own_gradients import custom_gradient

_RECTIFIED = ("relu", "concatenation")  # beginnings of kinds; a concatenation has a twin if all its parts are rectified
_CHANNEL_BY_CHANNEL = ("max pooling", "average pooling", "global average")


class Rectified:
    """The layers that an objective reads, as a network has them, but silent units, too, have a gradient.

    Args:
        backbone: the network.
        objective: is to be raised. If it has positive weights, gradients are let past that excite units; if it only has
            negative ones, those that calm them.
        besides: further layers to compute.
    """

    def __init__(self, backbone: Backbone, objective: Objective, besides: Iterable[str] = ()) -> None:
        twins = {layer: twin_of(backbone, layer) for layer in objective.layers}
        self._twins = {layer: twin for layer, twin in twins.items() if twin is not None}
        self._backbone, self._layers = backbone, {*objective.layers, *self._twins.values(), *besides}
        self._sign = 1.0 if any(weight > 0 for weight, _ in objective.terms) else -1.0

    def __call__(self, pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        """{layer: activation} of float32 [batch, height, width, 3], RGB in 0..1."""
        found = self._backbone(pictures, self._layers)
        for layer, twin in self._twins.items():
            found[layer] = redirected(found[layer], found[twin], self._sign)
        return found


def twin_of(backbone: Backbone, layer: str) -> str | None:
    """The layer before the rectifier of a layer, or of what it pools; None if there is none."""
    while backbone.layer(layer).kind in _CHANNEL_BY_CHANNEL:
        layer = backbone.layer(layer).inputs[0]
        if layer not in backbone.layers:
            return None
    twin = layer + PRE_RELU
    known = twin in backbone.layers or twin in backbone.aliases
    return twin if known and backbone.layer(layer).kind.startswith(_RECTIFIED) else None


def redirected(activation: tf.Tensor, before: tf.Tensor, sign: float = 1.0) -> tf.Tensor:
    """The activation, with another gradient where a channel of a picture would have none at all.

    Args:
        activation: rectified, [batch, height, width, channels], or pooled from that; [batch, channels] over all places.
        before: what was rectified, [batch, height, width, channels].
        sign: 1 to let pass to `before` what would raise it, if the loss falls along its negative gradient; -1 to let
            pass what would lower it.
    """
    places = list(range(1, activation.shape.rank - 1))

    @custom_gradient
    def redirect(
        activation: tf.Tensor, before: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            passing = tf.logical_and(activation > 0, upstream != 0)
            silent = tf.logical_not(tf.reduce_any(passing, axis=places, keepdims=True))
            wanted = tf.logical_and(silent, sign * upstream < 0)
            return upstream, _spread(tf.where(wanted, upstream, 0.0), before)

        return tf.identity(activation), gradient

    return redirect(activation, before)


def _spread(gradient: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """The gradient of pooled places, for all of the places of which each was pooled."""
    if gradient.shape.rank == 2:
        gradient = gradient[:, None, None, :]
    return tf.image.resize(gradient, tf.shape(like)[1:3], "nearest")
