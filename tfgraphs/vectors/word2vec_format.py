"""The two file formats of word2vec, which most programs for word vectors read and write.

text:    "words dimensions", then a word and its numbers on each line, separated by spaces
binary:  "words dimensions" on a line, then each word, a space, and its numbers as little-endian float32; word2vec.c
         writes a line break behind them and gensim does not, both are read
"""

import codecs
import contextlib
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError, reason
from tfgraphs.outputs import atomic_file
from tfgraphs.vectors.word_vectors import WordVectors

_BLOCK = 1 << 20  # bytes that are read at once
_ROWS = 1000  # that are written at once
_LONGEST_HEADER = 100  # bytes
_LONGEST_WORD = 100_000  # bytes, of a binary file: beyond them no space is looked for
_MOST_DIMENSIONS = 1_000_000  # of a binary file: none has more, so that a damaged first line costs no memory
_SURELY_TEXT = 64  # bytes without control characters that no float32 numbers are


class FormatError(TfgraphsError):
    """A file does not hold word vectors, or is damaged."""


def load_either(path: Path) -> WordVectors:
    """Reads a file in one of the two formats, see `load_text` and `load_binary`.

    Raises:
        FormatError: it is in neither.
    """
    with _open(path) as file:
        return _read_text(path, file) if _is_text(file.peek()) else _read_binary(path, file, None)


def load_text(path: Path) -> WordVectors:
    """Reads word2vec's text format.

    Of a word that stands there twice the first vector counts.

    Raises:
        FormatError: with the line at which the file is wrong.
    """
    with _open(path) as file:
        return _read_text(path, file)


def load_binary(path: Path, limit: int | None = None) -> WordVectors:
    """Reads word2vec's binary format.

    Of a word that stands there twice the first vector counts. Bytes that are not UTF-8, as of words that word2vec.c
    has cut off, become U+FFFD; of words that are equal then, too, the first vector counts.

    Args:
        path: the file.
        limit: number of words, from the beginning on, that are read. None for all.

    Raises:
        FormatError: with the word and byte at which the file is wrong.
    """
    with _open(path) as file:
        return _read_binary(path, file, limit)


def save_text(path: str | Path, vectors: WordVectors) -> None:
    """Writes word2vec's text format, with as many digits as a float32 needs.

    Raises:
        FormatError: a word or value cannot stand in that format.
        OutputError: the file system refuses.
    """
    check_words(vectors.words, " \n")
    # One % per row is nearly three times as fast as one str per number.
    numbers = " ".join(["%.9g"] * vectors.matrix.shape[1])
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(vectors.words)} {vectors.matrix.shape[1]}\n")
        for word, row in zip(vectors.words, _rows(vectors.matrix), strict=True):
            file.write(f"{word} {numbers % tuple(row.tolist())}\n")


def save_binary(path: str | Path, vectors: WordVectors) -> None:
    """Writes word2vec's binary format, with a line break behind each word's numbers as word2vec.c does.

    Raises:
        FormatError: a word or value cannot stand in that format.
        OutputError: the file system refuses.
    """
    check_words(vectors.words, " \n")
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        file.write(b"%d %d\n" % vectors.matrix.shape)
        for word, row in zip(vectors.words, _rows(vectors.matrix), strict=True):
            file.write(b"%b %b\n" % (word.encode(), row.tobytes()))


def check_words(words: Sequence[str], separators: str) -> None:
    """Raises FormatError for a word that is empty, stands twice, is not valid text or holds a separator."""
    unwritable = re.compile(f"[{re.escape(separators)}\ud800-\udfff]")
    for word in words:
        if not word or unwritable.search(word):
            raise FormatError(f"the word {word!r} cannot be written: it is empty or holds a space or line break")
    if len(set(words)) < len(words):
        raise FormatError("a word stands twice among these vectors")


def _rows(matrix: np.ndarray) -> Iterator[np.ndarray]:
    """The rows of a matrix as little-endian float32; FormatError if they hold something that is not finite."""
    for start in range(0, len(matrix), _ROWS):
        with np.errstate(over="ignore"):
            block = np.asarray(matrix[start : start + _ROWS], "<f4")
        if not np.isfinite(block).all():
            raise FormatError("some of the vectors are not finite: they were not trained to an end")
        yield from block


@contextlib.contextmanager
def _open(path: Path) -> Iterator[io.BufferedReader]:
    try:
        file: io.BufferedReader = io.BufferedReader(path.open("rb", buffering=0), _BLOCK)
        with file:
            yield file
    except OSError as error:
        raise FormatError(f"cannot read {path}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is no text file of word vectors: it holds bytes that are not UTF-8") from error


def _header(path: Path, line: str | bytes) -> tuple[int, int]:
    """The announced number of words and dimensions."""
    try:
        count, dimensions = (int(number) for number in line.split())
    except ValueError:
        count = dimensions = 0
    if count < 1 or dimensions < 1:
        raise FormatError(f"{path} is no file of word vectors: its first line is not 'words dimensions'")
    return count, dimensions


def _is_text(head: bytes) -> bool:
    """Tells the formats apart by the beginning of a file: is its first row written out, or at least all of it legible?

    The latter is for damaged files of text, of which the reader of text can say more.
    """
    header, row, *_ = [*head.split(b"\n", 2), b""]
    _, *values = row.rstrip(b" \r").split(b" ")
    with contextlib.suppress(ValueError):
        if header.split()[1:] == [b"%d" % len([float(value) for value in values])]:
            return True
    with contextlib.suppress(UnicodeDecodeError):
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # whose last character may be cut off
        return len(head) >= _SURELY_TEXT and not re.search(r"[\x00-\x08\x0e-\x1f]", text)
    return False


def _read_text(path: Path, file: io.BufferedReader) -> WordVectors:
    words: list[str] = []
    rows: list[np.ndarray] = []
    seen: set[str] = set()
    number = 1
    lines = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
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


def _row(path: Path, number: int, word: str, values: list[str], dimensions: int) -> np.ndarray:
    with contextlib.suppress(ValueError), np.errstate(over="ignore"):
        row = np.array(values, np.float32)
        if word and row.shape == (dimensions,) and np.isfinite(row).all():
            return row
    raise FormatError(f"{path} is damaged: line {number} does not hold a word and {dimensions} numbers")


def _read_binary(path: Path, file: io.BufferedReader, limit: int | None) -> WordVectors:
    rows: dict[str, int] = {}  # the first row of each word
    values = bytearray()  # that grows with what is read, whatever the first line promises
    header = file.readline(_LONGEST_HEADER)
    count, dimensions = _header(path, header)
    if dimensions > _MOST_DIMENSIONS:
        raise FormatError(f"{path} is damaged: its first line announces {dimensions:,} dimensions")
    for row, (word, vector) in enumerate(_records(path, file, len(header), count, 4 * dimensions, limit)):
        rows.setdefault(word.decode("utf-8", errors="replace"), row)
        values += vector
    matrix = np.frombuffer(values, "<f4").reshape(-1, dimensions)
    with np.errstate(invalid="ignore"):
        wrong = np.flatnonzero(~np.isfinite(matrix.sum(axis=1, dtype=np.float64)))
    if wrong.size:
        raise FormatError(f"{path} is damaged: the vector of word {wrong[0] + 1:,} is not finite")
    return WordVectors(list(rows), matrix if len(rows) == len(matrix) else matrix[list(rows.values())])


def _records(
    path: Path, file: io.BufferedReader, read: int, count: int, size: int, limit: int | None
) -> Iterator[tuple[bytes, bytes]]:
    """The words of a binary file, each with the `size` bytes of its vector.

    Args:
        path: for messages.
        file: the file behind its first line.
        read: length of that line.
        count: number of words that it announces.
        size: bytes of a vector.
        limit: number of words to read; None for all, and behind them the file must end.
    """
    buffer, start = b"", 0
    for number in range(1, 1 + (count if limit is None else min(count, limit))):
        space = buffer.find(b" ", start)
        while space < 0 or space + size >= len(buffer):
            rest, more = buffer[start:], file.read(_BLOCK)
            if not more:
                raise FormatError(f"{path} is cut off: it ends at byte {read:,}, in word {number:,} of {count:,}")
            if space < 0 and len(rest) > _LONGEST_WORD:
                raise FormatError(f"{path} is damaged: word {number:,} at byte {read - len(rest):,} has no end")
            read += len(more)
            buffer, start = rest + more, 0
            space = buffer.find(b" ")
        word = buffer[start:space].lstrip(b"\n")
        if not word:
            raise FormatError(f"{path} is damaged: word {number:,} at byte {read - len(buffer) + start:,} is empty")
        yield word, buffer[space + 1 : space + 1 + size]
        start = space + 1 + size
    if limit is None and buffer[start:] + file.read(2) not in (b"", b"\n"):
        raise FormatError(f"{path} is damaged: it announces {count:,} words and holds more")
