"""Converts word vectors from any format to another."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from tfgraphs.errors import reason
from tfgraphs.files.outputs import OutputError, check_folder, replace_folder
from tfgraphs.vectors.files.store import STORE, StoreWriter
from tfgraphs.vectors.files.vector_file import Block, VectorFile, unique
from tfgraphs.vectors.files.writers import save_binary, save_text
from tfgraphs.vectors.loading import find_file, load
from tfgraphs.vectors.word_vectors import FormatError, WordVectors

_ROWS = 8192  # copied at once
_FILE_FORMATS = {".bin": save_binary, ".txt": save_text, ".vec": save_text}

Report = Callable[[str, float], None]


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
        target: a folder, or a file: .bin for word2vec's binary format, .txt or .vec for its text format. An earlier
            folder of word vectors is replaced, anything else is not.
        dtype: of a folder: "float32"; "float16", half the size; or "int8", as large and searched twice as fast.
        limit: maximal number of words, from the beginning on. None for all.
        report: called with a stage and the share that is done, 0..1.

    Returns:
        The number of words and of dimensions.

    Raises:
        FormatError: the source is damaged, or the format cannot represent it.
        OutputError: the target is the source, exists and is something else, or cannot be written.
    """
    if os.path.realpath(source) == os.path.realpath(target):
        raise OutputError(f"{target} is the source itself: name another target")
    save = _FILE_FORMATS.get(Path(target).suffix.lower())
    if save is None:
        return _convert_to_folder(source, target, dtype, limit, report)
    report("reading", 0.0)
    vectors = load(source, limit)
    report("writing", 0.5)
    save(target, vectors)
    return len(vectors.words), vectors.matrix.shape[1]


def _convert_to_folder(source: str, target: str, dtype: str, limit: int | None, report: Report) -> tuple[int, int]:
    path = find_file(source)
    if path is None:
        vectors = load(source, limit)
        identity, dimensions = {"source": source, "words": len(vectors.words)}, vectors.matrix.shape[1]
        read = partial(_blocks, vectors)
    else:
        file, status = VectorFile(path), path.stat()
        identity = {"source": str(path.resolve()), "bytes": status.st_size, "changed": status.st_mtime_ns}
        identity["limit"], dimensions = limit, file.dimensions
        read = partial(file.blocks, limit=limit)
    folder = Path(os.path.realpath(target))
    check_folder(folder, STORE)
    partial_folder = folder.with_name(f".{folder.name}.part")
    try:
        with StoreWriter(partial_folder, identity, dimensions, dtype) as writer:
            for block in _read_ahead(unique(read(writer.position, writer.read), writer.seen)):
                writer.write(block)
                report("converting", 0.95 * block.share)
            words = writer.finish()
        report("converting", 1.0)
        replace_folder(folder, partial_folder)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {reason(error)}") from error
    except FormatError:
        shutil.rmtree(partial_folder, ignore_errors=True)
        raise
    return words, dimensions


def _blocks(vectors: WordVectors, position: int | None, _: int) -> Iterator[Block]:
    """Yields the vectors from a row on."""
    for first in range(position or 0, len(vectors.words), _ROWS):
        words = vectors.words[first : first + _ROWS]
        last = first + len(words)
        matrix = np.asarray(vectors.matrix[first:last], np.float32)
        yield Block(list(words), matrix, last, last, last / len(vectors.words))


def _read_ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """Yields blocks while a thread reads the next one."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, blocks, None)
        while block := coming.result():
            coming = reader.submit(next, blocks, None)
            yield block
