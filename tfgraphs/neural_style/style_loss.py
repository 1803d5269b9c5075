"""The loss of a painting: content, style and total variation, each with its weight.

For a picture X, a photograph P and the paintings S it is

    total(X) = content_weight * content(X, P) + style(X, S) + variation_weight * variation(X)

    content(X, P) = content_error(F(X), F(P))                                F: activations of the content layer
    style(X, S)   = sum_l w_l / (sum_k w_k) * style_error(G_l(X), G_l(S))    G: Gram matrix or another statistic

`losses` has the errors and the variation, `statistics` the Gram matrix. The painter, the exported painter and the
training of one-pass networks minimise this loss, the first two over pixels, the last over weights.
"""

import functools
import operator
from collections.abc import Callable, Mapping

import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.graphs.compiled import Function, with_gradient
from tfgraphs.neural_style.losses import FORMS, total_variation
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.shifts import SHIFTS
from tfgraphs.neural_style.statistics import STATISTICS, Sums, position_stride
from tfgraphs.optimize.losses import Loss

LayerSums = Mapping[str, Sums]
"""For each style layer the sums of its statistic."""


class StyleTransferLoss:
    """Compares activations of one network as some settings say.

    Attributes:
        content_layer: where content is compared.
        style_weights: for each style layer its weight; they add up to 1.
        layers: all of these layers.
        statistic: what of the style layers is compared.

    Raises:
        LayerError: the network has no such layer.
        StyleError: the settings name no layers, and there is no choice of layers for this network.
    """

    def __init__(self, settings: StyleSettings, backbone: Backbone) -> None:
        self._form, self.statistic = FORMS[settings.loss], STATISTICS[settings.statistic]
        self.content_layer, weights = settings.layers(backbone)
        self.style_weights = {layer: weight / sum(weights.values()) for layer, weight in weights.items()}
        self.layers = list(dict.fromkeys([self.content_layer, *weights]))
        self._content_weight, self._variation_weight = settings.weights()
        self._backbone, self._stride = backbone, settings.stride()

    def content(self, sums: Sums) -> Loss:
        """content_error(F(X), F(P)), from `losses.content_sums`."""
        return Loss(lambda step: self._form.content(sums), "content")

    def style(self, sums: LayerSums, targets: LayerSums) -> Loss:
        """sum_l w_l style_error(G_l(X), G_l(S)), a term for each layer, from the sums of picture and paintings."""

        def error(layer: str) -> Loss:
            def compare(step: tf.Tensor) -> tf.Tensor:
                return self._form.style(
                    self.statistic.value(sums[layer], step), self.statistic.value(targets[layer], step)
                )

            return Loss(compare, f"style/{layer}")

        return functools.reduce(operator.add, [weight * error(layer) for layer, weight in self.style_weights.items()])

    def total(self, content: Loss, style: Loss, pictures: tf.Tensor, compiled: bool = False) -> Loss:
        """content_weight * content + style + variation_weight * variation, of pictures [batch, height, width, 3].

        Compiled, the variation of a large picture takes the memory of three pictures less. Smaller pictures do without:
        at 512 px it saves 4 ms of a step, but TensorFlow keeps 150 kB of each graph that calls a compiled program.
        """
        weight = self._variation_weight
        if compiled:
            variation = Loss(lambda step: _compiled_variation(weight)([pictures], [])[0], "variation")
        else:
            variation = weight * Loss(lambda step: total_variation(pictures), "variation")
        return self._content_weight * content + style + variation

    def stride(self, layer: str, pixels: float | tf.Tensor) -> tf.Tensor:
        """The distance between the positions of a layer at which a picture of so many pixels is compared, int32."""
        return position_stride(self._stride, pixels / self._backbone.view(layer).stride ** 2)

    def style_sums(self, activations: Mapping[str, tf.Tensor], random: int | tf.Tensor = 0) -> LayerSums:
        """The sums of the statistic at the style layers, of activations [batch, height, width, channels] of each."""
        random = tf.cast(random, tf.int64)
        return {layer: self.statistic.sums(activations[layer], None, random) for layer in self.style_weights}

    def mean_over_shifts(self, sums: Callable[[tf.Tensor], LayerSums]) -> LayerSums:
        """Blends the sums of a painting in equal shares of all shifts; `sums` maps the number of a shift to them."""
        shifted = [sums(tf.constant(shift)) for shift in range(SHIFTS)]
        return {layer: self.statistic.blend([(1 / SHIFTS, one[layer]) for one in shifted]) for layer in shifted[0]}


@functools.cache
def _compiled_variation(weight: float) -> Function:
    """One program for all pictures, with weight and gradient: TensorFlow keeps each, 1.7 MB, for ever."""
    return with_gradient(lambda pictures, _: (weight * total_variation(*pictures), tf.zeros([])))
