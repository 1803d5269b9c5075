"""The losses of neural style: how far a picture is from a photograph's content and from a painting's style.

F are the activations of a layer with N channels at M positions, F* those of the photograph or the painting, and
G = F'F / M is the Gram matrix. There are two forms. The one of Gatys, Ecker and Bethge (arXiv 1508.06576), "paper":

    content    1/2 ||F - F*||^2
    style      sum_l w_l / (4 N_l^2) ||G_l - G*_l||^2

grows with the picture and with the network's scale, so that its weights have to be chosen anew for each. (The paper
writes the sums G M, and divides by 4 N^2 M^2; here a painting may have another size than the picture.) In the other,
"normalized", each part is relative to its target, so that one pair of weights serves every size, layer and network:

    content    ||F - F*||^2 / ||F*||^2
    style      sum_l w_l ||G_l - G*_l||^2 / ||G*_l||^2

Layer by layer, paper = 1/2 ||F*||^2 normalized for content, and ||G*||^2 / (4 N^2) normalized for style.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import tensorflow as tf

Error = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Maps a value and its target, of one shape, to a scalar."""


@dataclass(frozen=True)
class Form:
    """How errors are measured.

    Attributes:
        content: of activations [1, height, width, channels].
        style: of a statistic of activations, such as Gram matrices [1, channels, channels].
    """

    content: Error
    style: Error


def gram_matrix(activation: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """F'F / M: how strongly each two channels respond together.

    Args:
        activation: float32 [batch, height, width, channels].
        mask: float32 [batch, height, width], how much each position counts; without it all count alike.

    Returns:
        [batch, channels, channels]; with a mask sum_p m_p F_p'F_p / sum_p m_p.
    """
    features = _positions(activation)
    if mask is None:
        return _products(features) / tf.cast(tf.shape(features)[1], features.dtype)
    counts = tf.reshape(mask, [tf.shape(mask)[0], -1, 1])
    return _products(features * tf.sqrt(counts)) / (tf.reduce_sum(counts, axis=1, keepdims=True) + _SMALL)


def mean_and_deviation(activation: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Of each channel, as adaptive instance normalization has it (Huang and Belongie, arXiv 1703.06868).

    Args as of `gram_matrix`. Returns [batch, 2, channels].
    """
    features = _positions(activation)
    counts = tf.ones_like(features[..., :1]) if mask is None else tf.reshape(mask, [tf.shape(mask)[0], -1, 1])
    shares = counts / (tf.reduce_sum(counts, axis=1, keepdims=True) + _SMALL)
    mean = tf.reduce_sum(shares * features, axis=1, keepdims=True)
    variance = tf.reduce_sum(shares * tf.math.squared_difference(features, mean), axis=1, keepdims=True)
    return tf.concat([mean, tf.sqrt(variance + _SMALL)], axis=1)


STATISTICS: dict[str, Callable[[tf.Tensor, tf.Tensor | None], tf.Tensor]] = {
    "gram": gram_matrix,
    "mean_variance": mean_and_deviation,
}


def relative_error(value: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """||value - target||^2 / ||target||^2."""
    return tf.reduce_mean(tf.math.squared_difference(value, target)) / (tf.reduce_mean(tf.square(target)) + _SMALL)


def paper_content_error(activation: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """1/2 ||F - F*||^2."""
    return tf.nn.l2_loss(activation - target)


def paper_style_error(statistic: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """||G - G*||^2 / (4 N^2), of other statistics the same with the number of their values in place of N^2."""
    return tf.reduce_mean(tf.math.squared_difference(statistic, target)) / 4


FORMS = {
    "normalized": Form(relative_error, relative_error),
    "paper": Form(paper_content_error, paper_style_error),
}


def total_variation(pictures: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of neighbours down plus across. [batch, h, w, c]; at least 2 x 2 pixels."""
    down = pictures[:, 1:] - pictures[:, :-1]
    across = pictures[:, :, 1:] - pictures[:, :, :-1]
    return tf.reduce_mean(tf.square(down)) + tf.reduce_mean(tf.square(across))


def weighted(errors: Mapping[str, tf.Tensor], weights: Mapping[str, float]) -> dict[str, tf.Tensor]:
    """What each layer contributes to the style loss; of weights only the proportions count."""
    return {layer: weights[layer] / sum(weights.values()) * error for layer, error in errors.items()}


_SMALL = 1e-12


def _positions(activation: tf.Tensor) -> tf.Tensor:
    """[batch, height, width, channels] -> [batch, positions, channels]."""
    return tf.reshape(activation, [tf.shape(activation)[0], -1, activation.shape[-1]])


@tf.custom_gradient
def _products(features: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """F'F, whose gradient is one product, F (D + D'); differentiated as two it would take twice the time."""

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return tf.matmul(features, upstream + tf.linalg.matrix_transpose(upstream))

    return tf.matmul(features, features, transpose_a=True), gradient
