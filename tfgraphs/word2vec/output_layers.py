"""What predicts a word from a hidden vector: the five losses with the matrices, tables and draws that they need.

Each layer says which rows of the output matrix some places of the text need in a step, and what their loss is. Rows are
looked up by TensorFlow's own kernels; the loss of what was looked up is compiled.
"""

import math
from abc import ABC, abstractmethod

import numpy as np
import tensorflow as tf

from tfgraphs.word2vec import losses
from tfgraphs.word2vec.huffman import huffman_tree
from tfgraphs.word2vec.noise import noise_chances, noise_table
from tfgraphs.word2vec.settings import TrainingSettings
from tfgraphs.word2vec.text.vocabulary import Vocabulary

GROUPED = {"skipgram": 4, "cbow": 8}  # places whose hidden vectors share their noise words
SHARED_NOISE = 48, 1024  # noise words of a group: as few as suffice, and never more
NOISE_PULL = 3.1  # learning rate times pairs against which one noise word stands in a step; at 4.5 training diverges
SHARED_NODES = 64  # inner nodes next to the root, with which every hidden vector is multiplied
DEEP_NODES = 6  # of the others, how many a word may have, on average over a chunk
CHUNK = 8  # consecutive words that share their deep nodes

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

    def __init__(self, vocabulary: Vocabulary, settings: TrainingSettings, chances: np.ndarray, pairs: int) -> None:
        noise = noise_chances(vocabulary, settings.noise, settings.noise_exponent)
        self.rows = len(noise)
        self.pulls = chances + settings.negatives * noise
        self._settings = settings
        self._grouped = GROUPED[settings.architecture]
        pull = settings.rates[0] * settings.negatives * pairs * self._grouped
        fewest, most = SHARED_NOISE
        self._drawn = max(fewest, min(most, 16 * math.ceil(pull / NOISE_PULL / 16)))
        self._table = tf.constant(noise_table(noise))
        self._log_chances = tf.constant(np.log(noise), settings.dtype)

    def lookup(self, words: tf.Tensor, seed: Tensors) -> tuple[Tensors, Tensors]:
        shape = [max(1, words.shape[0] // self._grouped), self._drawn]
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
    """Hierarchical softmax over a Huffman tree of the counts.

    Nodes next to the root are shared by all words. Of the deep nodes on the paths of a chunk of words all are used if
    there are not too many; else evenly spread ones are drawn and count for the others, so that the expectation of loss
    and gradient stays what it is.
    """

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
        depths = deep.sum(axis=1)
        self._deepest = int(depths.max(initial=1))
        self._depths = tf.constant(depths, tf.int32)
        self._begins = tf.constant(np.cumsum(depths) - depths, tf.int32)
        self._nodes = tf.constant(np.append(nodes[deep], 0), tf.int32)  # of all words, one after the other; then none
        self._signs = tf.constant(np.append(signs[deep], 0), settings.dtype)

    def lookup(self, words: tf.Tensor, seed: Tensors) -> tuple[Tensors, Tensors]:
        turns = tf.cast(tf.gather(self._turns, words), self._dtype)
        nodes, *constants = self._deep(tf.reshape(words, [-1, math.gcd(words.shape[1], CHUNK)]), seed)
        return [tf.range(self._shared), nodes], [turns, *constants]

    def _deep(self, chunks: tf.Tensor, seed: Tensors) -> Tensors:
        """The deep nodes of words, [chunks, W]: as they stand in line, or some of them at even distances.

        Returns:
            Numbers of the nodes, their signs (0 for no node) times how many nodes each one counts for, and the places
            of their words in the chunk, [chunks, N] each.
        """
        count, size = chunks.shape
        room = min(DEEP_NODES, self._deepest) * size
        depths = tf.gather(self._depths, chunks)
        ends = tf.cumsum(depths, axis=1)
        shares = tf.maximum(tf.cast(ends[:, -1:], tf.float32) / room, 1)
        starts = tf.random.stateless_uniform([count, 1], seed)
        drawn = tf.cast((starts + tf.range(room, dtype=tf.float32)) * shares, tf.int32)
        owners = tf.reduce_sum(tf.cast(drawn[..., tf.newaxis] >= ends[:, tf.newaxis], tf.int32), axis=-1)
        begins = tf.reshape(tf.gather(self._begins, chunks) - ends + depths, [-1])
        first = size * tf.range(count)[:, tf.newaxis]
        places = drawn + tf.gather(begins, first + tf.minimum(owners, size - 1))
        places = tf.where(owners < size, places, tf.size(self._nodes) - 1)
        signs = tf.gather(self._signs, places) * tf.cast(shares, self._dtype)
        return [tf.gather(self._nodes, places), signs, owners]

    def loss(self, hidden: tf.Tensor, weights: tf.Tensor, rows: Tensors, constants: Tensors) -> tf.Tensor:
        shared, deep = rows
        turns, signs, owners = constants
        lefts, rights = (losses.weighted_turns(weights, tf.nn.relu(side)) for side in (turns, -turns))
        near = losses.shared_nodes(tf.matmul(hidden, shared, transpose_b=True), lefts, rights)
        return near + losses.deep_nodes(*losses.chunks(hidden, weights, deep.shape[0]), deep, signs, owners)


def output_layer(vocabulary: Vocabulary, settings: TrainingSettings, chances: np.ndarray, pairs: int) -> OutputLayer:
    """The output layer of a loss.

    Args:
        vocabulary: words.
        settings: which loss, and what it needs.
        chances: of each word to be the one to predict, after subsampling, float64 [words].
        pairs: in a place, about.
    """
    if settings.loss == "hierarchical_softmax":
        return Tree(vocabulary, settings)
    if settings.loss == "softmax":
        return Softmax(vocabulary, chances)
    return Sampled(vocabulary, settings, chances, pairs)
