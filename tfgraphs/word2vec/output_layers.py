"""What predicts a word from a hidden vector: the five losses with the matrices, tables and draws that they need.

Each layer says which rows of the output matrix some places of the text need in a step, and what their loss is. Rows are
looked up by TensorFlow's own kernels; the loss of what was looked up is compiled.
"""

from abc import ABC, abstractmethod

import numpy as np
import tensorflow as tf

from tfgraphs.word2vec import losses
from tfgraphs.word2vec.huffman import huffman_tree
from tfgraphs.word2vec.noise import noise_chances, noise_table
from tfgraphs.word2vec.settings import TrainingSettings
from tfgraphs.word2vec.vocabulary import Vocabulary

GROUPED = 4  # places whose hidden vectors share their noise words
SHARED_NOISE = 32  # noise words of a group
SHARED_NODES = 64  # inner nodes next to the root, with which every hidden vector is multiplied

Tensors = list[tf.Tensor]


class OutputLayer(ABC):
    """The output side of a model.

    Attributes:
        rows: rows of the output matrix.
        predicts_centre: whether skip-gram predicts the centre from each neighbour or each neighbour from the centre.
            As windows are symmetrical, the pairs are the same.
        pulls: how often a pair draws at each row, on average, float64 [rows].
    """

    rows: int
    predicts_centre = False
    pulls: np.ndarray

    def measure(self, words: np.ndarray) -> None:  # noqa: B027
        """Is told, before the first step, of all words that are to be predicted.

        Args:
            words: of some steps, int32 [steps, parts, places, T], -1 for none.
        """

    @abstractmethod
    def lookup(self, words: tf.Tensor, seed: Tensors) -> tuple[Tensors, Tensors]:
        """Numbers of the rows that some places need, int32 tensors of any shape, and what else their loss needs.

        Args:
            words: to predict, int32 [B, P].
            seed: of draws, two integers.
        """

    @abstractmethod
    def loss(self, hidden: tf.Tensor, weights: tf.Tensor, rows: Tensors, constants: Tensors) -> tf.Tensor:
        """The loss, a scalar.

        Args:
            hidden: h, [B, H, D].
            weights: how much each pair counts, [B, H, P].
            rows: of the output matrix, for the first list of `lookup`.
            constants: the second list.
        """


class Sampled(OutputLayer):
    """Negative sampling, NCE and sampled softmax: a word against noise words."""

    def __init__(self, vocabulary: Vocabulary, settings: TrainingSettings, chances: np.ndarray) -> None:
        noise = noise_chances(vocabulary, settings.noise, settings.noise_exponent)
        self.rows = len(noise)
        self.pulls = chances + settings.negatives * noise
        self._settings = settings
        self._table = tf.constant(noise_table(noise))
        self._log_chances = tf.constant(np.log(noise), settings.dtype)

    def lookup(self, words: tf.Tensor, seed: Tensors) -> tuple[Tensors, Tensors]:
        shape = [max(1, words.shape[0] // GROUPED), SHARED_NOISE]
        noise = tf.gather(self._table, tf.random.stateless_uniform(shape, seed, 0, self._table.shape[0], tf.int32))
        if self._settings.loss == "negative_sampling":
            return [words, noise], []
        return [words, noise], [tf.gather(self._log_chances, numbers) for numbers in (words, noise)]

    def loss(self, hidden: tf.Tensor, weights: tf.Tensor, rows: Tensors, constants: Tensors) -> tf.Tensor:
        targets, noise = rows
        scores = losses.scores(hidden, targets, weights)
        noise_scores = losses.group_scores(hidden, noise)
        if self._settings.loss == "negative_sampling":
            return losses.negative_sampling(scores, weights, noise_scores, self._settings.negatives)
        log_chances = losses.for_pairs(constants[0], weights)
        noise_log_chances = constants[1][:, tf.newaxis]
        if self._settings.loss == "nce":
            return losses.nce(scores, weights, noise_scores, self._settings.negatives, log_chances, noise_log_chances)
        return losses.sampled_softmax(scores, weights, noise_scores, log_chances, noise_log_chances)


class Softmax(OutputLayer):
    """The softmax over the whole vocabulary."""

    def __init__(self, vocabulary: Vocabulary, chances: np.ndarray) -> None:
        self.rows = len(vocabulary.words)
        self.pulls = 2 * chances  # as the word to predict, and about as much as one of the others

    def lookup(self, words: tf.Tensor, seed: Tensors) -> tuple[Tensors, Tensors]:
        return [words, tf.range(self.rows)[tf.newaxis]], []

    def loss(self, hidden: tf.Tensor, weights: tf.Tensor, rows: Tensors, constants: Tensors) -> tf.Tensor:
        targets, everything = rows
        all_scores = tf.reshape(losses.group_scores(hidden, everything), [*weights.shape[:2], self.rows])
        return losses.softmax(losses.scores(hidden, targets, weights), weights, all_scores)


class Tree(OutputLayer):
    """Hierarchical softmax over a Huffman tree of the counts."""

    predicts_centre = True

    def __init__(self, vocabulary: Vocabulary, settings: TrainingSettings) -> None:
        tree = huffman_tree(vocabulary.counts)
        self.rows = tree.words - 1
        self.pulls = tree.counts / vocabulary.counts.sum()
        self._dtype = settings.dtype
        self._shared = min(SHARED_NODES, self.rows)
        nodes, signs = tree.paths(np.arange(tree.words))
        shared = nodes < self._shared
        turns = np.zeros((tree.words, self._shared), np.int8)
        np.put_along_axis(turns, np.where(shared, nodes, 0), signs, axis=1)
        turns[:, 0] = signs[:, 0]  # where nodes that are not shared were put
        self._turns = tf.constant(turns)
        deep = ~shared & (signs != 0)
        self._depths = deep.sum(axis=1).astype(np.int32)
        self._begins = tf.constant(np.cumsum(self._depths) - self._depths, tf.int32)
        self._nodes = tf.constant(nodes[deep])  # of all words, one after the other
        self._signs = tf.constant(signs[deep])
        self._by_place = settings.architecture == "skipgram"
        self.capacity: int | None = None  # own nodes of a group; by default as many as there could be

    def measure(self, words: np.ndarray) -> None:
        """Makes room for the own nodes of the words."""
        depths = self._depths[np.maximum(words, 0)].sum(axis=-1 if self._by_place else (-2, -1))
        room = -(-int(depths.max(initial=1)) // 16) * 16
        self.capacity = max(room, self.capacity or 0)

    def lookup(self, words: tf.Tensor, seed: Tensors) -> tuple[Tensors, Tensors]:
        nodes, signs, places = self._own(tf.reshape(words, [words.shape[0] if self._by_place else 1, -1]))
        turns = tf.cast(tf.gather(self._turns, words), self._dtype)
        return [tf.range(self._shared), nodes], [turns, tf.cast(signs, self._dtype), places]

    def _own(self, words: tf.Tensor) -> Tensors:
        """The own nodes of groups of words, [groups, words], in rows.

        Returns:
            Numbers of the nodes, their signs, and the places of their words in the group, [groups, capacity].
        """
        groups, size = words.shape
        capacity = self.capacity or max(1, size * int(self._depths.max()))
        depths = tf.gather(tf.constant(self._depths), words)
        ends = tf.cumsum(tf.reshape(depths, [-1]))
        entries = tf.range(ends[-1])
        owners = tf.searchsorted(ends, entries, side="right")  # which word a node is for
        begins = tf.gather(ends, owners) - tf.gather(tf.reshape(depths, [-1]), owners)
        sources = tf.gather(self._begins, tf.gather(tf.reshape(words, [-1]), owners)) + entries - begins
        group_begins = tf.cumsum(tf.reduce_sum(depths, axis=1), exclusive=True)
        targets = entries + (owners // size) * capacity - tf.gather(group_begins, owners // size)
        rows = [tf.gather(self._nodes, sources), tf.cast(tf.gather(self._signs, sources), tf.int32), owners % size]
        flat = [tf.scatter_nd(targets[:, tf.newaxis], row, [groups * capacity]) for row in rows]
        return [tf.reshape(row, [groups, capacity]) for row in flat]

    def loss(self, hidden: tf.Tensor, weights: tf.Tensor, rows: Tensors, constants: Tensors) -> tf.Tensor:
        shared, own = rows
        turns, signs, words = constants
        lefts, rights = (losses.weighted_turns(weights, tf.nn.relu(side)) for side in (turns, -turns))
        near = losses.shared_nodes(tf.matmul(hidden, shared, transpose_b=True), lefts, rights)
        return near + losses.own_nodes(hidden, weights, own, signs, words)


def output_layer(vocabulary: Vocabulary, settings: TrainingSettings, chances: np.ndarray) -> OutputLayer:
    """The output layer of a loss.

    Args:
        vocabulary: words.
        settings: which loss, and what it needs.
        chances: of each word to be the one to predict, after subsampling, float64 [words].
    """
    if settings.loss == "hierarchical_softmax":
        return Tree(vocabulary, settings)
    if settings.loss == "softmax":
        return Softmax(vocabulary, chances)
    return Sampled(vocabulary, settings, chances)
