"""A block of text as numbers: what the processes that read a text do."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tfgraphs.word2vec.text.tokenizers import LINE_END, Tokenizer
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END

_PIECE = 1 << 15  # bytes that are cut into words at a time: these words fit into a core's own cache


@dataclass(frozen=True)
class NumberedBlock:
    """A part of a text, with numbers that are valid for it alone.

    Attributes:
        words: distinct words.
        counts: of these, int64 [words].
        numbers: places in `words`, in the order of the text, SENTENCE_END after each line, int32 [tokens].
        bad_bytes: how many sequences of bytes are not UTF-8.
    """

    words: list[str]
    counts: np.ndarray
    numbers: np.ndarray
    bad_bytes: int


def number_words(tokenizer: Tokenizer, text: bytes) -> NumberedBlock:
    """Numbers the words of whole lines, each of which ends with a line feed."""
    chunks: defaultdict[bytes, int] = defaultdict(itertools.count().__next__)
    _ = chunks[LINE_END]  # has the number 0
    arrays = [np.empty(0, np.int32)]
    for lines in _lines(text):
        pieces = tokenizer.chunks(lines)
        arrays.append(np.fromiter(map(chunks.__getitem__, pieces), np.int32, len(pieces)))
    words, meaning, lengths = _meaning(tokenizer, list(chunks))
    numbers = _expanded(np.concatenate(arrays), meaning, lengths) + SENTENCE_END  # which line ends, 0 so far, become
    counts = np.bincount(numbers[numbers >= 0], minlength=len(words) - 1)
    return NumberedBlock(words[1:], counts, numbers, _count_bad(text))


def _meaning(tokenizer: Tokenizer, chunks: list[bytes]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """What chunks consist of.

    Returns:
        Distinct words, the numbers of those of all chunks, one after the other, int32 [total], and how many words each
        chunk has, int32 [chunks].
    """
    plain = np.fromiter(map(bytes.isascii, chunks), bool, len(chunks))
    names = b"\n".join(itertools.compress(chunks, plain)).decode().split("\n")
    index = dict(zip(names, itertools.count()))
    others = [
        [index.setdefault(word, len(index)) for word in tokenizer.words(chunk)]
        for chunk in itertools.compress(chunks, ~plain)
    ]
    lengths = np.ones(len(chunks), np.int32)
    lengths[~plain] = [len(numbers) for numbers in others]
    meaning = np.empty(lengths.sum(), np.int32)
    is_plain = np.repeat(plain, lengths)
    meaning[is_plain] = np.arange(len(names))
    meaning[~is_plain] = list(itertools.chain.from_iterable(others))
    return list(index), meaning, lengths


def _lines(text: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(text):
        end = text.find(b"\n", start + _PIECE) + 1 or len(text)
        yield text[start:end]
        start = end


def _expanded(numbers: np.ndarray, meaning: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Puts what a chunk consists of in the place of its number, int32 [total]."""
    begins = np.cumsum(lengths, dtype=np.int32) - lengths
    repeats = lengths[numbers]
    ends = np.cumsum(repeats, dtype=np.int32)
    steps = np.arange(ends[-1] if len(ends) else 0, dtype=np.int32)
    return meaning[np.repeat(begins[numbers] - ends + repeats, repeats) + steps]


def _count_bad(text: bytes) -> int:
    if text.isascii():
        return 0
    return text.decode("utf-8", "replace").count("\ufffd") - text.count("\ufffd".encode())
