"""Reads folders of word vectors that open at once, however large they are: everything is memory-mapped.

vectors.json        rows, dimensions and type of the numbers, written last
words.txt           a word on each line, most frequent first
word_ends.npy       where each line ends, int64 [rows]
word_order.npy      rows in the order of the folded spellings, int32 [rows]: the index of `PackedWords`
norms.npy           lengths of the vectors, float32 [rows]
matrix.npy          float32 or float16 [rows, dimensions]; or int8, with two more files:
fine.npy            the remainders of `Int8Matrix`, int8 [rows, dimensions]
scales.npy          float32 [rows]
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tfgraphs.errors import errors_as
from tfgraphs.vectors.files.blocks import FormatError
from tfgraphs.vectors.lexicon import PackedWords
from tfgraphs.vectors.matrix import DTYPES, Int8Matrix
from tfgraphs.vectors.word_vectors import WordVectors

STORE = "vectors.json"
"""Name of the file by which such a folder is recognised."""
VERSION = 1


def open_store(folder: Path) -> WordVectors:
    """Opens a folder written by `convert`.

    Raises:
        FormatError: the folder is damaged.
    """
    with errors_as(FormatError, f"{folder} is damaged", "convert the vectors again"):
        about = json.loads((folder / STORE).read_text(encoding="utf-8"))
        rows, dimensions, dtype = about["rows"], about["dimensions"], about["dtype"]
        if about["version"] != VERSION or dtype not in DTYPES:
            raise FormatError(f"{folder} was written by another version of tfgraphs: convert the vectors again")
        shape = rows, dimensions
        text = np.memmap(folder / "words.txt", np.uint8, "r")
        ends, order = _mapped(folder, "word_ends", "<i8", (rows,)), _mapped(folder, "word_order", "<i4", (rows,))
        if ends[-1] != len(text) or (np.diff(ends, prepend=0) < 2).any() or order.min() < 0 or order.max() >= rows:
            raise FormatError(f"{folder} is damaged: its index does not fit words.txt")
        words, norms = PackedWords(text, ends, order), _mapped(folder, "norms", "<f4", (rows,))
        matrix = _mapped(folder, "matrix", np.dtype(dtype).newbyteorder("<"), shape)
        if dtype == "int8":
            fine, scales = _mapped(folder, "fine", "i1", shape), _mapped(folder, "scales", "<f4", (rows,))
            return WordVectors(words, Int8Matrix(matrix, fine, scales), norms)
        return WordVectors(words, matrix, norms)


def _mapped(folder: Path, name: str, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    if array.dtype != np.dtype(dtype) or array.shape != shape:
        raise FormatError(f"{folder} is damaged: {name}.npy contains {array.dtype} {list(array.shape)}")
    return array
