"""Writes word vectors for TensorBoard's Embedding Projector."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfgraphs.files.outputs import atomic_file
from tfgraphs.vectors.word_vectors import WordVectors

MOST_WORDS = 10_000  # as many as the page samples for t-SNE; it stays responsive


def write_projector(
    folder: str | Path, vectors: WordVectors, counts: Sequence[int] | None = None, limit: int = MOST_WORDS
) -> None:
    """Writes the most frequent words to a TensorBoard log folder, for its Projector tab.

    Args:
        folder: of the logs.
        vectors: most frequent words first.
        counts: of the words, shown beside them.
        limit: maximal number of words.

    Raises:
        OutputError: the folder cannot be written.
    """
    folder = Path(folder)
    words = [word.replace("\t", " ") for word in vectors.words[:limit]]
    rows = np.asarray(vectors.matrix[:limit], np.float32)
    with atomic_file(folder / "words.tsv") as path:
        if counts is None:  # the page expects a header only if there are several columns
            text = "".join(f"{word}\n" for word in words)
        else:
            text = "word\tcount\n" + "".join(f"{word}\t{count}\n" for word, count in zip(words, counts, strict=False))
        path.write_text(text, encoding="utf-8", newline="\n")
    with atomic_file(folder / "vectors.tsv") as path:
        line = "\t".join(["%.6g"] * rows.shape[1]) + "\n"
        with path.open("w", encoding="ascii", newline="\n") as file:
            file.writelines(line % tuple(row) for row in rows.tolist())
    with atomic_file(folder / "projector_config.pbtxt") as path:
        path.write_text(
            'embeddings {\n  tensor_name: "word vectors"\n'
            '  tensor_path: "vectors.tsv"\n  metadata_path: "words.tsv"\n}\n',
            encoding="ascii",
        )
