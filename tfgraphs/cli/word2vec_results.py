"""What somebody sees of word vectors while they are trained, and when they are."""

import dataclasses
import time
from collections.abc import Sequence

from tfgraphs.cli.shared.evaluations import print_evaluation
from tfgraphs.monitor.progress import Progress
from tfgraphs.vectors import WordVectors
from tfgraphs.vectors.evaluate import analogies
from tfgraphs.word2vec.model import Word2Vec
from tfgraphs.word2vec.probes import Probes


class Look:
    """Adds the neighbours of some words to the progress from time to time, and at the end.

    Args:
        model: in training.
        words: to watch; see `Probes`.
    """

    seconds = 10.0  # between two looks

    def __init__(self, model: Word2Vec, words: Sequence[str]) -> None:
        self._model = model
        self._probes = Probes(model.vocabulary, words)
        self._looked = -self.seconds

    def __call__(self, progress: Progress) -> Progress:
        now = time.monotonic()
        if progress.done < 1 and now - self._looked < self.seconds:
            return progress
        self._looked = now
        table = self._probes.table(self._model.inputs.numpy())
        return dataclasses.replace(progress, texts={"nearest words": table})


def evaluate(vectors: WordVectors, path: str, restrict_vocab: int) -> dict[str, object]:
    """Answers analogies, prints how many are right, and returns that.

    Args:
        vectors: to ask.
        path: of the file of analogies.
        restrict_vocab: most frequent words that are asked and answer.
    """
    result = analogies(vectors, path, restrict_vocab=restrict_vocab)
    print_evaluation(result, min(restrict_vocab, len(vectors.words)))
    return {"analogies right": result.overall.correct, "analogies asked": result.overall.total}
