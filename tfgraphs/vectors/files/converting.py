"""From any format of word vectors to another."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tfgraphs.vectors.files.formats import file_of, load, save_binary, save_text
from tfgraphs.vectors.files.store import Source, convert
from tfgraphs.vectors.files.vector_file import Block, open_vectors
from tfgraphs.vectors.word_vectors import WordVectors

_ROWS = 8192  # that are handed over at once
_FORMATS = {".bin": save_binary, ".txt": save_text, ".vec": save_text}

Report = Callable[[str, float], None]


def convert_to(
    source: str,
    target: str,
    dtype: str = "float32",
    limit: int | None = None,
    report: Report = lambda stage, done: None,
) -> tuple[int, int]:
    """Reads word vectors of any format and writes them as a folder that opens at once, or as one of word2vec's files.

    Args:
        source: what `load` reads.
        target: a folder, see `convert`; or a file: .bin in word2vec's binary format, .txt or .vec in that of text.
        dtype: of the numbers in a folder.
        limit: number of words, from the beginning on. None for all.
        report: is told what is done and how far it is, 0..1.

    Returns:
        The number of words and of dimensions.

    Raises:
        FormatError: the source is damaged, or cannot be written so.
        OutputError: the target holds something else, or the file system refuses.
    """
    save = _FORMATS.get(Path(target).suffix.lower())
    if save:
        report("reading", 0.0)
        vectors = load(source, limit)
        report("writing", 0.5)
        save(target, vectors)
        return len(vectors.words), vectors.matrix.shape[1]
    origin = _source(source, limit)
    rows = convert(origin, target, dtype, lambda done: report("converting", done))
    return rows, origin.dimensions


def _source(source: str, limit: int | None) -> Source:
    """A file as blocks as they are read, all else from memory or from where it is mapped."""
    path = file_of(source)
    if path is None:
        vectors = load(source, limit)
        about = {"source": source, "words": len(vectors.words)}
        total = max(1, len(vectors.words))
        return Source(
            about, vectors.matrix.shape[1], lambda start, _: _blocks(vectors, start), lambda b: b.read / total
        )
    file, state = open_vectors(path), path.stat()
    about = {"source": str(path.resolve()), "bytes": state.st_size, "changed": state.st_mtime_ns, "limit": limit}
    words = min(limit or file.count or 0, file.count or limit or 0)

    def done(block: Block) -> float:
        return block.read / words if words else file.done(block.position)

    return Source(about, file.dimensions, lambda start, read: file.blocks(start, read, limit), done)


def _blocks(vectors: WordVectors, start: int | None) -> Iterator[Block]:
    for first in range(start or 0, len(vectors.words), _ROWS):
        words = vectors.words[first : first + _ROWS]
        end = first + len(words)
        yield Block(list(words), np.asarray(vectors.matrix[first:end], np.float32), end, end)
