"""The softmax over the whole vocabulary.

    loss of a pair = -log( exp(v'_O . h) / sum over all words y of exp(v'_y . h) )

Its cost grows with the vocabulary; the other output layers approximate it.
"""

import numpy as np
import tensorflow as tf

from tfgraphs.word2vec.output_layer import OutputLayer, Tensors, group_scores, pair_scores


class Softmax(OutputLayer):
    """Compares a word with all words.

    Args:
        chances: probability of each word to be the one to predict, float64 [words].
    """

    def __init__(self, chances: np.ndarray) -> None:
        self.rows = len(chances)
        self.pulls = 2 * chances  # as the word to predict, and about as much as one of the others

    def lookup(self, words: tf.Tensor, seed: Tensors) -> tuple[Tensors, Tensors]:
        return [words, tf.range(self.rows)[tf.newaxis]], []

    def loss(self, hidden: tf.Tensor, weights: tf.Tensor, rows: Tensors, constants: Tensors) -> tf.Tensor:
        targets, vocabulary = rows
        all_scores = tf.reshape(group_scores(hidden, vocabulary), [*weights.shape[:2], self.rows])
        return softmax(pair_scores(hidden, targets, weights), weights, all_scores)


def softmax(scores: tf.Tensor, weights: tf.Tensor, all_scores: tf.Tensor) -> tf.Tensor:
    """Compute the loss above, summed over all pairs.

    Args:
        scores: v'_O . h, [B, H, P].
        weights: how much each pair counts, [B, H, P].
        all_scores: v'_y . h, [B, H, V].
    """
    normalizer = tf.reduce_logsumexp(all_scores, axis=-1, keepdims=True)
    return tf.reduce_sum(weights * (normalizer - scores))
