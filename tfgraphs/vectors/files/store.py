"""Folders of word vectors that open at once, however large they are: everything is memory-mapped.

vectors.json        rows, dimensions and type of the numbers, written last
words.txt           a word on each line, most frequent first
word_ends.npy       where each line ends, int64 [rows]
word_order.npy      rows in the order of the folded spellings, int32 [rows]: the index of `PackedWords`
norms.npy           lengths of the vectors, float32 [rows]
matrix.npy          float32 or float16 [rows, dimensions]; or int8, with two more files:
fine.npy            the remainders of `Int8Matrix`, int8 [rows, dimensions]
scales.npy          float32 [rows]
subwords.npy        of a fastText model: vectors of n-grams, float32 or float16 [n-grams, dimensions], see `Subwords`
subword_hashes.npy  if some of them are pruned: the hashes of the others, int32 [n-grams]
"""

import contextlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tfgraphs.errors import errors_as
from tfgraphs.files.outputs import atomic_file
from tfgraphs.vectors.files.vector_file import Block
from tfgraphs.vectors.lexicon import PackedWords, folded_order
from tfgraphs.vectors.search import Int8Matrix, quantize, row_norms
from tfgraphs.vectors.subwords import LONGEST_NGRAM, Subwords
from tfgraphs.vectors.word_vectors import FormatError, WordVectors

STORE = "vectors.json"
"""Name of the file by which such a folder is recognised."""
_VERSION = 1
_STATE = "state.json"
_FLOAT16_LIMIT = 65520  # rounded to infinity
_SAVE_SECONDS = 2.0  # between two notes of the progress, each of which waits for the disk
_HEADER = 128  # bytes of a .npy file before its numbers, always as many: they are written when the rows are counted
_BATCH = 1 << 14  # n-grams written at once
_HEADER_START = b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little")


def open_store(folder: Path) -> WordVectors:
    """Opens a folder written by `convert`. Raises FormatError if it is damaged."""
    with errors_as(FormatError, f"{folder} is damaged", "convert the vectors again"):
        about = json.loads((folder / STORE).read_text(encoding="utf-8"))
        rows, dimensions, dtype = about["rows"], about["dimensions"], about["dtype"]
        if about["version"] != _VERSION or dtype not in ("float32", "float16", "int8"):
            raise FormatError(f"{folder} was written by another version of tfgraphs: convert the vectors again")
        text = np.memmap(folder / "words.txt", np.uint8, "r")
        ends, order = _mapped(folder, "word_ends", "<i8", (rows,)), _mapped(folder, "word_order", "<i4", (rows,))
        if ends[-1] != len(text) or (np.diff(ends, prepend=0) < 2).any() or order.min() < 0 or order.max() >= rows:
            raise FormatError(f"{folder} is damaged: its index does not fit words.txt")
        words, norms = PackedWords(text, ends, order), _mapped(folder, "norms", "<f4", (rows,))
        subwords = _open_subwords(folder, about["subwords"], dtype, dimensions) if "subwords" in about else None
        matrix = _mapped(folder, "matrix", np.dtype(dtype).newbyteorder("<"), (rows, dimensions))
        if dtype == "int8":
            fine, scales = _mapped(folder, "fine", "i1", matrix.shape), _mapped(folder, "scales", "<f4", (rows,))
            return WordVectors(words, Int8Matrix(matrix, fine, scales), norms, subwords)
        return WordVectors(words, matrix, norms, subwords)


def _open_subwords(folder: Path, about: dict[str, int], dtype: str, dimensions: int) -> Subwords:
    minn, maxn, buckets, rows = (about[name] for name in ("minn", "maxn", "buckets", "rows"))
    matrix = _mapped(folder, "subwords", _subword_type(dtype), (rows, dimensions))
    pruned = (folder / "subword_hashes.npy").exists()
    kept = _mapped(folder, "subword_hashes", "<i4", (rows,)) if pruned else None
    if not (0 < buckets < 2**31 and 0 < maxn <= LONGEST_NGRAM and minn <= maxn) or (kept is None and rows < buckets):
        raise FormatError(f"{folder} is damaged: its n-grams are wrong")
    return Subwords(minn, maxn, buckets, matrix, kept)


def _subword_type(dtype: str) -> str:
    return "<f4" if dtype == "float32" else "<f2"


def _mapped(folder: Path, name: str, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    if array.dtype != np.dtype(dtype) or array.shape != shape:
        raise FormatError(f"{folder} is damaged: {name}.npy contains {array.dtype} {list(array.shape)}")
    return array


def _header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    fields = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    return _HEADER_START + repr(fields).encode().ljust(_HEADER - 11) + b"\n"


def _narrow(rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype == np.float16 and rows.size and max(rows.max(), -rows.min()) >= _FLOAT16_LIMIT:
        raise FormatError("a number is too large for float16: convert to float32")
    return rows.astype(dtype)


class StoreWriter(contextlib.ExitStack):
    """Writes blocks to an unfinished folder, from which an interrupted conversion goes on.

    A folder that was begun with another `source`, which is any JSON, or another type is discarded.

    Attributes:
        position: of the source where to go on, None for the beginning.
        read: words of the source up to there, of which `skipped` had no finite vector.
        seen: words written so far.
    """

    def __init__(self, folder: Path, source: dict[str, Any], dimensions: int, dtype: str) -> None:
        super().__init__()
        self._folder = folder
        self._key = {"version": _VERSION, "dtype": dtype, "dimensions": dimensions, "source": source}
        row, scalar = np.dtype((np.dtype(dtype).newbyteorder("<"), (dimensions,))), np.dtype("<f4")
        self._row_types = {"matrix.npy": row, "norms.npy": scalar}
        if dtype == "int8":
            self._row_types |= {"fine.npy": row, "scales.npy": scalar}
        state = self._load_state()
        self.position, self.read, self.skipped = state["position"], state["read"], state["skipped"]
        self._rows, self._bytes = state["rows"], state["bytes"]
        written = (folder / "words.txt").read_bytes()[: self._bytes] if self._rows else b""
        self.seen = set(written.decode(errors="replace").split("\n")[:-1])
        self._files: dict[str, BinaryIO] = {}
        self._unsaved: dict[str, Any] = {}  # progress
        self._saved = time.monotonic()

    def __enter__(self) -> "StoreWriter":
        for name, size in self._sizes(self._rows, self._bytes).items():
            path = self._folder / name
            path.touch()
            self._files[name] = file = self.enter_context(path.open("r+b"))
            file.truncate(size)
            file.seek(size)
        return self

    def __exit__(self, *error: Any) -> bool | None:
        if self._unsaved:
            with contextlib.suppress(OSError):  # the disk is full; the last note is still good
                self._save_progress()
        return super().__exit__(*error)

    def write(self, block: Block) -> None:
        """Appends a block, and from time to time records the progress."""
        if any("\n" in word for word in block.words):
            raise FormatError("a word contains a line break: such vectors cannot be converted")
        text = "".join(f"{word}\n" for word in block.words).encode()
        self._files["words.txt"].write(text)
        for name, values in self._arrays(block.matrix).items():
            self._files[name].write(np.ascontiguousarray(values, self._row_types[name].base).data)
        self._rows, self._bytes = self._rows + len(block.words), self._bytes + len(text)
        self.skipped += block.skipped
        progress = {"position": block.position, "read": block.read, "skipped": self.skipped}
        self._unsaved = {"key": self._key, **progress, "rows": self._rows, "bytes": self._bytes}
        if time.monotonic() >= self._saved + _SAVE_SECONDS:
            self._save_progress()

    def _save_progress(self) -> None:
        """Records the progress when all that it counts is on the disk."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        with atomic_file(self._folder / _STATE) as path:
            path.write_text(json.dumps(self._unsaved), encoding="utf-8")
        self._unsaved, self._saved = {}, time.monotonic()

    def finish(self, subwords: Subwords | None = None) -> int:
        """Writes n-grams, headers, index and description. Returns the number of words."""
        if not self._rows:
            raise FormatError("the source contains no words")
        for name, row in self._row_types.items():
            self._files[name].seek(0)
            self._files[name].write(_header(row.base, (self._rows, *row.shape)))
        self._files["words.txt"].flush()
        text = (self._folder / "words.txt").read_bytes()
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
        np.save(self._folder / "word_ends.npy", ends.astype("<i8"))
        np.save(self._folder / "word_order.npy", folded_order(text.decode()).astype("<i4"))
        about = {"version": _VERSION, "rows": self._rows, **{name: self._key[name] for name in ("dimensions", "dtype")}}
        if subwords:
            about["subwords"] = self._write_subwords(subwords)
        self._unsaved = {}
        (self._folder / STORE).write_text(json.dumps(about), encoding="utf-8")
        (self._folder / _STATE).unlink(missing_ok=True)
        return self._rows

    def _write_subwords(self, subwords: Subwords) -> dict[str, int]:
        """Writes n-grams, and returns what `_open_subwords` must know of them."""
        matrix, dtype = subwords.matrix, np.dtype(_subword_type(str(self._key["dtype"])))
        with (self._folder / "subwords.npy").open("wb") as file:
            file.write(_header(dtype, matrix.shape))
            for first in range(0, len(matrix), _BATCH):
                rows = _narrow(np.asarray(matrix[first : first + _BATCH], np.float32), dtype)
                file.write(np.ascontiguousarray(rows).data)
        if subwords.kept is not None:
            np.save(self._folder / "subword_hashes.npy", subwords.kept.astype("<i4"))
        return {name: getattr(subwords, name) for name in ("minn", "maxn", "buckets")} | {"rows": len(matrix)}

    def _arrays(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Converts rows to the arrays that are stored, by the names of their files."""
        dtype = str(self._key["dtype"])
        if dtype == "int8":
            coarse, fine, scales = quantize(rows)
            return {"matrix.npy": coarse, "fine.npy": fine, "scales.npy": scales, "norms.npy": row_norms(rows)}
        numbers = _narrow(rows, np.dtype(dtype))
        return {"matrix.npy": numbers, "norms.npy": row_norms(numbers)}

    def _sizes(self, rows: int, text: int) -> dict[str, int]:
        """Returns how long the files are with so many rows and bytes of words."""
        return {"words.txt": text, **{name: _HEADER + rows * row.itemsize for name, row in self._row_types.items()}}

    def _load_state(self) -> dict[str, Any]:
        """Returns the progress of an interrupted conversion of the same source, or else empties the folder."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            state = json.loads((self._folder / _STATE).read_text(encoding="utf-8"))
            sizes = self._sizes(state["rows"], state["bytes"])
            if state["key"] == self._key and all((self._folder / name).stat().st_size >= sizes[name] for name in sizes):
                return state
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        return {"position": None, "read": 0, "skipped": 0, "rows": 0, "bytes": 0}
