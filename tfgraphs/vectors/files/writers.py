"""Writes the two file formats of word2vec, which most programs for word vectors read, and TensorBoard's.

text:    "words dimensions", then a word and its numbers on each line, separated by spaces
binary:  "words dimensions" on a line, then each word, a space, and its numbers as little-endian float32. word2vec.c
         writes a line break after them and gensim does not; `BinaryReader` reads both.

Both are packed if the name ends in .gz. Writers raise FormatError if the format cannot represent a word or a value, and
OutputError if nothing can be written.
"""

import contextlib
import gzip
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from tfgraphs.cluster.processes import map_in_order
from tfgraphs.files.locks import locked
from tfgraphs.files.outputs import atomic_file, output_errors
from tfgraphs.vectors.search import Int8Matrix
from tfgraphs.vectors.word_vectors import FormatError, WordVectors

BINARY, TEXT = "vectors.bin", "vectors.txt"
"""Names of the files in a folder of trained vectors."""

MOST_WORDS = 10_000
"""As many words as the page of TensorBoard's Projector samples for t-SNE; it stays responsive."""

_ROWS = 1000  # written at once
_LARGE = 20_000_000  # numbers, which take one core three seconds to write as text; other processes start in one


def save_text(path: str | Path, vectors: WordVectors) -> None:
    """Writes word2vec's text format, with as many digits as a float32 needs."""
    check_words(vectors.words, " \n")
    words, matrix = vectors.words, vectors.matrix
    parts = (
        (words[start : start + _ROWS], finite(matrix[start : start + _ROWS])) for start in range(0, len(words), _ROWS)
    )
    processes = 1 if matrix.shape[0] * matrix.shape[1] < _LARGE else None
    with _whole_file(path) as file, contextlib.closing(map_in_order(_lines, parts, processes)) as texts:
        file.write(b"%d %d\n" % matrix.shape)
        file.writelines(texts)


def _lines(part: tuple[Sequence[str], np.ndarray]) -> bytes:
    """Returns lines of the text format for words and their rows."""
    words, rows = part
    # One % per row is nearly three times as fast as one str per number.
    numbers = " ".join(["%.9g"] * rows.shape[1])
    lines = [f"{word} {numbers % tuple(row)}\n" for word, row in zip(words, rows.tolist(), strict=True)]
    return "".join(lines).encode()


def save_binary(path: str | Path, vectors: WordVectors) -> None:
    """Writes word2vec's binary format, with a line break after each record as word2vec.c does."""
    check_words(vectors.words, " \n")
    with _whole_file(path) as file:
        file.write(b"%d %d\n" % vectors.matrix.shape)
        for word, row in zip(vectors.words, _rows(vectors.matrix), strict=True):
            file.write(b"%b %b\n" % (word.encode(), row.tobytes()))


@contextlib.contextmanager
def _whole_file(path: str | Path) -> Iterator[IO[bytes]]:
    """Opens a file that is moved into place when it is complete, and packed by gzip if its name ends in .gz."""
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        if str(path).lower().endswith(".gz"):
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed, io.BufferedWriter(packed) as buffered:
                yield buffered
        else:
            yield file


def write_projector(
    folder: str | Path, vectors: WordVectors, counts: Sequence[int] | None = None, limit: int = MOST_WORDS
) -> None:
    """Writes the `limit` most frequent words, with their counts, to a log folder of TensorBoard for its Projector."""
    with output_errors(folder), locked(folder):  # of two at once, the files would not fit together
        _write_projector(Path(folder), vectors, counts, limit)


def _write_projector(folder: Path, vectors: WordVectors, counts: Sequence[int] | None, limit: int) -> None:
    words = [word.replace("\t", " ") for word in vectors.words[:limit]]
    with atomic_file(folder / "words.tsv") as path:
        if counts is None:  # the page expects a header only if there are several columns
            text = "".join(f"{word}\n" for word in words)
        else:
            text = "word\tcount\n" + "".join(f"{word}\t{count}\n" for word, count in zip(words, counts, strict=False))
        path.write_text(text, encoding="utf-8", newline="\n")
    with atomic_file(folder / "vectors.tsv") as path:
        np.savetxt(path, np.asarray(vectors.matrix[:limit], np.float32), "%.6g", delimiter="\t")
    files = '  tensor_path: "vectors.tsv"\n  metadata_path: "words.tsv"\n'
    with atomic_file(folder / "projector_config.pbtxt") as path:
        path.write_text(f'embeddings {{\n  tensor_name: "word vectors"\n{files}}}\n', encoding="ascii")


def check_words(words: Sequence[str], separators: str) -> None:
    """Raises FormatError if a word is empty, repeated, not valid Unicode or contains a separator."""
    unwritable = re.compile(f"[{re.escape(separators)}\ud800-\udfff]")
    for word in words:
        if not word or unwritable.search(word):
            raise FormatError(f"the word {word!r} cannot be written: it is empty or contains a space or line break")
    if len(set(words)) < len(words):
        raise FormatError("a word occurs twice among these vectors")


def finite(rows: np.ndarray | Int8Matrix) -> np.ndarray:
    """Returns rows of a matrix as little-endian float32. Raises FormatError if they are not finite."""
    with np.errstate(over="ignore"):
        numbers = np.asarray(rows, "<f4")
    if not np.isfinite(numbers).all():
        raise FormatError("some of the vectors are not finite: their training has diverged")
    return numbers


def _rows(matrix: np.ndarray | Int8Matrix) -> Iterator[np.ndarray]:
    for start in range(0, len(matrix), _ROWS):
        yield from finite(matrix[start : start + _ROWS])
