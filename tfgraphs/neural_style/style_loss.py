"""The loss of a painting: content, style and total variation, each with its weight.

For a picture X, a photograph P and the paintings S it is

    total(X) = content_weight * content(X, P) + sum_o s_o style(X_o, S_o) + variation(X)

    content(X, P) = content_error(F(X), F(P))
    style(X, S)   = sum_l w_l / (sum_k w_k) * style_error(T_l(X), T_l(S)) + palette_weight * style_error(T(X), T(S))
    variation(X)  = variation_weight * TV(Y) + chroma_weight * TV(X - Y)        Y: the luma of X

The painter, the exported painter and the training of one-pass networks minimise it, the first two over pixels, the last
over weights. X_o and S_o are smaller and smaller copies of the picture and the paintings, see `octaves`.

F are the activations of a layer with N channels at M positions, and T is a statistic of them, such as the Gram matrix
G = F'F / M, see `statistics`; T without a layer is the covariance and mean of the colours themselves. It keeps the
pigments of the painting, which the first layers of a network hardly tell apart. There are two forms of the errors. The
one of Gatys, Ecker and Bethge (arXiv 1508.06576), "paper", to which neither octaves nor palette nor chroma belong:

    content_error(F, F*) = 1/2 ||F - F*||^2
    style_error(G, G*)   = ||G - G*||^2 / (4 N^2)

grows with the picture and with the network's activations, so its weights have to be chosen anew for each. (The paper
writes the sums G M, and divides by 4 N^2 M^2; here a painting may have another size than the picture.) In the other,
"normalized", each part is relative to its target, so one pair of weights serves every size, layer and network:

    content_error(F, F*) = ||F - F*||^2 / ||F*||^2
    style_error(G, G*)   = ||G - G*||^2 / ||G*||^2

Layer by layer, paper = 1/2 ||F*||^2 normalized for content, and ||G*||^2 / (4 N^2) normalized for style. Where a
statistic has several parts, their errors are added. `transport` has an error of its own, whatever the form.
"""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.graphs.compiled import Function, with_gradient
from tfgraphs.graphs.scopes import scope
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.shifts import STYLE_SHIFTS
from tfgraphs.neural_style.statistics import SMALL, STATISTICS, Statistic, Sums, position_stride
from tfgraphs.optimize.losses import Loss, weighted_sum
from tfgraphs.pictures.colors import LUMA

LayerSums = Mapping[str, Sums]
"""For each style layer the sums of its statistic; PALETTE for those of the colours."""

PALETTE = "palette"
PALETTE_STATISTIC = "covariance"


def content_sums(activation: tf.Tensor, target: tf.Tensor) -> Sums:
    """[||F - F*||^2, ||F*||^2]: two scalars that add up over the positions of a picture."""
    return [_sum_of_squares(activation - target), _sum_of_squares(target)]


def relative_content_error(sums: Sums) -> tf.Tensor:
    """||F - F*||^2 / ||F*||^2, from `content_sums`."""
    return sums[0] / (sums[1] + SMALL)


def relative_style_error(statistic: Sequence[tf.Tensor], target: Sequence[tf.Tensor]) -> tf.Tensor:
    """||G - G*||^2 / ||G*||^2, added up over the parts of a statistic."""
    return tf.add_n(
        [
            tf.reduce_mean(tf.math.squared_difference(part, wanted)) / (tf.reduce_mean(tf.square(wanted)) + SMALL)
            for part, wanted in zip(statistic, target, strict=True)
        ]
    )


def paper_content_error(sums: Sums) -> tf.Tensor:
    """1/2 ||F - F*||^2, from `content_sums`."""
    return sums[0] / 2


def paper_style_error(statistic: Sequence[tf.Tensor], target: Sequence[tf.Tensor]) -> tf.Tensor:
    """||G - G*||^2 / (4 N^2); of other statistics the same, with the number of their values in place of N^2."""
    parts = zip(statistic, target, strict=True)
    return tf.add_n([tf.reduce_mean(tf.math.squared_difference(part, wanted)) / 4 for part, wanted in parts])


FORMS = {
    "normalized": (relative_content_error, relative_style_error),
    "paper": (paper_content_error, paper_style_error),
}
"""For each form the content error, of `content_sums`, and the style error, of a statistic and its target."""


def total_variation(pictures: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of neighbouring pixels, down plus across.

    Args:
        pictures: [batch, height, width, channels], at least 2 x 2 pixels.
    """
    channels = pictures.shape[-1]
    with scope("total_variation"):
        rows = tf.reshape(pictures, [tf.shape(pictures)[0], tf.shape(pictures)[1], -1])  # long rows are faster
        differences = [_differences(rows, 1, axis=1), _differences(rows, channels, axis=2)]
        down, across = (_sum_of_squares(values) / tf.cast(tf.size(values), values.dtype) for values in differences)
        return down + across


def weighted_variation(pictures: tf.Tensor, luma_weight: float, chroma_weight: float) -> tf.Tensor:
    """luma_weight * TV(Y) + chroma_weight * TV(X - Y), of pictures X [batch, height, width, 3] with the luma Y.

    Networks hardly notice fine fringes of colour, so these need a weight of their own.
    """
    luma_of = np.array([LUMA], np.float32).T  # [3, 1]
    apart = np.concatenate([luma_of, np.eye(3, dtype=np.float32) - luma_of], axis=1)  # X -> Y and X - Y
    weights = np.sqrt([4 * luma_weight, *[4 / 3 * chroma_weight] * 3])  # the mean is over four channels
    return total_variation(tf.tensordot(pictures, tf.constant(apart * weights, pictures.dtype), 1))


def _sum_of_squares(values: tf.Tensor) -> tf.Tensor:
    return 2 * tf.nn.l2_loss(values)  # one operation, and one for its gradient


def _differences(rows: tf.Tensor, lag: int, axis: int) -> tf.Tensor:
    """Subtracts from each value of [batch, height, width] the one `lag` before it. Gradients of slices are slower."""
    rest = tf.shape(rows)[axis] - lag
    before, _ = tf.split(rows, [rest, lag], axis)
    _, ahead = tf.split(rows, [lag, rest], axis)
    return ahead - before


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
        self._content_error, self._style_error = FORMS[settings.loss]
        self._name = settings.compared_statistic(backbone.name)
        self.statistic = STATISTICS[self._name]
        self.content_layer, weights = settings.layers(backbone)
        self.style_weights = {layer: weight / sum(weights.values()) for layer, weight in weights.items()}
        self.layers = list(dict.fromkeys([self.content_layer, *weights]))
        self._weights = settings.weights(backbone.name)
        self._content_grows = settings.content_grows(backbone.name)
        self._backbone, self._stride = backbone, settings.stride(backbone.name)

    def content(self, sums: Sums) -> Loss:
        """content_error(F(X), F(P)), from `content_sums`."""
        return Loss(lambda step: self._content_error(sums), "content")

    def style(self, sums: LayerSums, targets: LayerSums) -> Loss:
        """The style of one octave, a term for each layer and the palette, from the sums of picture and paintings."""

        def error(layer: str) -> Loss:
            def compare(step: tf.Tensor) -> tf.Tensor:
                name, statistic = self._statistic_name(layer), self._statistic(layer)
                with scope(name):
                    found = statistic.value(sums[layer], step)
                with scope("painting"):
                    wanted = statistic.value(targets[layer], step)
                with scope(name if statistic.error else "error"):
                    return (statistic.error or self._style_error)(found, wanted)

            return Loss(compare, f"style/{layer}")

        weights = dict(self.style_weights)
        if self._weights.palette:
            weights[PALETTE] = self._weights.palette
        return weighted_sum(weights.values(), map(error, weights))

    def _statistic_name(self, layer: str) -> str:
        return PALETTE_STATISTIC if layer == PALETTE else self._name

    def _statistic(self, layer: str) -> Statistic:
        return STATISTICS[self._statistic_name(layer)]

    def sums_scope(self, layer: str) -> tf.name_scope:
        """The scope in which the sums of a style layer are computed: that of its style loss."""
        return scope("style", layer, "samples" if self.statistic.rows else self._name)

    def total(
        self,
        content: Loss,
        style: Loss,
        pictures: tf.Tensor,
        scale: float | tf.Tensor = 1.0,
        compiled: bool = False,
    ) -> Loss:
        """content_weight * content + style + variation, of pictures [batch, height, width, 3].

        `scale` is their size relative to the finest scale, see `StyleSettings.content_grows`.

        Compiled, the variation of a large picture takes the memory of three pictures less. Smaller pictures do without:
        at 512 px it saves 4 ms of a step, but TensorFlow keeps 150 kB of each graph that calls a compiled program.
        """
        weights = self._weights.variation, self._weights.chroma
        if compiled:
            variation = Loss(lambda step: _compiled_variation(*weights)([pictures], [])[0], "variation")
        else:
            variation = Loss(lambda step: weighted_variation(pictures, *weights), "variation")
        weight = self._weights.content / scale if self._content_grows else self._weights.content
        return weight * content + style + variation

    def stride(self, layer: str, pixels: float | tf.Tensor) -> tf.Tensor:
        """The distance between the positions of a layer at which a picture of so many pixels is compared, int32."""
        return position_stride(self._stride, pixels / self._backbone.view(layer).stride ** 2)

    def style_sums(
        self, activations: Mapping[str, tf.Tensor], pictures: tf.Tensor, random: int | tf.Tensor = 0
    ) -> LayerSums:
        """The sums of the statistic at the style layers, of activations [batch, height, width, channels] of each.

        And those of the colours of `pictures`, [batch, height, width, 3].
        """
        random, sums = tf.cast(random, tf.int64), {}
        for layer in self.style_weights:
            with self.sums_scope(layer):
                sums[layer] = self.statistic.sums(activations[layer], None, random)
        return {**sums, PALETTE: palette_sums(pictures)}

    def blend(self, parts: Sequence[tuple[float, LayerSums]]) -> LayerSums:
        """Blends the sums of several paintings with their shares, which add up to 1."""
        return {
            layer: self._statistic(layer).blend([(share, sums[layer]) for share, sums in parts])
            for layer in parts[0][1]
        }

    def mean_over_shifts(self, sums: Callable[[tf.Tensor], LayerSums]) -> LayerSums:
        """Blends the sums of a painting in equal shares of shifts; `sums` maps the number of a shift to them."""
        return self.blend([(1 / len(STYLE_SHIFTS), sums(tf.constant(shift))) for shift in STYLE_SHIFTS])


def palette_sums(pictures: tf.Tensor, mask: tf.Tensor | None = None) -> Sums:
    """The sums of the covariance and mean of colours; args as of `gram_matrix`."""
    with scope("style", PALETTE, PALETTE_STATISTIC):
        return STATISTICS[PALETTE_STATISTIC].sums(pictures, mask, tf.constant(0, tf.int64))


@functools.cache
def _compiled_variation(luma_weight: float, chroma_weight: float) -> Function:
    """One program for all pictures, with weights and gradient: TensorFlow keeps each, 1.7 MB, for ever."""
    return with_gradient(
        lambda pictures, _: (weighted_variation(pictures[0], luma_weight, chroma_weight), tf.zeros([]))
    )
