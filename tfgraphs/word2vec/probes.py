"""The nearest words of a few words, to watch them during a training."""

import dataclasses
import time
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfgraphs.monitor.progress import Progress
from tfgraphs.vectors import WordVectors
from tfgraphs.word2vec.text.reading import CorpusError
from tfgraphs.word2vec.text.vocabulary import Vocabulary

SECONDS = 10.0  # between two looks at the vectors
SEARCHED = 20_000  # most frequent words among which neighbours are searched
RANKS = (150, 300, 600, 1200, 2400)  # of the words to watch by default: neither function words nor rare ones


class Probes:
    """Words whose neighbours are watched.

    Args:
        vocabulary: of the model.
        words: to watch; by default some of medium frequency.

    Raises:
        CorpusError: a word is not in the vocabulary.
    """

    def __init__(self, vocabulary: Vocabulary, words: Sequence[str] = ()) -> None:
        self._searched = vocabulary.words[:SEARCHED]
        size = len(self._searched)
        self.words = list(words) or [self._searched[rank] for rank in sorted({min(rank, size - 1) for rank in RANKS})]
        for word in self.words:
            if word not in vocabulary.index:
                raise CorpusError(f"the word {word!r} is not in the vocabulary: choose another one")
            if vocabulary.index[word] >= SEARCHED:
                self._searched = [*self._searched, word]
        self._rows = [vocabulary.index[word] for word in self._searched]
        self._last = -SECONDS

    def add_to(self, progress: Progress, matrix: tf.Variable) -> Progress:
        """Add the table of neighbours to the progress, every 10 seconds and at the end of the training.

        Args:
            progress: of the training.
            matrix: the vectors of the vocabulary, float [words, dim].
        """
        now = time.monotonic()
        if progress.done < 1 and now - self._last < SECONDS:
            return progress
        self._last = now
        return dataclasses.replace(progress, texts={"nearest words": self.table(matrix.numpy())})

    def table(self, matrix: np.ndarray, count: int = 6) -> str:
        """Return the nearest words of each as a Markdown table.

        Args:
            matrix: the vectors of the vocabulary, float [words, dim].
            count: number of neighbours.
        """
        vectors = WordVectors(self._searched, matrix[self._rows].astype(np.float32))
        lines = [
            f"| {word} | {', '.join(neighbour.word for neighbour in vectors.nearest([word], count))} |"
            for word in self.words
        ]
        return "\n".join(["| word | nearest |", "| --- | --- |", *lines])
