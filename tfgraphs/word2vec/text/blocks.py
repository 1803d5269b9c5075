"""The text as training reads it: frequent words thinned out, cut into rows that are read side by side.

Consecutive words repeat each other's topics. Words from many places in one step do not, and a row of the matrix that
is not hit again and again in a step does not overshoot.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tfgraphs.word2vec.text.corpus import EncodedCorpus
from tfgraphs.word2vec.text.reading import CorpusError
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END

_BLOCK_STEPS = 200
_READ = 1 << 18  # tokens that are taken from the corpus at a time


@dataclass(frozen=True)
class Block:
    """A part of the text for some steps.

    Attributes:
        text: int32 [2, places, steps * length + 2 * window]: word numbers and sentence numbers, -1 where is no word.
        share: how much of all epochs of the text, less the words that were dropped, is read when the block is.
    """

    text: np.ndarray
    share: float


class Blocks:
    """All epochs of a text as blocks, always the same for the same seed.

    Args:
        corpus: the text.
        threshold: of subsampling, see `Vocabulary.keep_probabilities`; words are dropped anew in each epoch.
        epochs: how often the text is read.
        places: rows of a block.
        length: words of a row that one step reads.
        window: words on either side of these.
        seed: of subsampling.

    Attributes:
        steps: how many steps all blocks are.
        report_steps: after how many steps there is something to report.
        block_steps: how many steps a block is, a multiple of that; the last one may be shorter. A block is as much as
            an epoch, if that is not too much: in a short piece of text the words of its topic would be everywhere.

    Raises:
        CorpusError: no words are left.
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        *,
        threshold: float,
        epochs: int,
        places: int,
        length: int,
        window: int,
        seed: int,
    ) -> None:
        self._corpus = corpus
        self._epochs = epochs
        self._seed = seed
        self._keep = np.append(corpus.vocabulary.keep_probabilities(threshold), 1).astype(np.float32)
        self._shape = places, length, window
        self._words = sum(len(words) for words, _ in self._kept())
        if self._words < 2:
            raise CorpusError("nothing of the text is left when frequent words are thinned out: try --subsample=0")
        self.steps = -(-self._words // (places * length))
        most = min(_BLOCK_STEPS, -(-self.steps // epochs))
        self.report_steps = max(1, min(most, self.steps // 20))
        self.block_steps = most // self.report_steps * self.report_steps

    def __iter__(self) -> Iterator[Block]:
        places, length, _ = self._shape
        size = places * length * self.block_steps
        waiting = np.empty((2, 0), np.int32)
        read = 0
        for kept in self._kept():
            waiting = np.concatenate([waiting, np.stack(kept)], axis=1)
            while waiting.shape[1] >= size:
                read += size
                yield Block(self._rows(waiting[:, :size]), read / self._words)
                waiting = waiting[:, size:]
        if waiting.shape[1]:
            yield Block(self._rows(waiting), 1.0)

    def _kept(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Words and their sentences' numbers as they come, thinned out."""
        random = np.random.default_rng([self._seed, 1])
        tokens = self._corpus.tokens
        sentence = 0
        for _ in range(self._epochs):
            for start in range(0, len(tokens), _READ):
                part = np.array(tokens[start : start + _READ])  # a copy: sequential reading of a memory map
                kept = random.random(len(part), dtype=np.float32) < self._keep[part]
                ends = part == SENTENCE_END
                numbers = sentence + np.cumsum(ends, dtype=np.int32)
                sentence = int(numbers[-1]) & 0x3FFFFFFF
                kept &= ~ends
                yield part[kept], numbers[kept]

    def _rows(self, text: np.ndarray) -> np.ndarray:
        """A block of one size from a text of at most this size, cut into rows of as few steps as hold it."""
        places, length, window = self._shape
        columns = -(-text.shape[1] // (places * length)) * length
        rows = np.full((2, places * columns), -1, np.int32)
        rows[:, : text.shape[1]] = text
        block = np.full((2, places, self.block_steps * length + 2 * window), -1, np.int32)
        block[:, :, window : window + columns] = rows.reshape(2, places, columns)
        return block
