"""From text files to a folder of word numbers.

The text is read and cut into words once. As words come they get numbers, which go to the disk, and are counted; when
all are counted the numbers on the disk are replaced by those of the final vocabulary, most frequent word first.
"""

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from tfgraphs.files.outputs import atomic_folder, check_folder
from tfgraphs.word2vec.settings import TextSettings
from tfgraphs.word2vec.text.corpus import (
    FORMAT,
    MARKER,
    NUMBERS,
    WORDS,
    EncodedCorpus,
    check_vocabulary,
    read_about,
    write_vocabulary,
)
from tfgraphs.word2vec.text.number_file import NumberFile, write_numbers
from tfgraphs.word2vec.text.numbering import number_words
from tfgraphs.word2vec.text.phrases import join_phrases
from tfgraphs.word2vec.text.reading import CorpusError, find_files, read_blocks
from tfgraphs.word2vec.text.tokenizers import tokenizer
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END, WordTable, looked_up, renumbered
from tfgraphs.word2vec.text.workers import available_cores, map_in_order

Report = Callable[[str, float], None]


def prepare(
    sources: Sequence[str],
    settings: TextSettings,
    folder: str | Path,
    *,
    processes: int | None = None,
    on_progress: Report | None = None,
) -> EncodedCorpus:
    """Turns text files into word numbers in a folder, and opens it.

    A folder that already holds the numbers of the same files (by path, size and time of change) and settings is opened
    at once. A line is a sentence; one of 64 KB or more, about 10,000 words, is broken into several. The text may be
    larger than memory: needed are the table of words, see `TextSettings.max_counting_memory`, and about 100 MB for
    each process. The folder needs 4 bytes for each word and line of the text.

    Args:
        sources: names of files, plain or packed by gzip, bzip2, xz or Zstandard, of folders, and globs.
        settings: what decides the words.
        folder: where the numbers go; see `EncodedCorpus.open`.
        processes: how many processes cut text into words; by default one for each core. The result is the same.
        on_progress: called with what is being done and the share of it that is done, 0..1.

    Raises:
        CorpusError: a text cannot be read or is none, or it has too few words.
        OutputError: the folder cannot be written, or holds something else; it is then as it was before.
    """
    report = on_progress or (lambda stage, share: None)
    folder, files = Path(folder), find_files(sources)
    note = {"format": FORMAT, "settings": dataclasses.asdict(settings), "sources": _fingerprint(files)}
    if stored := _stored(folder, note):
        return stored
    check_folder(folder, MARKER)
    with atomic_folder(folder, MARKER) as temporary:
        figures = _encode(files, settings, temporary, processes or available_cores(), report)
        (temporary / MARKER).write_text(json.dumps({**note, **figures}, indent=1), encoding="utf-8")
    return EncodedCorpus.open(folder)


def _fingerprint(files: Sequence[Path]) -> str:
    """Changes when a file does."""
    digest = hashlib.sha256()
    for path in files:
        status = path.stat()
        digest.update(os.fsencode(os.path.realpath(path)) + f"\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _stored(folder: Path, note: dict) -> EncodedCorpus | None:
    try:
        about = read_about(folder)
        if any(about.get(key) != value for key, value in note.items()):
            return None
        return dataclasses.replace(EncodedCorpus.open(folder), reused=True)
    except CorpusError:
        return None  # nothing is there, or it is damaged: it is written anew


def _encode(
    files: Sequence[Path], settings: TextSettings, folder: Path, processes: int, report: Report
) -> dict[str, int | bool]:
    """Writes vocabulary and numbers; returns the figures of EncodedCorpus."""
    file, table = NumberFile(folder / NUMBERS), WordTable(settings.max_counting_memory)
    raw_words, bad_bytes = _number_text(files, settings, file, table, processes, report)
    pruned = table.pruned
    if settings.phrases:
        vocabulary, places = table.vocabulary(settings.min_count)
        del table  # that of pairs needs the memory
        # Words that are too rare for a phrase keep those on either side apart.
        file.rewrite(lambda numbers: looked_up(numbers, places), functools.partial(report, "looking up frequent words"))
        vocabulary, places, pairs_pruned = join_phrases(file, vocabulary, raw_words, settings, report)
        pruned = pruned or pairs_pruned
    else:
        vocabulary, places = table.vocabulary(settings.min_count, settings.max_vocabulary)
    check_vocabulary(vocabulary)
    write_vocabulary(folder / WORDS, vocabulary)
    file.rewrite(lambda numbers: renumbered(numbers, places), functools.partial(report, "writing word numbers"))
    sentences = len(file) - int(vocabulary.counts.sum())
    return {"raw_words": raw_words, "bad_bytes": bad_bytes, "pruned": pruned, "sentences": sentences}


def _number_text(
    files: Sequence[Path], settings: TextSettings, file: NumberFile, table: WordTable, processes: int, report: Report
) -> tuple[int, int]:
    """Writes the numbers that words get as they come up, and counts words, and bytes that are not UTF-8."""
    task = functools.partial(number_words, tokenizer(settings.tokenizer, settings.fold_case))
    blocks = read_blocks(files, on_progress=functools.partial(report, "reading the text"))
    raw_words = bad_bytes = 0
    with file.path.open("wb") as output, closing(map_in_order(task, blocks, processes)) as parts:
        for part in parts:
            places = np.append(table.add(part.words, part.counts), np.int32(SENTENCE_END))
            write_numbers(places[part.numbers], output)
            raw_words += int(part.counts.sum())
            bad_bytes += part.bad_bytes
    if raw_words == 0:
        raise CorpusError(f"there is no word in {files[0] if len(files) == 1 else f'any of {len(files)} files'}")
    return raw_words, bad_bytes
