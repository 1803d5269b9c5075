"""The losses of neural style: how far a picture is from a photograph's content and from a painting's style.

Both are relative to their target, so that one pair of weights serves every picture size, layer and network:

    content    mean((F - F*)^2) / mean(F*^2)                F, F*: activations of the picture and the photograph
    style      sum_l w_l ||G_l - G*_l||^2 / ||G*_l||^2      G = F'F / positions, G*: the painting's Gram matrix
    variation  mean squared difference of neighbouring pixels

The form is that of Gatys, Ecker and Bethge (arXiv 1508.06576), who take sums where these take means.
"""

from collections.abc import Mapping

import tensorflow as tf


def gram_matrix(activation: tf.Tensor) -> tf.Tensor:
    """F'F / positions: how strongly each two channels respond together. [batch, h, w, c] -> [batch, c, c]."""
    batch, height, width = tf.unstack(tf.shape(activation)[:3])
    features = tf.reshape(activation, [batch, height * width, activation.shape[-1]])
    return tf.matmul(features, features, transpose_a=True) / tf.cast(height * width, features.dtype)


def content_loss(activation: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Squared error of activations relative to the target's mean square. Both [batch, h, w, c]."""
    return _relative_error(activation, target)


def style_loss(
    activations: Mapping[str, tf.Tensor], targets: Mapping[str, tf.Tensor], weights: Mapping[str, float]
) -> tf.Tensor:
    """Weighted mean over layers of the squared error of Gram matrices relative to the targets' squared norms.

    Args:
        activations: {layer: [batch, h, w, c]} of the picture, at least for the layers of `weights`.
        targets: {layer: [batch, c, c]} Gram matrices of the painting.
        weights: {layer: weight}; only their proportions count.
    """
    losses = [
        weight * _relative_error(gram_matrix(activations[layer]), targets[layer]) for layer, weight in weights.items()
    ]
    return tf.add_n(losses) / sum(weights.values())


def total_variation(pictures: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of neighbours down plus across. [batch, h, w, c]; at least 2 x 2 pixels."""
    down = pictures[:, 1:] - pictures[:, :-1]
    across = pictures[:, :, 1:] - pictures[:, :, :-1]
    return tf.reduce_mean(tf.square(down)) + tf.reduce_mean(tf.square(across))


def _relative_error(value: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.math.squared_difference(value, target)) / (tf.reduce_mean(tf.square(target)) + 1e-12)
