"""Nearest words of a few words, to watch a training by."""

from collections.abc import Sequence

import numpy as np

from tfgraphs.vectors import WordVectors
from tfgraphs.word2vec.text.reading import CorpusError
from tfgraphs.word2vec.text.vocabulary import Vocabulary

SEARCHED = 20_000  # most frequent words among which neighbours are looked for
RANKS = (150, 300, 600, 1200, 2400)  # of the words to watch, if nobody names any: neither function words nor rare


class Probes:
    """Words whose neighbours are to be watched.

    Args:
        vocabulary: of the model.
        words: to watch; by default some of middling frequency.

    Raises:
        CorpusError: a word is not in the vocabulary.
    """

    def __init__(self, vocabulary: Vocabulary, words: Sequence[str] = ()) -> None:
        self._words = vocabulary.words[:SEARCHED]
        size = len(self._words)
        self.words = list(words) or [self._words[rank] for rank in sorted({min(rank, size - 1) for rank in RANKS})]
        for word in self.words:
            if word not in vocabulary.index:
                raise CorpusError(f"the word {word!r} is not in the vocabulary: watch another one")
            if vocabulary.index[word] >= SEARCHED:
                self._words = [*self._words, word]
        self._rows = [vocabulary.index[word] for word in self._words]

    def table(self, matrix: np.ndarray, count: int = 6) -> str:
        """Their nearest words as a Markdown table.

        Args:
            matrix: the vectors of the vocabulary, float [words, dim].
            count: how many for each.
        """
        vectors = WordVectors(self._words, matrix[self._rows].astype(np.float32))
        lines = [
            f"| {word} | {', '.join(neighbour.word for neighbour in vectors.nearest([word], count))} |"
            for word in self.words
        ]
        return "\n".join(["| word | nearest |", "| --- | --- |", *lines])
