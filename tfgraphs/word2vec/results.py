"""What a training yields besides vectors in memory: nearest words while it runs, and its output folder."""

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tfgraphs.files.outputs import atomic_folder
from tfgraphs.monitor.progress import Progress
from tfgraphs.vectors import WordVectors
from tfgraphs.vectors.files.writers import BINARY, TEXT, save_binary, save_text
from tfgraphs.word2vec.settings import CorpusError
from tfgraphs.word2vec.text.corpus import write_vocabulary
from tfgraphs.word2vec.text.vocabulary import Vocabulary

ABOUT = "training.json"  # marks the folder as one of results
INPUTS, OUTPUTS, VOCABULARY = "inputs.npy", "outputs.npy", "vocabulary.tsv"
FORMATS = {"binary": (BINARY, save_binary), "text": (TEXT, save_text)}
SECONDS = 10.0  # between two tables of nearest words
SEARCHED = 20_000  # most frequent words among which neighbours are searched
NEIGHBOURS = 6  # of each word
RANKS = (150, 300, 600, 1200, 2400)  # of the words to watch by default: neither function words nor rare ones


class Probes:
    """Words whose neighbours are watched during a training.

    Args:
        vocabulary: of the model.
        words: to watch; by default some of medium frequency.

    Raises:
        CorpusError: a word is not in the vocabulary.
    """

    def __init__(self, vocabulary: Vocabulary, words: Sequence[str] = ()) -> None:
        self._searched = vocabulary.words[:SEARCHED]
        size = len(self._searched)
        self._words = list(words) or [self._searched[rank] for rank in sorted({min(rank, size - 1) for rank in RANKS})]
        for word in self._words:
            if word not in vocabulary.index:
                raise CorpusError(f"the word {word!r} is not in the vocabulary: choose another one")
            if vocabulary.index[word] >= SEARCHED:
                self._searched = [*self._searched, word]
        self._rows = [vocabulary.index[word] for word in self._searched]
        self._last = -SECONDS

    def add_to(self, progress: Progress, vectors: Callable[[], WordVectors]) -> Progress:
        """Add a Markdown table of the nearest words to the progress, every 10 seconds and at the end of the training.

        Args:
            progress: of the training.
            vectors: returns those of the vocabulary as they are now.
        """
        now = time.monotonic()
        if progress.done < 1 and now - self._last < SECONDS:
            return progress
        self._last = now
        searched = WordVectors(self._searched, vectors().matrix[self._rows])
        lines = ["| word | nearest |", "| --- | --- |"]
        for word in self._words:
            lines.append(f"| {word} | {', '.join(near.word for near in searched.nearest([word], NEIGHBOURS))} |")
        return dataclasses.replace(progress, texts={"nearest words": "\n".join(lines)})


def save_results(
    folder: str | Path,
    vocabulary: Vocabulary,
    inputs: np.ndarray,
    outputs: np.ndarray,
    about: Mapping[str, object],
    formats: Sequence[str] = tuple(FORMATS),
) -> None:
    """Write the results of a training.

    Args:
        folder: to write; an earlier result in it is replaced.
        vocabulary: words with their counts, for `vocabulary.tsv`.
        inputs: word vectors, float [words, dim], for `inputs.npy`.
        outputs: float [rows, dim], for `outputs.npy`.
        about: flags and figures of the run, for `training.json`.
        formats: in which `inputs` are written besides: "binary" (`vectors.bin`), "text" (`vectors.txt`).

    Raises:
        OutputError: the folder holds something else, or cannot be written.
        FormatError: a word cannot be written in the formats.
    """
    vectors = WordVectors(vocabulary.words, inputs.astype(np.float32))
    with atomic_folder(folder, ABOUT) as temporary:
        np.save(temporary / INPUTS, inputs)
        np.save(temporary / OUTPUTS, outputs)
        write_vocabulary(temporary / VOCABULARY, vocabulary)
        for name in formats:
            file, save = FORMATS[name]
            save(temporary / file, vectors)
        (temporary / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
