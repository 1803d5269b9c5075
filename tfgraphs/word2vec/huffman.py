"""The Huffman tree of hierarchical softmax: frequent words are near the root, so that few decisions lead to them.

See `hierarchical_softmax` for the formula.
"""

import heapq
from dataclasses import dataclass
from functools import cached_property

import numpy as np


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

    @property
    def words(self) -> int:
        """V, the number of words."""
        return len(self.children) + 1

    @cached_property
    def lengths(self) -> np.ndarray:
        """Number of decisions that lead to each word, int32 [V]; 0 for the only word."""
        depths = np.zeros(2 * self.words - 1, np.int32)
        level, depth = np.zeros(min(1, self.words - 1), np.int32), 0
        while level.size:
            level, depth = self.children[level].ravel(), depth + 1
            depths[level] = depth
            level = level[level < self.words - 1]
        return depths[self.words - 1 :]

    def paths(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the paths from the root to all words, L decisions for the deepest.

        Returns:
            Inner nodes, int32 [V, L], from the root on, and their signs e in the formula, int8 [V, L]: +1 where the
            path goes left (code 0), -1 where it goes right (code 1). After the end of a path both are 0. The path of
            the only word of a vocabulary is empty, L = 0.
        """
        parents, sides = np.zeros(2 * self.words - 1, np.int32), np.zeros(2 * self.words - 1, np.int8)
        parents[self.children] = np.arange(self.words - 1, dtype=np.int32)[:, None]
        sides[self.children] = np.array([1, -1], np.int8)
        shape = self.words, int(self.lengths.max())
        nodes, signs = np.zeros(shape, np.int32), np.zeros(shape, np.int8)
        rows, columns = np.arange(self.words), self.lengths - 1
        below = (rows + self.words - 1).astype(np.int32)
        while rows.size:  # from the leaves up, one level for all words at a time
            climbing = columns >= 0
            rows, columns, below = rows[climbing], columns[climbing], below[climbing]
            nodes[rows, columns] = parents[below]
            signs[rows, columns] = sides[below]
            columns, below = columns - 1, parents[below]
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
