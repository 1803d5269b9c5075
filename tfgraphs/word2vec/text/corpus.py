"""Text as word numbers, in memory or in a folder."""

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfgraphs.errors import reason
from tfgraphs.word2vec.text.number_file import DTYPE
from tfgraphs.word2vec.text.reading import CorpusError
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END, Vocabulary, most_frequent, renumbered

MARKER = "corpus.json"
WORDS = "vocabulary.tsv"
NUMBERS = "tokens.int32"
FORMAT = 1  # of the folder, and of how text becomes words: another one is not taken up again
TOO_FEW = "the text has too few words that are frequent enough: give more text or a lower --min_count"
_CHECKED = 1 << 20  # word numbers that are checked at a time
_CHECKS = 256


@dataclass(frozen=True)
class EncodedCorpus:
    """A text as word numbers.

    Attributes:
        vocabulary: its words.
        tokens: int32 [words and sentence ends], read-only: word numbers in the order of the text, -1 after each
            sentence. Words that are not in the vocabulary are left out, and sentences of which nothing is left.
        sentences: how many sentences are left.
        raw_words: words of the text, before phrases were joined; those that are left out are counted too.
        bad_bytes: how many times bytes were not UTF-8 and were replaced by U+FFFD.
        pruned: whether rare words or pairs were forgotten in counting, so that some counts are too low.
        reused: whether the numbers were found in the folder, and the text was not read again.
    """

    vocabulary: Vocabulary
    tokens: np.ndarray
    sentences: int
    raw_words: int
    bad_bytes: int = 0
    pruned: bool = False
    reused: bool = False

    @classmethod
    def open(cls, folder: str | Path) -> "EncodedCorpus":
        """Opens a folder that `prepare` wrote; the word numbers stay on the disk and are read as they are used.

        Raises:
            CorpusError: it is no such folder, or it is damaged.
        """
        folder = Path(folder)
        about = read_about(folder)
        try:
            vocabulary = _read_vocabulary(folder / WORDS)
            tokens = np.memmap(folder / NUMBERS, DTYPE, "r")
            corpus = cls(
                vocabulary,
                tokens,
                _checked_count(about, "sentences"),
                _checked_count(about, "raw_words"),
                _checked_count(about, "bad_bytes"),
                about.get("pruned") is True,
            )
            corpus._check()
            _check_numbers(folder / NUMBERS, len(tokens), len(vocabulary.words))
        except (OSError, ValueError, OverflowError) as error:
            raise CorpusError(f"{folder} is damaged ({reason(error)}): delete it") from error
        return corpus

    def _check(self) -> None:
        """Finds sizes that do not fit each other."""
        counts = self.vocabulary.counts
        if len(set(self.vocabulary.words)) != len(counts) or len(counts) == 0:
            raise ValueError("words stand twice, or there are none")
        if counts.min() < 1 or (np.diff(counts) > 0).any():
            raise ValueError("counts are not in order")
        if sum(counts.tolist()) + self.sentences != len(self.tokens) or self.tokens[-1] != SENTENCE_END:
            raise ValueError("the numbers of words are not as many as the counts say")


def _check_numbers(path: Path, tokens: int, words: int) -> None:
    """Finds numbers of no word, in a long text in samples; does not go through the memory map, to use less memory."""
    last = max(0, tokens - _CHECKED)
    with path.open("rb") as file:
        for start in sorted({*range(0, last, max(_CHECKED, last // _CHECKS)), last}):
            file.seek(start * DTYPE.itemsize)
            part = np.fromfile(file, DTYPE, _CHECKED)
            if part.min() < SENTENCE_END or part.max() >= words:
                raise ValueError("there are numbers of no word")


def read_about(folder: Path) -> dict[str, Any]:
    """What `prepare` noted of a text and its settings.

    Raises:
        CorpusError: there is no such note, or it is damaged.
    """
    try:
        about = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CorpusError(f"{folder} holds no encoded text ({MARKER}: {reason(error)})") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise CorpusError(f"{folder} holds no encoded text of this version of tfgraphs: delete it")
    return about


def _checked_count(about: dict[str, Any], name: str) -> int:
    value = about.get(name)
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} is {str(value)[:40]!r}")
    return value


def _read_vocabulary(path: Path) -> Vocabulary:
    fields = path.read_text(encoding="utf-8").removesuffix("\n").replace("\n", "\t").split("\t")
    counts = np.fromiter(map(int, fields[1::2]), np.int64)
    if len(fields) % 2:
        raise ValueError("a word has no count")
    return Vocabulary(fields[::2], counts)


def write_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Writes a line `word TAB count` for each word."""
    pairs = zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{word}\t{count}\n" for word, count in pairs)


def encode_sentences(sentences: Iterable[Sequence[str]], min_count: int = 1) -> EncodedCorpus:
    """Turns lists of words into word numbers, in memory.

    Raises:
        CorpusError: fewer than two different words are frequent enough, so there is nothing to learn from.
    """
    index: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    arrays = [np.array([*map(index.__getitem__, sentence), SENTENCE_END], np.int32) for sentence in sentences]
    numbers = np.concatenate([np.empty(0, np.int32), *arrays])
    words = numbers[numbers >= 0]
    vocabulary, places = most_frequent(index, np.bincount(words, minlength=len(index)), min_count)
    tokens = renumbered(numbers, places)
    check_vocabulary(vocabulary)
    tokens.flags.writeable = False
    return EncodedCorpus(vocabulary, tokens, int(np.count_nonzero(tokens == SENTENCE_END)), len(words))


def check_vocabulary(vocabulary: Vocabulary) -> None:
    """Raises CorpusError if there is nothing to learn from."""
    if len(vocabulary.words) < 2:
        raise CorpusError(TOO_FEW)
