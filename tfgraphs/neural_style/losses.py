"""The losses of neural style: what two pictures have in common, as scalars to be made small.

All are relative to their target, so that one set of weights serves every picture size, layer and network:

    content  mean((F - F*)^2) / mean(F*^2)                 F: activations [positions, channels], F*: the photograph's
    style    ||G - G*||^2 / ||G*||^2,  G = F'F / positions  G*: the painting's Gram matrix
    variation  mean of the squared differences of neighbouring pixels

The form is that of Gatys, Ecker and Bethge (arXiv 1508.06576), who take sums where these take means.
"""

from collections.abc import Mapping

import tensorflow as tf

Activations = Mapping[str, tf.Tensor]


def gram_matrix(activation: tf.Tensor) -> tf.Tensor:
    """F'F / positions: how strongly each two channels respond together. [batch, h, w, c] -> [batch, c, c]."""
    shape = tf.shape(activation)
    features = tf.reshape(activation, [shape[0], shape[1] * shape[2], activation.shape[-1]])
    return tf.matmul(features, features, transpose_a=True) / tf.cast(shape[1] * shape[2], features.dtype)


def content_loss(activation: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Squared error of activations relative to the target's mean square. Both [batch, h, w, c]."""
    return tf.reduce_mean(tf.math.squared_difference(activation, target)) / _mean_square(target)


def style_loss(activations: Activations, targets: Activations, weights) -> tf.Tensor:
    """Mean over the layers of the squared error of Gram matrices relative to the target's own squared norm.

    Args:
        activations: {layer: [batch, h, w, c]} of the picture.
        targets: {layer: [batch or 1, c, c]} Gram matrices of the painting. Only their layers count.
    """
    losses = [
        weights[layer]
        * tf.reduce_mean(tf.math.squared_difference(gram_matrix(activations[layer]), target))
        / _mean_square(target)
        for layer, target in targets.items()
    ]
    return tf.add_n(losses) / sum(weights.values())


def total_variation(pictures: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of neighbours down plus across. [batch, h, w, c]; at least 2 x 2 pixels."""
    down = pictures[:, 1:] - pictures[:, :-1]
    across = pictures[:, :, 1:] - pictures[:, :, :-1]
    return tf.reduce_mean(tf.square(down)) + tf.reduce_mean(tf.square(across))


def _mean_square(target: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.square(target)) + 1e-12
