"""Files of word vectors, written by hand as each program writes them, and read whole."""

import gzip
import itertools

import numpy as np

from tfgraphs.vectors.files.vector_file import VectorFile
from tfgraphs.vectors.word_vectors import FormatError

WORDS = ["the", "Zürich", "5", "1e3", "-", "北京", "a\u00a0b", "a\u0085b", "a\u2028b", "x\ty", "😀"]
SPACED = [". . .", "at name@domain.com", "at 5", "New York"]  # which text may hold, and binary files may not
MATRIX = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)


def header(names, matrix):
    return b"%d %d\n" % (len(names), matrix.shape[1])


def records(names, matrix, end):
    return b"".join(name.encode() + b" " + row.tobytes() + end for name, row in zip(names, matrix, strict=True))


def lines(names, matrix, end):
    rows = (" ".join([name, *(f"{value:.9g}" for value in row)]) for name, row in zip(names, matrix, strict=True))
    return b"".join(row.encode() + end for row in rows)


FORMATS = {
    "word2vec_binary": lambda names, matrix: header(names, matrix) + records(names, matrix, b"\n"),
    "gensim_binary": lambda names, matrix: header(names, matrix) + records(names, matrix, b""),
    "word2vec_text": lambda names, matrix: header(names, matrix) + lines(names, matrix, b" \n"),
    "fasttext": lambda names, matrix: header(names, matrix)[:-1] + b" \n" + lines(names, matrix, b" \n"),
    "gensim_text": lambda names, matrix: header(names, matrix) + lines(names, matrix, b"\n"),
    "windows_text": lambda names, matrix: header(names, matrix)[:-1] + b"\r\n" + lines(names, matrix, b"\r\n"),
    "glove": lambda names, matrix: lines(names, matrix, b"\n"),
    "windows_glove": lambda names, matrix: lines(names, matrix, b" \r\n"),
}


def packed(content):
    """What gzip makes of bytes, the same at any time, as names of tests must be."""
    return gzip.compress(content, mtime=0)


PACKINGS = {"plain": bytes, "packed": packed}


def names_for(form, count):
    names = WORDS if "binary" in form else [*WORDS, *SPACED]
    return [*names, *(f"w{number}" for number in range(count))][:count]


def encoded(form, packing, names, matrix):
    return PACKINGS[packing](FORMATS[form](names, matrix))


def joined(blocks):
    blocks = list(blocks)
    return list(itertools.chain(*(block.words for block in blocks))), b"".join(block.matrix for block in blocks)


def read(path, *arguments, **options):
    """All words and the bytes of all rows of a file."""
    return joined(VectorFile(path).blocks(*arguments, **options))


def attempt(path):
    """The same, or None for a file that is refused, which takes one line."""
    try:
        return read(path)
    except FormatError as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    return None
