"""A text as word numbers: from files to a folder, which training opens.

The text is read and cut into words once (`reading`, `tokenizers`). Words get numbers as they come, which go to the
disk, and are counted (`counting`). When all are counted, the numbers on the disk are replaced by those of the final
vocabulary, most frequent word first (`vocabulary`, `phrases`).
"""

import dataclasses
import hashlib
import itertools
import json
import math
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfgraphs.errors import errors_as, reason
from tfgraphs.files.locks import locked
from tfgraphs.files.outputs import atomic_folder, check_folder, output_errors
from tfgraphs.word2vec.settings import CorpusError, TextSettings
from tfgraphs.word2vec.text import chinese
from tfgraphs.word2vec.text.counting import WordTable
from tfgraphs.word2vec.text.encoding import Report, count_blocks, count_parts
from tfgraphs.word2vec.text.phrases import join_phrases
from tfgraphs.word2vec.text.reading import STDIN, find_files, named
from tfgraphs.word2vec.text.shards import MapInOrder
from tfgraphs.word2vec.text.tokenizers import dictionary_digest
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END, NumberFile, Vocabulary, most_frequent, renumber, translate

MARKER = "corpus.json"
WORDS = "vocabulary.tsv"
NUMBERS = "tokens.int32"
_SHARDS = "shards"
FORMAT = 3  # version of the folder, and of how text becomes words: folders of another version are written anew
_SAMPLE = 20_000  # words
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+"
)  # Thai, Lao, Burmese, Khmer, Kana and Han with their punctuation
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_LONG = {_HAN: 3, _UNSPACED: 7}  # characters; words are shorter on average


@dataclass(frozen=True)
class EncodedCorpus:
    """A text as word numbers.

    Attributes:
        vocabulary: its words.
        tokens: int32 [words and sentence ends], read-only: word numbers in the order of the text, -1 after each
            sentence. Words that are not in the vocabulary are left out, and sentences of which nothing is left.
        sentences: number of sentences.
        raw_words: number of words in the text before phrases were joined, words left out included.
        bad_bytes: number of byte sequences that were not UTF-8 and were replaced by U+FFFD.
        pruned: whether rare words or pairs were forgotten in counting, so that some counts are too low.
    """

    vocabulary: Vocabulary
    tokens: np.ndarray
    sentences: int
    raw_words: int
    bad_bytes: int = 0
    pruned: bool = False

    @classmethod
    def open(cls, folder: str | Path) -> "EncodedCorpus":
        """Open a folder that `prepare` wrote; the word numbers stay on the disk and are read when they are used.

        Raises:
            CorpusError: it is no such folder, or it is damaged.
        """
        folder = Path(folder)
        about = _read_about(folder)
        with errors_as(CorpusError, f"{folder} is damaged", "delete it"):
            figures = {name: int(about[name]) for name in ("sentences", "raw_words", "bad_bytes")}
            vocabulary = _read_vocabulary(folder / WORDS)
            tokens = NumberFile(folder / NUMBERS).open(len(vocabulary.words))
            total = sum(vocabulary.counts.tolist()) + figures["sentences"]
            if total != len(tokens) or tokens[-1] != SENTENCE_END:
                raise ValueError("the text is not as long as the counts say")
            return cls(vocabulary, tokens, **figures, pruned=bool(about["pruned"]))

    def part(self, number: int, count: int) -> "EncodedCorpus":
        """Return one of several parts of the text, of about as many words, with the whole vocabulary."""
        cuts = [self._end_of_sentence(len(self.tokens) * place // count) for place in (number, number + 1)]
        return dataclasses.replace(self, tokens=self.tokens[slice(*cuts)])

    def _end_of_sentence(self, place: int) -> int:
        """Return where the first sentence begins that begins at a place or after it."""
        while 0 < place < len(self.tokens) and self.tokens[place - 1] != SENTENCE_END:
            place += 1
        return place


def prepare(
    sources: Sequence[str],
    settings: TextSettings,
    folder: str | Path,
    *,
    known: Collection[str] = frozenset(),
    processes: int | None = None,
    map_in_order: MapInOrder | None = None,
    on_progress: Report = lambda stage, share: None,
) -> EncodedCorpus:
    """Encode text files as word numbers in a folder, and open it.

    A folder that already holds the numbers of the same files (by path, size and time of change) and settings is opened
    as it is, after another process has written it; the standard input is always read. A line is a sentence; lines of
    64 KB or more, about 10,000 words, are broken. The text may be larger than memory: needed are the table of words,
    see `TextSettings.max_counting_memory`, and about 100 MB for each process. The folder takes 4 bytes for each word
    and line of the text.

    Args:
        sources: paths of files, plain or packed by gzip, bzip2, xz or Zstandard, of folders, and globs; "-" is the
            standard input.
        settings: which words the text has.
        folder: where the numbers are written; see `EncodedCorpus.open`.
        known: words that belong to the vocabulary even if they are rarer than `min_count`.
        processes: number of processes that cut text into words, by default one for each core. The result is the same.
        map_in_order: instead, yields the results of a function for many items in their order, computed on machines that
            see the same files and folder, such as `Scheduler.map_in_order`. The result is the same, unless a table
            outgrows its memory: then the counts of rare words may differ.
        on_progress: called with a description of the stage and the share of it that is done, 0..1.

    Raises:
        CorpusError: a text cannot be read or is none, or it has too few words.
        ProcessError: a process that cut the text was ended from outside.
        OutputError: the folder cannot be written, or holds something else; it is then as it was before.
    """
    folder, files = Path(folder), find_files(sources)
    if map_in_order and STDIN in files:
        raise CorpusError("other machines cannot read the standard input: give files that they see")
    note = {"format": FORMAT, "settings": dataclasses.asdict(settings), "sources": list(map(_state, files))}
    note["known"] = hashlib.sha256("\n".join(sorted(known)).encode()).hexdigest() if known else ""
    if settings.tokenizer == "jieba":
        note["packages"] = chinese.package_versions()
        note["dictionary"] = dictionary_digest(settings.jieba_dictionary)
    check_folder(folder, MARKER)
    with output_errors(folder), locked(folder, math.inf, lambda holder: on_progress(f"waiting for {holder}", 0.0)):
        with suppress(CorpusError):  # nothing is there, or it is damaged: it is written anew
            about = _read_about(folder)
            if STDIN not in files and all(about.get(name) == value for name, value in note.items()):
                return EncodedCorpus.open(folder)
        with atomic_folder(folder, MARKER) as temporary:
            figures = _encode(files, settings, temporary, frozenset(known), map_in_order, processes, on_progress)
            (temporary / MARKER).write_text(json.dumps({**note, **figures}, indent=1), encoding="utf-8")
        return EncodedCorpus.open(folder)


def _state(path: Path) -> list[object]:
    """Return what tells whether a file is still the same."""
    return [str(path)] if path == STDIN else [os.path.realpath(path), path.stat().st_size, path.stat().st_mtime_ns]


def encode_sentences(sentences: Iterable[Sequence[str]], min_count: int = 1) -> EncodedCorpus:
    """Encode lists of words as word numbers, in memory.

    Raises:
        CorpusError: fewer than two different words are frequent enough, or none stands beside another one.
    """
    index: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    arrays = [np.array([*map(index.__getitem__, sentence), SENTENCE_END], np.int32) for sentence in sentences]
    numbers = np.concatenate([np.empty(0, np.int32), *arrays])
    words = numbers[numbers >= 0]
    vocabulary, table = most_frequent(index, np.bincount(words, minlength=len(index)), min_count)
    tokens = renumber(numbers, table)
    count = int(np.count_nonzero(tokens == SENTENCE_END))
    _check_enough(vocabulary, count)
    tokens.flags.writeable = False
    return EncodedCorpus(vocabulary, tokens, count, len(words))


def write_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Write a line `word TAB count` for each word."""
    pairs = zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{word}\t{count}\n" for word, count in pairs)


def _encode(
    files: Sequence[Path],
    settings: TextSettings,
    folder: Path,
    known: frozenset[str],
    map_in_order: MapInOrder | None,
    processes: int | None,
    report: Report,
) -> dict[str, int | bool]:
    """Write vocabulary and numbers; return the figures of EncodedCorpus."""
    if map_in_order is None:
        shards, counted, figures = count_blocks(files, settings, folder / NUMBERS, processes, report)
    else:
        shards, counted, figures = count_parts(files, settings, folder / _SHARDS, map_in_order, report)
    if figures.raw_words == 0:
        raise CorpusError(f"there is no word in {named(files[0]) if len(files) == 1 else f'any of {len(files)} files'}")
    if settings.tokenizer == "unicode":  # whitespace: the text says where words end, however long they are
        _refuse_unspaced(counted)
    pruned = counted.pruned or figures.pruned
    if settings.phrases:
        vocabulary, table = counted.vocabulary(settings.min_count, known=known)
        del counted  # the table of pairs needs the memory
        # Words that are too rare for a phrase stay as UNKNOWN: their neighbours on both sides are no pair.
        shards.look_up(table, translate, "looking up frequent words")
        vocabulary, table, pairs_pruned = join_phrases(shards, vocabulary, figures.raw_words, settings, known)
        pruned = pruned or pairs_pruned
    else:
        vocabulary, table = counted.vocabulary(settings.min_count, settings.max_vocabulary, known)
    write_vocabulary(folder / WORDS, vocabulary)
    shards.look_up(table, renumber, "writing word numbers")
    sentences = len(shards) - int(vocabulary.counts.sum())
    _check_enough(vocabulary, sentences)
    shards.gather(folder / NUMBERS)
    shutil.rmtree(folder / _SHARDS, ignore_errors=True)
    return {
        "raw_words": figures.raw_words,
        "bad_bytes": figures.bad_bytes,
        "pruned": pruned,
        "sentences": sentences,
    }


def _check_enough(vocabulary: Vocabulary, sentences: int) -> None:
    """Raise CorpusError if there is nothing to learn: words learn from words beside them in a sentence."""
    if len(vocabulary.words) < 2:
        raise CorpusError("the text has too few words that are frequent enough: give more text or a lower --min_count")
    if int(vocabulary.counts.sum()) == sentences:
        raise CorpusError(
            "no line has two words that are frequent enough, and words learn from their neighbours in a line: "
            "put whole sentences on lines, or give more text or a lower --min_count"
        )


def _refuse_unspaced(counted: WordTable) -> None:
    """Raise CorpusError if most words of a sample are whole sentences in a script without spaces."""
    words, counts = counted.sample(_SAMPLE)
    for script, long in _LONG.items():
        unspaced = np.array([len(word) if script.fullmatch(word) else 0 for word in words])
        share, length = (unspaced > 0) @ counts / counts.sum(), unspaced @ counts / max(1, (unspaced > 0) @ counts)
        if share > 0.5 and length > long:
            raise CorpusError(
                f"most of the text has no spaces between words: on average {length:.0f} letters of Han, Kana, Thai or "
                "such follow one another; --tokenizer=jieba finds Chinese words, text in other languages must be cut "
                "into words; if words are that long, as names may be, --tokenizer=whitespace takes them as they are"
            )


def _read_about(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CorpusError(f"{folder} holds no encoded text ({MARKER}: {reason(error)})") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise CorpusError(f"{folder} holds no encoded text of this version of tfgraphs: delete it")
    return about


def _read_vocabulary(path: Path) -> Vocabulary:
    fields = path.read_text(encoding="utf-8").removesuffix("\n").replace("\n", "\t").split("\t")
    words, counts = fields[::2], np.fromiter(map(int, fields[1::2]), np.int64)
    if len(set(words)) != len(counts) or counts.min() < 1 or (np.diff(counts) > 0).any():
        raise ValueError("words are repeated, or counts are not in order")
    return Vocabulary(words, counts)
