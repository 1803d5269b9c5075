"""Blocks of word vectors, which all readers yield, so that a file may be larger than memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tfgraphs.errors import TfgraphsError

Rows = Iterator[tuple[list[str], np.ndarray, int]]
"""What readers yield: words, their vectors, finite float32 [words, dimensions], and the position after them."""


class FormatError(TfgraphsError):
    """A file does not hold word vectors, or is damaged."""


@dataclass(frozen=True)
class Block:
    """Some words of a file with their vectors.

    Attributes:
        words: in the order of the file, possibly with repeats. U+FFFD stands for bytes that are not UTF-8.
        matrix: float32 [words, dimensions], all finite.
        position: number of unpacked bytes up to the end of this block, from which reading can go on.
        read: number of words up to there.
        share: of the source up to there, 0..1; 0 if unknown.
    """

    words: list[str]
    matrix: np.ndarray
    position: int
    read: int
    share: float = 0.0


def unique(blocks: Iterable[Block], seen: set[str]) -> Iterator[Block]:
    """Drops repeated words, so that the first vector of a word counts.

    Args:
        blocks: of one file or several.
        seen: words to drop. The words of the blocks are added to it.
    """
    for block in blocks:
        new = set(block.words)
        if len(new) < len(block.words) or not seen.isdisjoint(new):
            first_rows = {word: row for row, word in reversed(list(enumerate(block.words))) if word not in seen}
            rows = sorted(first_rows.values())
            block = replace(block, words=[block.words[row] for row in rows], matrix=block.matrix[rows])
        seen |= new
        yield block
