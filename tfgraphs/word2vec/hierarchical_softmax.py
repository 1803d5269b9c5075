"""Hierarchical softmax: the words are leaves of a binary tree, and a word is predicted by decisions on its path.

    p(word | h) = product over the inner nodes j of its path of sigmoid(e_j v'_j . h),   e_j = +1 left, -1 right
    loss of a pair = -log p(word | h)

Sources: Morin, Bengio 2005; with a Huffman tree, which makes frequent words' paths short, Mikolov et al. 2013 (arXiv
1310.4546). A path has 12.6 nodes on average in English text.

The nodes next to the root are on the paths of very many words, so all pairs of a place share one product of matrices
with them, which is exact. Of the deep nodes on the paths of a few consecutive words, evenly spaced ones are drawn by
default if there are many, and each counts for those left out: the expected loss and gradient are the same.
`TrainingSettings.deep_nodes` says how many, and switches this off.
"""

import heapq
import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfgraphs.graphs.scopes import scope
from tfgraphs.word2vec.output_layer import Draw, OutputLayer, Tensors, softplus, total
from tfgraphs.word2vec.settings import TrainingSettings
from tfgraphs.word2vec.text.vocabulary import Vocabulary

SHARED_NODES = 64  # inner nodes next to the root, with which every hidden vector is multiplied
CHUNK = 8  # consecutive words that share their deep nodes


class HierarchicalSoftmax(OutputLayer):
    """Predicts a word by the decisions on its path in the Huffman tree of the counts."""

    predicts_centre = True

    def __init__(self, vocabulary: Vocabulary, settings: TrainingSettings) -> None:
        tree = huffman_tree(vocabulary.counts)
        self.rows = len(tree.children)
        self.pulls = tree.counts / vocabulary.counts.sum()
        self._dtype = settings.dtype
        self._shared = min(SHARED_NODES, self.rows)
        nodes, signs = tree.paths()
        shared = nodes < self._shared
        turns = np.zeros((len(nodes), self._shared), np.int8)
        np.put_along_axis(turns, np.where(shared, nodes, 0), signs, axis=1)
        turns[:, 0] = signs[:, 0]  # where the line above put nodes that are not shared
        self._turns = tf.constant(turns)
        deep = ~shared & (signs != 0)
        depths = deep.sum(axis=1)
        deepest = int(depths.max(initial=1))
        self._room = min(settings.deep_nodes or deepest, deepest)  # deep nodes per word
        self._depths = tf.constant(depths, tf.int32)
        self._begins = tf.constant(np.cumsum(depths) - depths, tf.int32)
        self._nodes = tf.constant(np.append(nodes[deep], 0), tf.int32)  # of all words in a row; the last is no node
        self._signs = tf.constant(np.append(signs[deep], 0), settings.dtype)

    def lookup(self, words: tf.Tensor, draw: Draw) -> tuple[Tensors, Tensors]:
        with scope("path"):
            turns = tf.cast(tf.gather(self._turns, words), self._dtype)
            nodes, *constants = self._draw_deep(tf.reshape(words, [-1, math.gcd(words.shape[1], CHUNK)]), draw)
            return [tf.range(self._shared), nodes], [turns, *constants]

    def _draw_deep(self, chunks: tf.Tensor, draw: Draw) -> Tensors:
        """Take the deep nodes of chunks of words, [chunks, W]: all in a row, or some of them at equal distances.

        Returns their numbers; their signs (0 for no node) times how many nodes each one counts for; and the position of
        their words in the chunk; [chunks, N] each.
        """
        count, size = chunks.shape
        room = self._room * size
        depths = tf.gather(self._depths, chunks)
        ends = tf.cumsum(depths, axis=1)
        shares = tf.maximum(tf.cast(ends[:, -1:], tf.float32) / room, 1)
        starts = tf.random.stateless_uniform([count, 1], draw.key())
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
        with scope("shared_nodes"):
            sides = tf.nn.relu(turns), tf.nn.relu(-turns)  # 1 for words that turn to this side at a shared node
            lefts, rights = (weights * side if weights.shape[-1] == 1 else tf.matmul(weights, side) for side in sides)
            near = shared_nodes(tf.matmul(hidden, shared, transpose_b=True), lefts, rights)
        with scope("deep_nodes"):
            if weights.shape[-1] == 1:
                hidden, weights = (tf.reshape(one, [deep.shape[0], -1, one.shape[2]]) for one in (hidden, weights))
                far = own_nodes(hidden, weights, deep, signs, owners)
            else:
                far = deep_nodes(*_chunks(hidden, weights, deep.shape[0]), deep, signs, owners)
        return near + far


def shared_nodes(decisions: tf.Tensor, lefts: tf.Tensor, rights: tf.Tensor) -> tf.Tensor:
    """Compute the part of the loss that belongs to the nodes next to the root.

    All words whose paths turn to the same side at a node have the same loss there, so their total weight is enough.

    Args:
        decisions: v'_j . h for each of K inner nodes j, [B, H, K].
        lefts: weight of the words to predict whose path goes left there, [B, H, K].
        rights: of those whose path goes right.
    """
    return total(lefts * softplus(-decisions) + rights * softplus(decisions))


def deep_nodes(
    hidden: tf.Tensor, weights: tf.Tensor, nodes: tf.Tensor, signs: tf.Tensor, words: tf.Tensor
) -> tf.Tensor:
    """Compute the rest of the loss: the sum of -log sigmoid(e_j v'_j . h) over deep nodes j on the paths of words.

    Args:
        hidden: h, [chunks, N, D].
        weights: how much each pair counts, [chunks, N, W].
        nodes: v'_j, [chunks, K, D].
        signs: how much each node counts times e_j: +1 left, -1 right, 0 no node; [chunks, K].
        words: which of the W words each node is for, [chunks, K].
    """
    counts = tf.abs(signs)[:, tf.newaxis] * tf.one_hot(words, weights.shape[-1], axis=1, dtype=weights.dtype)
    decisions = tf.sign(signs)[:, tf.newaxis] * tf.matmul(hidden, nodes, transpose_b=True)
    return total(tf.matmul(weights, counts) * softplus(-decisions))


def own_nodes(hidden: tf.Tensor, weights: tf.Tensor, nodes: tf.Tensor, signs: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
    """Compute the same where each of W hidden vectors predicts one word: its path is not for the others.

    Args:
        hidden: h, [chunks, W, D].
        weights: how much each pair counts, [chunks, W, 1].
        nodes, signs, words: as of `deep_nodes`.
    """
    words = tf.minimum(words, hidden.shape[1] - 1)  # beyond the last is no node
    of_nodes = tf.gather(hidden, words, batch_dims=1) * nodes
    decisions = tf.matmul(of_nodes, tf.ones([nodes.shape[-1], 1], nodes.dtype))[..., 0]  # a product is a faster sum
    counts = tf.abs(signs) * tf.gather(weights[..., 0], words, batch_dims=1)
    return total(counts * softplus(-tf.sign(signs) * decisions))


def _chunks(hidden: tf.Tensor, weights: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Cut the words to predict into chunks of W consecutive ones, with the hidden vectors that predict them.

    Returns hidden vectors, [count, N, D], and weights, [count, N, W], where N is W and both windows.
    """
    places, length, dim = hidden.shape
    size = places * weights.shape[-1] // count
    near = length - weights.shape[-1] + size
    begins = range(0, weights.shape[-1], size)
    vectors = tf.stack([hidden[:, begin : begin + near] for begin in begins], axis=1)
    cut = tf.stack([weights[:, begin : begin + near, begin : begin + size] for begin in begins], axis=1)
    return tf.reshape(vectors, [count, near, dim]), tf.reshape(cut, [count, near, size])


@dataclass(frozen=True)
class HuffmanTree:
    """A binary tree with the V words as its leaves and V - 1 inner nodes, of which node 0 is the root.

    Inner nodes are in order of falling count, a parent before its children; among equal counts, those that were joined
    later come first. So the first K are the K that training visits most, and they form a tree.

    Attributes:
        children: int32 [V - 1, 2], left and right child of each inner node. A number n < V - 1 is inner node n, and
            n >= V - 1 is the word n - (V - 1).
        counts: int64 [V - 1], the sum of the counts of the words below each inner node.
    """

    children: np.ndarray
    counts: np.ndarray

    def paths(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the paths from the root to all words, L decisions for the deepest.

        Returns:
            Inner nodes, int32 [V, L], from the root on, and their signs e in the formula, int8 [V, L]: +1 where the
            path goes left (code 0), -1 where it goes right (code 1). After the end of a path both are 0. The path of
            the only word of a vocabulary is empty, L = 0.
        """
        inner = len(self.children)
        parents, sides = np.zeros(2 * inner + 1, np.int32), np.zeros(2 * inner + 1, np.int8)
        parents[self.children] = np.arange(inner, dtype=np.int32)[:, None]
        sides[self.children] = np.array([1, -1], np.int8)
        levels: list[np.ndarray] = []  # nodes from the leaves up, 0 where a path has ended
        lengths = np.zeros(inner + 1, np.int32)
        below = np.arange(inner, 2 * inner + 1, dtype=np.int32)
        while below.any():
            levels.append(below)
            lengths += below > 0
            below = parents[below]
        shape = len(lengths), len(levels)
        nodes, signs = np.zeros(shape, np.int32), np.zeros(shape, np.int8)
        for number, below in enumerate(levels, start=1):
            rows = np.flatnonzero(below)
            columns = lengths[rows] - number
            nodes[rows, columns] = parents[below[rows]]
            signs[rows, columns] = sides[below[rows]]
        return nodes, signs


def huffman_tree(counts: np.ndarray) -> HuffmanTree:
    """Build the Huffman tree of word counts, the same as CreateBinaryTree of word2vec.c.

    Args:
        counts: int64 [V], V >= 1, not negative, in descending order. A single word gets a tree without inner nodes.

    Raises:
        ValueError: the counts are empty, negative or not in descending order.
    """
    if counts.ndim != 1 or counts.size < 1 or counts[-1] < 0 or np.any(counts[:-1] < counts[1:]):
        raise ValueError("a Huffman tree needs the counts of one or more words, not negative, the largest first")
    inner_nodes = len(counts) - 1
    # Among nodes of one weight word2vec.c takes inner nodes before words, the oldest inner node, and the last word.
    heap = [(count, "word", -inner_nodes - word) for word, count in enumerate(counts.tolist())]
    heap.reverse()  # in ascending order it is a heap
    children, weights = [], []
    for number in reversed(range(inner_nodes)):  # from the lightest inner node to the root, number 0
        left, right = heapq.heappop(heap), heapq.heappop(heap)
        children.append((-left[-1], -right[-1]))
        weights.append(left[0] + right[0])
        heapq.heappush(heap, (weights[-1], "inner", -number))
    return HuffmanTree(np.array(children[::-1], np.int32).reshape(-1, 2), np.array(weights[::-1], np.int64))
