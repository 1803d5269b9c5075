"""The losses of a pair of words: what a hidden vector predicts, and how wrong that is.

    h = mean of the inputs of the context's words

Each class is the output side of a model: it knows how many rows its matrix has, what the loss of some targets is, and
which probabilities it gives to all words. The formulas are those of the losses of a text; here a step has one pair, and
nothing is shared or sampled but the noise words.
"""

from typing import Protocol

import numpy as np
import tensorflow as tf

from tfgraphs.graphs.scopes import scope
from tfgraphs.word2vec.hierarchical_softmax import deep_nodes, huffman_tree
from tfgraphs.word2vec.negative_sampling import negative_sampling, noise_probabilities
from tfgraphs.word2vec.pairs.pair_format import PairSettings
from tfgraphs.word2vec.text.vocabulary import Vocabulary

NOISE_EXPONENT = 0.75


class Output(Protocol):
    """The output side of a model of pairs.

    Attributes:
        name: of the loss in the settings.
        rows: of the output matrix.
    """

    name: str
    rows: int

    def loss(
        self, outputs: tf.Tensor, hidden: tf.Tensor, targets: tf.Tensor, counts: tf.Tensor, step: tf.Tensor
    ) -> tf.Tensor:
        """Return the loss of a pair.

        Args:
            outputs: the matrix, [rows, D].
            hidden: h, [D].
            targets: words to predict, int32 [P].
            counts: how often each of them counts, 0 for none, [P].
            step: number of the pair in the training, from 0.
        """

    def probabilities(self, outputs: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Return how probable each word is, [words]."""


class Softmax:
    """A softmax over the vocabulary.

        s = outputs h      loss = C log sum exp(s) - sum_t s_t

    C is the number of targets t, so this is the sum of their -log softmax(s)_t, and its gradient with respect to s is
    C softmax(s) - t. wevi omits C and takes each target once. With several targets softmax(s) - t has no zero, and the
    weights grow without bound.

    Args:
        words: size of the vocabulary.
        compat: `wevi`, or None for the exact gradient.
    """

    name = "softmax"

    def __init__(self, words: int, compat: str | None) -> None:
        self.rows, self._compat = words, compat

    def loss(
        self, outputs: tf.Tensor, hidden: tf.Tensor, targets: tf.Tensor, counts: tf.Tensor, step: tf.Tensor
    ) -> tf.Tensor:
        with scope("scores"):
            scores = tf.linalg.matvec(outputs, hidden)
        if self._compat == "wevi":
            counts = tf.minimum(counts, 1)
        count = 1.0 if self._compat == "wevi" else tf.reduce_sum(counts)
        return count * tf.reduce_logsumexp(scores) - tf.tensordot(counts, tf.gather(scores, targets), 1)

    def probabilities(self, outputs: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(tf.linalg.matvec(outputs, hidden))


class NegativeSampling:
    """Tells targets from noise words, see `word2vec.negative_sampling`.

        loss = - sum_t ( log sigmoid(s_t) + sum over K words y of log sigmoid(-s_y) )

    Noise words are drawn for each target in proportion to their count ^ 3/4; those that are targets do not count. The
    probability of a word is sigmoid(s), that it is a target and no noise; these do not add up to 1.

    Args:
        vocabulary: words.
        settings: `negatives` and `random_state` are used here.
    """

    name = "negative_sampling"

    def __init__(self, vocabulary: Vocabulary, settings: PairSettings) -> None:
        self.rows, self._negatives, self._seed = len(vocabulary.words), settings.negatives, settings.random_state
        self._noise = tf.constant(np.log(noise_probabilities(vocabulary, "unigram", NOISE_EXPONENT))[np.newaxis])

    def noise(self, targets: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """Return the noise words of a step, int32 [P * K]."""
        count = self._negatives * tf.size(targets)
        key = tf.cast(tf.stack([self._seed, step]), tf.int64)
        return tf.random.stateless_categorical(self._noise, count, key, tf.int32)[0]

    def loss(
        self, outputs: tf.Tensor, hidden: tf.Tensor, targets: tf.Tensor, counts: tf.Tensor, step: tf.Tensor
    ) -> tf.Tensor:
        with scope("noise"):
            noise = self.noise(targets, step)
        with scope("scores"):
            scores = tf.linalg.matvec(outputs, hidden)
        is_target = tf.reduce_any((noise[:, tf.newaxis] == targets) & (counts > 0), axis=1)
        noise_counts = tf.repeat(counts, self._negatives) * tf.cast(~is_target, counts.dtype)
        values = tf.gather(scores, targets), counts, tf.gather(scores, noise), noise_counts
        of_targets, counts, of_noise, noise_counts = (one[tf.newaxis, tf.newaxis] for one in values)
        return negative_sampling(of_targets, counts, of_noise, noise_counts)

    def probabilities(self, outputs: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(tf.linalg.matvec(outputs, hidden))


class HierarchicalSoftmax:
    """Predicts a word by decisions on its path in the Huffman tree of the counts, see `word2vec.hierarchical_softmax`.

        loss = - sum over targets t, and inner nodes j on their paths, of log sigmoid(e_j v'_j . h)

    Args:
        vocabulary: words, in any order.

    Attributes:
        tree: with the words in the order of `order`.
        order: numbers of the words, the most frequent first, int [words].
        paths: inner nodes on the way to each word, from the root on, int32 [words, L], -1 after the end.
        signs: +1 where the way goes left, -1 where it goes right, 0 after the end, [words, L].
    """

    name = "hierarchical_softmax"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.order = np.argsort(-vocabulary.counts, kind="stable")
        self.tree = huffman_tree(vocabulary.counts[self.order])
        self.rows = len(self.tree.children)
        nodes, signs = (table[np.argsort(self.order)] for table in self.tree.paths())
        self.paths, self.signs = np.where(signs != 0, nodes, -1), signs
        self._nodes, self._signs = tf.constant(nodes), tf.constant(signs, tf.float64)

    def loss(
        self, outputs: tf.Tensor, hidden: tf.Tensor, targets: tf.Tensor, counts: tf.Tensor, step: tf.Tensor
    ) -> tf.Tensor:
        with scope("path"):
            nodes, signs = (tf.reshape(tf.gather(table, targets), [1, -1]) for table in (self._nodes, self._signs))
            owners = tf.repeat(tf.range(tf.size(targets)), self._nodes.shape[1])[tf.newaxis]
            rows = tf.gather(outputs, nodes)
        with scope("deep_nodes"):
            one, counted = hidden[tf.newaxis, tf.newaxis], counts[tf.newaxis, tf.newaxis]
            return deep_nodes(one, counted, rows, signs, owners)

    def probabilities(self, outputs: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        decisions = self._signs * tf.gather(tf.linalg.matvec(outputs, hidden), self._nodes)
        taken = tf.where(self._signs != 0, tf.sigmoid(decisions), tf.ones_like(decisions))
        return tf.reduce_prod(taken, axis=1)


def make_output(vocabulary: Vocabulary, settings: PairSettings) -> Output:
    """Return the output side that the settings ask for."""
    if settings.loss == "negative_sampling":
        return NegativeSampling(vocabulary, settings)
    if settings.loss == "hierarchical_softmax":
        return HierarchicalSoftmax(vocabulary)
    return Softmax(len(vocabulary.words), settings.compat)
