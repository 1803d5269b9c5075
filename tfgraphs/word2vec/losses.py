"""The loss of word vectors, over many words of running text at once.

No pair of words is ever written down. A step reads T consecutive words from each of B places of the text with w words
on either side, multiplies all their vectors, [B, T, D] x [B, D, T + 2w], and a mask picks the products that are pairs.
"""

import numpy as np
import tensorflow as tf


def window_weights(length: int, window: int) -> np.ndarray:
    """How much each neighbour counts: float32 [length, length + 2 * window], rows are centres.

    Word2vec draws the reach of each window evenly from 1..window. A word at distance d is then inside with probability
    (window + 1 - d) / window, and that expectation stands here in place of the draw.
    """
    centres = np.arange(length)[:, None] + window
    distance = np.abs(np.arange(length + 2 * window)[None, :] - centres)
    weights = (window + 1 - distance) / window
    return np.where((distance > 0) & (distance <= window), weights, 0).astype(np.float32)


def positive_loss(centres: tf.Tensor, contexts: tf.Tensor, pairs: tf.Tensor) -> tf.Tensor:
    """Sum over pairs of -log sigmoid(v . v').

    Args:
        centres: v, [B, T, D].
        contexts: v' of the words around, [B, T + 2w, D].
        pairs: weight of each pair, [B, T, T + 2w].
    """
    logits = tf.matmul(centres, contexts, transpose_b=True)
    return tf.reduce_sum(pairs * tf.nn.softplus(-logits))


def negative_loss(centres: tf.Tensor, noise: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Sum of -log sigmoid(-v . v') over words that are not there.

    Args:
        centres: v in groups that share their noise words, [groups, G, D].
        noise: v' of these, [groups, S, D].
        weights: how often each centre meets each of its noise words, [groups, G].
    """
    logits = tf.matmul(centres, noise, transpose_b=True)
    return tf.reduce_sum(weights[..., tf.newaxis] * tf.nn.softplus(logits))
