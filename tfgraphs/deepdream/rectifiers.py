"""Gradients for silent units: those that the picture does not excite at any position.

The gradient of such a rectified unit is zero, so that its picture would stay grey. Where nothing else gets through, the
gradient is passed to the layer before the rectifier, as `redirected_relu_grad` of Lucid (2018) does for all rectifiers
of a network in the first 16 steps. Here it is done for the layers of the objective only, and in every step.
"""

from collections.abc import Callable, Iterable

import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import PRE_RELU
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.graphs.own_gradients import custom_gradient

_RECTIFIED = ("relu", "concatenation")  # prefixes of kinds; concatenations have a layer before if all parts have one
_CHANNEL_BY_CHANNEL = ("max pooling", "average pooling", "global average")


class RedirectedLayers:
    """The layers that an objective reads, with gradients for silent units.

    Args:
        objective: to be maximised. If it has positive weights, gradients that excite silent units are passed;
            otherwise those that inhibit them.
        backbone: the network.
        extra_layers: further layers to compute.
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
    known = before in backbone.layers or before in backbone.aliases
    return before if known and backbone.layer(layer).kind.startswith(_RECTIFIED) else None


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
