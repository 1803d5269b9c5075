"""The output folder of a training."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tfgraphs.files.outputs import atomic_folder
from tfgraphs.vectors import WordVectors
from tfgraphs.vectors.files.writers import BINARY, TEXT, save_binary, save_text
from tfgraphs.word2vec.text.corpus import write_vocabulary
from tfgraphs.word2vec.text.vocabulary import Vocabulary

ABOUT = "training.json"  # marks the folder as one of results
FORMATS = {"binary": (BINARY, save_binary), "text": (TEXT, save_text)}


def save_results(
    folder: str | Path,
    vocabulary: Vocabulary,
    inputs: np.ndarray,
    outputs: np.ndarray,
    about: Mapping[str, object],
    formats: Sequence[str] = tuple(FORMATS),
) -> None:
    """Write the vectors in word2vec's binary and text formats, both matrices, the vocabulary, and the run's figures.

    Args:
        folder: to write; an earlier result in it is replaced.
        vocabulary: words with their counts, in `vocabulary.tsv`.
        inputs: word vectors, float [words, dim], also in `inputs.npy`.
        outputs: float [rows, dim], in `outputs.npy`.
        about: flags and figures of the run, in `training.json`.
        formats: of the vectors: "binary" (`vectors.bin`), "text" (`vectors.txt`).

    Raises:
        OutputError: the folder holds something else, or cannot be written.
        FormatError: a word cannot be written in the formats.
    """
    vectors = WordVectors(vocabulary.words, inputs.astype(np.float32))
    with atomic_folder(folder, ABOUT) as temporary:
        np.save(temporary / "inputs.npy", inputs)
        np.save(temporary / "outputs.npy", outputs)
        write_vocabulary(temporary / "vocabulary.tsv", vocabulary)
        for name in formats:
            file, save = FORMATS[name]
            save(temporary / file, vectors)
        (temporary / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
