"""Output layers, which predict words from hidden vectors: the interface, the softmax, and what their losses share.

No pair of words is ever written down. A step reads T consecutive words from each of B places of the text, with w words
on either side. h are hidden vectors, H for each place, which predict P words of the same place, and weights say how
much each of these pairs counts, [B, H, P]. In skip-gram P is T + 2w, the weights are a band, and the scores v' . h are
one product of matrices. In CBOW each hidden vector predicts one word, and P is 1.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgraphs.graphs.scopes import scope

Tensors = list[tf.Tensor]


class Draw(NamedTuple):
    """Says which random numbers are drawn: those of a part of a step."""

    seed: int
    step: int | tf.Tensor
    part: int = 0
    parts: int = 1

    def key(self, stream: int = 0) -> list[int | tf.Tensor]:
        """The seed of TensorFlow's stateless functions, another for each stream."""
        return [self.seed + stream, self.step * self.parts + self.part]

    def key_of_step(self) -> list[int | tf.Tensor]:
        """The same for what all parts of a step share."""
        return [self.seed, self.step * self.parts]


class OutputLayer(ABC):
    """The output side of a model.

    A layer says which rows of the output matrix a step needs, and what the loss of these rows is. TensorFlow's own
    kernels look the rows up; the loss is compiled.

    Attributes:
        rows: number of rows of the output matrix.
        predicts_centre: whether skip-gram predicts the centre from each neighbour, or each neighbour from the centre.
            Windows are symmetric, so the pairs are the same.
        pulls: how many terms of the loss of a pair contain each row, on average, float64 [rows].
    """

    rows: int
    predicts_centre = False
    pulls: np.ndarray

    @abstractmethod
    def lookup(self, words: tf.Tensor, draw: Draw) -> tuple[Tensors, Tensors]:
        """Return the numbers of the rows that a step needs, int32 tensors of any shape, and other constants.

        Args:
            words: to predict, int32 [B, P].
            draw: which random numbers to use.
        """

    @abstractmethod
    def loss(self, hidden: tf.Tensor, weights: tf.Tensor, rows: Tensors, constants: Tensors) -> tf.Tensor:
        """Return the loss, summed over all pairs.

        Args:
            hidden: h, [B, H, D].
            weights: how much each pair counts, [B, H, P].
            rows: of the output matrix, for the numbers of `lookup`.
            constants: of `lookup`.
        """


class Softmax(OutputLayer):
    """Compares a word with all words of the vocabulary.

    Its cost grows with the vocabulary; the other output layers approximate it.

    Args:
        chances: probability of each word to be the one to predict, float64 [words].
    """

    def __init__(self, chances: np.ndarray) -> None:
        self.rows = len(chances)
        self.pulls = 2 * chances  # as the word to predict, and about as much as one of the others

    def lookup(self, words: tf.Tensor, draw: Draw) -> tuple[Tensors, Tensors]:
        with scope("vocabulary"):
            return [words, tf.range(self.rows)[tf.newaxis]], []

    def loss(self, hidden: tf.Tensor, weights: tf.Tensor, rows: Tensors, constants: Tensors) -> tf.Tensor:
        targets, vocabulary = rows
        with scope("scores"):
            all_scores = tf.reshape(group_scores(hidden, vocabulary), [*weights.shape[:2], self.rows])
            scores = pair_scores(hidden, targets, weights)
        return softmax(scores, weights, all_scores)


def softmax(scores: tf.Tensor, weights: tf.Tensor, all_scores: tf.Tensor) -> tf.Tensor:
    """Compute the loss of a softmax over the whole vocabulary, summed over all pairs.

        loss of a pair = -log( exp(v'_O . h) / sum over all words y of exp(v'_y . h) )

    Args:
        scores: v'_O . h, [B, H, P].
        weights: how much each pair counts, [B, H, P].
        all_scores: v'_y . h, [B, H, V].
    """
    with scope("normalizer"):
        normalizer = tf.reduce_logsumexp(all_scores, axis=-1, keepdims=True)
    return tf.reduce_sum(weights * (normalizer - scores))


def pair_scores(hidden: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Compute v' . h for the pairs of `weights`, [B, H, P].

    Args:
        hidden: h, [B, H, D].
        outputs: v' of the words to predict, [B, P, D]; if P is 1 in `weights`, [B, H, D], one for each h.
        weights: [B, H, P].
    """
    if weights.shape[-1] == 1:
        return tf.reduce_sum(hidden * outputs, axis=-1, keepdims=True)
    return tf.matmul(hidden, outputs, transpose_b=True)


def group_scores(hidden: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Compute v'_y . h for words y that groups of hidden vectors share, [groups, B * H / groups, S].

    Args:
        hidden: h, [B, H, D].
        outputs: v' of the words, [groups, S, D].
    """
    return tf.matmul(tf.reshape(hidden, [outputs.shape[0], -1, hidden.shape[-1]]), outputs, transpose_b=True)


def for_pairs(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Reshape a value for each word to predict, [B, words], so that it broadcasts over the pairs, [B, H, P]."""
    return values[..., tf.newaxis] if weights.shape[-1] == 1 else values[:, tf.newaxis]


@tf.custom_gradient
def softplus(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Compute log(1 + exp(x)), which is -log sigmoid(-x).

    Value and gradient share the exponential. With `tf.math.softplus` loss and gradients of a step of CBOW take 1.50 ms
    instead of 1.33 (medians), those of skip-gram 1.60 instead of 1.33.
    """
    power = tf.exp(tf.minimum(x, 60))  # log(1 + exp(x)) is x beyond 60
    return tf.maximum(x, tf.math.log(1 + power)), lambda gradient: gradient * (power / (1 + power))


def total(values: tf.Tensor) -> tf.Tensor:
    """Sum all values by a product with ones: XLA adds those of `tf.reduce_sum` one by one.

    With `tf.reduce_sum` loss and gradients of a step of CBOW take 1.54 ms instead of 1.33, those of skip-gram 1.53.
    """
    ones = tf.ones([values.shape[-1], 1], values.dtype)
    return tf.reduce_sum(tf.matmul(tf.reshape(values, [-1, values.shape[-1]]), ones))
