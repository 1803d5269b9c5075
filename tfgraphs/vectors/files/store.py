"""Word vectors as a folder that opens at once, however large it is: nothing of it is read before it is asked for.

vectors.json        rows, dimensions and type of the numbers; it is written last
words.txt           a word on each line, most frequent first
word_ends.npy       where each line ends, int64 [rows]
word_order.npy      rows in the order of the spellings, int32 [rows]: the index, see `PackedWords`
norms.npy           lengths of the vectors, float32 [rows]
matrix.npy          float32 or float16 [rows, dimensions]; or int8, and then
fine.npy            what int8 leaves out, int8 [rows, dimensions], see `Int8Matrix`
scales.npy          float32 [rows]
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tfgraphs.errors import reason
from tfgraphs.files.outputs import OutputError, check_folder, replace_folder
from tfgraphs.vectors.files.vector_file import Block, FormatError, unique
from tfgraphs.vectors.lexicon import PackedWords, folded_order
from tfgraphs.vectors.matrix import DTYPES, Int8Matrix, to_int8
from tfgraphs.vectors.word_vectors import WordVectors, norms_of

ABOUT = "vectors.json"
_STATE = "state.json"
_VERSION = 1
_LARGEST_FLOAT16 = 65520  # and above are rounded to infinity
_HEADER = 128  # bytes of a .npy file before its numbers


def open_store(folder: Path) -> WordVectors:
    """Opens a folder that `convert` has made.

    Raises:
        FormatError: it is damaged.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        rows, dimensions, dtype = about["rows"], about["dimensions"], about["dtype"]
        if about["version"] != _VERSION or dtype not in DTYPES:
            raise FormatError(f"{folder} was made by another version of tfgraphs: convert the vectors again")
        shape = rows, dimensions
        text = np.memmap(folder / "words.txt", np.uint8, "r")
        ends, order = _mapped(folder, "word_ends", "<i8", (rows,)), _mapped(folder, "word_order", "<i4", (rows,))
        if ends[-1] != len(text) or (np.diff(ends, prepend=0) < 2).any() or order.min() < 0 or order.max() >= rows:
            raise FormatError(f"{folder} is damaged: its index does not fit words.txt")
        words, norms = PackedWords(text, ends, order), _mapped(folder, "norms", "<f4", (rows,))
        numbers = _mapped(folder, "matrix", np.dtype(dtype).newbyteorder("<"), shape)
        if dtype == "int8":
            fine, scales = _mapped(folder, "fine", "i1", shape), _mapped(folder, "scales", "<f4", (rows,))
            return WordVectors(words, Int8Matrix(numbers, fine, scales), norms)
        return WordVectors(words, numbers, norms)
    except OSError as error:
        raise FormatError(f"cannot read {folder}: {reason(error)}") from error
    except (ValueError, KeyError, TypeError, IndexError, EOFError) as error:
        raise FormatError(f"{folder} is damaged: {error}") from error


def _mapped(folder: Path, name: str, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    if array.dtype != np.dtype(dtype) or array.shape != shape:
        raise FormatError(f"{folder} is damaged: {name}.npy holds {array.dtype} {list(array.shape)}")
    return array


class Source:
    """Where `convert` takes vectors from.

    Attributes:
        about: what it is, as JSON; a conversion that was interrupted goes on if this is the same.
        dimensions: of the vectors.
    """

    def __init__(
        self,
        about: dict[str, Any],
        dimensions: int,
        blocks: Callable[[int | None, int], Iterator[Block]],
        done: Callable[[Block], float],
    ) -> None:
        self.about, self.dimensions, self.blocks, self.done = about, dimensions, blocks, done


def convert(
    source: Source, folder: str | Path, dtype: str = "float32", on_progress: Callable[[float], None] = lambda done: None
) -> int:
    """Writes word vectors as a folder that opens at once.

    What is written lies beside the folder, in `.NAME.part`, until it is whole. If it is interrupted, the same
    conversion goes on from there.

    Args:
        source: of the vectors, most frequent words first.
        folder: to write; an earlier one of the same kind is replaced, anything else is not.
        dtype: "float32"; "float16", half the size; or "int8", as large as float16, which is searched twice as fast.
        on_progress: called with the share that is done, 0..1.

    Returns:
        The number of words.

    Raises:
        FormatError: the source is damaged, or holds a word that cannot stand in a line.
        OutputError: the folder holds something else, or the file system refuses.
    """
    folder = Path(os.path.realpath(folder))
    check_folder(folder, ABOUT)
    partial = folder.with_name(f".{folder.name}.part")
    key = {"version": _VERSION, "dtype": dtype, "dimensions": source.dimensions, "source": source.about}
    try:
        with _Writer(partial, key) as writer:
            for block in _ahead(unique(source.blocks(writer.position, writer.read), writer.seen)):
                writer.add(block)
                on_progress(0.95 * source.done(block))
            rows = writer.finish()
        on_progress(1.0)
        replace_folder(folder, partial)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {reason(error)}") from error
    except FormatError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return rows


def _ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same blocks; while one is worked on, a thread reads the next."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, blocks, None)
        while block := coming.result():
            coming = reader.submit(next, blocks, None)
            yield block


class _Writer:
    """The files of a folder that is not whole yet, and how far they are.

    Attributes:
        position: of the source, from which to go on; None for the beginning.
        read: words of the source up to there.
        seen: the words that are written.
    """

    def __init__(self, folder: Path, key: dict[str, Any]) -> None:
        self._folder, self._key = folder, key
        dimensions, dtype = key["dimensions"], np.dtype(key["dtype"]).newbyteorder("<")
        self._shapes: dict[str, tuple[np.dtype, tuple[int, ...]]] = {"matrix": (dtype, (dimensions,))}
        if dtype == np.int8:
            self._shapes |= {"fine": (dtype, (dimensions,)), "scales": (np.dtype("<f4"), ())}
        self._shapes["norms"] = np.dtype("<f4"), ()
        state = self._state()
        self.position, self.read, self._rows, self._bytes = (
            state["position"],
            state["read"],
            state["rows"],
            state["bytes"],
        )
        self.seen = self._words() if self._rows else set()
        self._files: dict[str, BinaryIO] = {}

    def __enter__(self) -> "_Writer":
        with contextlib.ExitStack() as stack:
            sizes = {f"{name}.npy": _HEADER + self._rows * _row_bytes(*self._shapes[name]) for name in self._shapes}
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

    def add(self, block: Block) -> None:
        """Writes the words of a block, and then how far that is."""
        if any("\n" in word for word in block.words):
            raise FormatError("a word holds a line break: such vectors cannot be converted")
        text = "".join(f"{word}\n" for word in block.words).encode()
        self._files["words.txt"].write(text)
        for name, values in self._numbers(block.matrix).items():
            self._files[f"{name}.npy"].write(np.ascontiguousarray(values, self._shapes[name][0]).data)
        self._rows, self._bytes = self._rows + len(block.words), self._bytes + len(text)
        for file in self._files.values():
            file.flush()
        state = {"key": self._key, "position": block.position, "read": block.read}
        temporary = self._folder / f"{_STATE}.part"
        temporary.write_text(json.dumps({**state, "rows": self._rows, "bytes": self._bytes}), encoding="utf-8")
        os.replace(temporary, self._folder / _STATE)

    def finish(self) -> int:
        """Writes what can only be written at the end; returns the number of words."""
        if not self._rows:
            raise FormatError("there are no words in it")
        for name, (dtype, shape) in self._shapes.items():
            file = self._files[f"{name}.npy"]
            file.seek(0)
            file.write(_header(dtype, (self._rows, *shape)))
        self._files["words.txt"].flush()
        text = (self._folder / "words.txt").read_bytes()
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
        np.save(self._folder / "word_ends.npy", ends.astype("<i8"))
        np.save(self._folder / "word_order.npy", folded_order(text.decode()).astype("<i4"))
        about = {"version": _VERSION, "rows": self._rows, **{name: self._key[name] for name in ("dimensions", "dtype")}}
        (self._folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")
        (self._folder / _STATE).unlink(missing_ok=True)
        return self._rows

    def _numbers(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        dtype = self._key["dtype"]
        if dtype == "int8":
            coarse, fine, scales = to_int8(rows)
            return {"matrix": coarse, "fine": fine, "scales": scales, "norms": norms_of(rows)}
        if dtype == "float16" and max(rows.max(), -rows.min()) >= _LARGEST_FLOAT16:
            raise FormatError("a number is too large for float16: convert to float32")
        numbers = rows.astype(dtype)
        return {"matrix": numbers, "norms": norms_of(numbers)}

    def _state(self) -> dict[str, Any]:
        """How far an earlier attempt at the same conversion has come."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            state = json.loads((self._folder / _STATE).read_text(encoding="utf-8"))
            if state["key"] == self._key:
                return state
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        return {"position": None, "read": 0, "rows": 0, "bytes": 0}

    def _words(self) -> set[str]:
        with (self._folder / "words.txt").open("rb") as file:
            return set(file.read(self._bytes).decode().split("\n")[:-1])


def _row_bytes(dtype: np.dtype, shape: tuple[int, ...]) -> int:
    return dtype.itemsize * int(np.prod(shape, dtype=np.int64))


def _header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    """The beginning of a .npy file, always as long, so that it can be written when the rows are counted."""
    fields = repr({"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape})
    return b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little") + fields.encode().ljust(_HEADER - 11) + b"\n"
