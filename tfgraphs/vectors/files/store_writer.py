"""Writes folders of word vectors that open at once, see `tfgraphs.vectors.files.store`."""

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tfgraphs.vectors.files.blocks import Block, FormatError
from tfgraphs.vectors.files.store import STORE, VERSION
from tfgraphs.vectors.lexicon import folded_order
from tfgraphs.vectors.matrix import quantize, row_norms

_STATE = "state.json"
_FLOAT16_LIMIT = 65520  # rounded to infinity
_HEADER = 128  # bytes of a .npy file before its numbers


class StoreWriter:
    """Writes blocks to an unfinished folder, from which an interrupted conversion goes on.

    Args:
        folder: to write; discarded if it was begun with another source or type.
        source: JSON that identifies the source.
        dimensions: of the vectors.
        dtype: "float32", "float16" or "int8".

    Attributes:
        position: of the source where to go on, None for the beginning.
        read: words of the source up to there.
        seen: words written so far.
    """

    def __init__(self, folder: Path, source: dict[str, Any], dimensions: int, dtype: str) -> None:
        self._folder = folder
        self._key = {"version": VERSION, "dtype": dtype, "dimensions": dimensions, "source": source}
        row, scalar = np.dtype((np.dtype(dtype).newbyteorder("<"), (dimensions,))), np.dtype("<f4")
        self._row_types = {"matrix.npy": row, "norms.npy": scalar}
        if dtype == "int8":
            self._row_types |= {"fine.npy": row, "scales.npy": scalar}
        state = self._load_state()
        self.position, self.read = state["position"], state["read"]
        self._rows, self._bytes = state["rows"], state["bytes"]
        self.seen = self._written_words() if self._rows else set()
        self._files: dict[str, BinaryIO] = {}

    def __enter__(self) -> "StoreWriter":
        with contextlib.ExitStack() as stack:
            sizes = {name: _HEADER + self._rows * row.itemsize for name, row in self._row_types.items()}
            for name, size in {**sizes, "words.txt": self._bytes}.items():
                path = self._folder / name
                path.touch()
                file = stack.enter_context(path.open("r+b"))
                file.truncate(size)
                file.seek(size)
                self._files[name] = file
            self._close = stack.pop_all().close
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def write(self, block: Block) -> None:
        """Appends a block, then records the progress."""
        if any("\n" in word for word in block.words):
            raise FormatError("a word contains a line break: such vectors cannot be converted")
        text = "".join(f"{word}\n" for word in block.words).encode()
        self._files["words.txt"].write(text)
        for name, values in self._arrays(block.matrix).items():
            self._files[name].write(np.ascontiguousarray(values, self._row_types[name].base).data)
        self._rows, self._bytes = self._rows + len(block.words), self._bytes + len(text)
        for file in self._files.values():
            file.flush()
        state = {"key": self._key, "position": block.position, "read": block.read}
        temporary = self._folder / f"{_STATE}.part"
        temporary.write_text(json.dumps({**state, "rows": self._rows, "bytes": self._bytes}), encoding="utf-8")
        os.replace(temporary, self._folder / _STATE)

    def finish(self) -> int:
        """Writes headers, index and description. Returns the number of words."""
        if not self._rows:
            raise FormatError("the source contains no words")
        for name, row in self._row_types.items():
            self._files[name].seek(0)
            self._files[name].write(_npy_header(row.base, (self._rows, *row.shape)))
        self._files["words.txt"].flush()
        text = (self._folder / "words.txt").read_bytes()
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
        np.save(self._folder / "word_ends.npy", ends.astype("<i8"))
        np.save(self._folder / "word_order.npy", folded_order(text.decode()).astype("<i4"))
        about = {"version": VERSION, "rows": self._rows, **{name: self._key[name] for name in ("dimensions", "dtype")}}
        (self._folder / STORE).write_text(json.dumps(about), encoding="utf-8")
        (self._folder / _STATE).unlink(missing_ok=True)
        return self._rows

    def _arrays(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Converts rows to the arrays that are stored, by the names of their files."""
        dtype = str(self._key["dtype"])
        if dtype == "int8":
            coarse, fine, scales = quantize(rows)
            return {"matrix.npy": coarse, "fine.npy": fine, "scales.npy": scales, "norms.npy": row_norms(rows)}
        if dtype == "float16" and max(rows.max(), -rows.min()) >= _FLOAT16_LIMIT:
            raise FormatError("a number is too large for float16: convert to float32")
        numbers = rows.astype(dtype)
        return {"matrix.npy": numbers, "norms.npy": row_norms(numbers)}

    def _load_state(self) -> dict[str, Any]:
        """Returns the progress of an interrupted conversion of the same source, or else empties the folder."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            state = json.loads((self._folder / _STATE).read_text(encoding="utf-8"))
            if state["key"] == self._key:
                return state
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        return {"position": None, "read": 0, "rows": 0, "bytes": 0}

    def _written_words(self) -> set[str]:
        with (self._folder / "words.txt").open("rb") as file:
            return set(file.read(self._bytes).decode(errors="replace").split("\n")[:-1])


def _npy_header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    """The header of a .npy file, of constant length, so that it can be written when the rows are counted."""
    fields = repr({"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape})
    return b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little") + fields.encode().ljust(_HEADER - 11) + b"\n"
