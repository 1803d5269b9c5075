"""Tokenizers: lines of text to words.

They work in two steps because most words of a text are repetitions: `chunks` cuts bytes, which is fast, and `words`
splits a chunk properly, once for all equal chunks.
"""

import functools
import importlib.util
import itertools
import logging
import re
import unicodedata
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

from tfgraphs.word2vec.text.reading import CorpusError

LINE_END = b"\0"  # the chunk that stands for the end of a line
_JOINERS = "\u200c\u200d"  # inside words of Persian and of Indian scripts


class Tokenizer(Protocol):
    """The interface of tokenizers, which can be sent to other processes."""

    def chunks(self, text: bytes) -> list[bytes]:
        """Cut lines that end with a line feed, and put LINE_END after each; a chunk in ASCII is one word."""

    def words(self, chunk: bytes) -> list[str]:
        """Return the words of a chunk with bytes beyond ASCII; bytes that are not UTF-8 count as U+FFFD."""


def tokenizer(name: str, fold_case: bool) -> Tokenizer:
    """Return the tokenizer of this name.

    Args:
        name: one of `settings.TOKENIZERS`. `letters`: runs of a-z in lower case, as in text8; every other byte
            separates words. `whitespace`: strings between spaces, unchanged. `unicode`: runs of letters and combining
            marks of any script that begin with a letter. `jieba`: Chinese words as found by the package jieba, without
            punctuation and digits.
        fold_case: whether `unicode` and `jieba` turn words into lower case.

    Raises:
        CorpusError: the package of the tokenizer is not installed.
    """
    if name == "jieba" and importlib.util.find_spec("jieba") is None:
        raise CorpusError("the tokenizer jieba needs one more package: pip install 'tfgraphs[zh]'")
    tokenizers: dict[str, Tokenizer] = {
        "letters": Letters(),
        "whitespace": Whitespace(),
        "unicode": UnicodeWords(fold_case),
        "jieba": Jieba(fold_case),
    }
    return tokenizers[name]


def _ascii_letters(fold_case: bool, others: bool) -> bytes:
    """Return a table for bytes.translate that keeps letters, line feeds and, with `others`, bytes beyond ASCII."""

    def translated(byte: int) -> int:
        if byte >= 0x80:
            return byte if others else ord(" ")
        letter = chr(byte).lower() if fold_case else chr(byte)
        return ord(letter) if letter.isalpha() or letter == "\n" else ord(" ")

    return bytes(map(translated, range(256)))


_LETTERS = _ascii_letters(fold_case=True, others=False)
_PRINTABLE = bytes(byte if byte > ord(" ") or byte == ord("\n") else ord(" ") for byte in range(256))
_UNICODE = {fold_case: _ascii_letters(fold_case, others=True) for fold_case in (False, True)}


def _cut_at_spaces(text: bytes) -> list[bytes]:
    return text.replace(b"\n", b" " + LINE_END + b" ").split()


@dataclass(frozen=True)
class Letters:
    """Splits text into runs of a-z in lower case."""

    def chunks(self, text: bytes) -> list[bytes]:
        return _cut_at_spaces(text.translate(_LETTERS))

    def words(self, chunk: bytes) -> list[str]:
        raise AssertionError(f"{chunk!r} is not a-z")


@dataclass(frozen=True)
class Whitespace:
    """Splits text at white space of any kind."""

    def chunks(self, text: bytes) -> list[bytes]:
        return _cut_at_spaces(text.translate(_PRINTABLE))

    def words(self, chunk: bytes) -> list[str]:
        return chunk.decode("utf-8", "replace").split()


@dataclass(frozen=True)
class UnicodeWords:
    """Splits text into runs of letters and combining marks."""

    fold_case: bool

    def chunks(self, text: bytes) -> list[bytes]:
        return _cut_at_spaces(text.translate(_UNICODE[self.fold_case]))

    def words(self, chunk: bytes) -> list[str]:
        return _find_words(chunk.decode("utf-8", "replace"), self.fold_case)


@dataclass(frozen=True)
class Jieba:
    """Splits text into Chinese words."""

    fold_case: bool

    def chunks(self, text: bytes) -> list[bytes]:
        chunks = []
        for line in text.split(b"\n")[:-1]:
            for word in _jieba().cut(line.decode("utf-8", "replace")):
                chunks += [part.encode() for part in _find_words(word, self.fold_case)]
            chunks.append(LINE_END)
        return chunks

    def words(self, chunk: bytes) -> list[str]:
        return [chunk.decode()]


def _find_words(text: str, fold_case: bool) -> list[str]:
    words = _word_pattern().findall(text)
    return [word.lower() for word in words] if fold_case else words


@functools.cache
def _word_pattern() -> re.Pattern[str]:
    """A letter, then letters, combining marks and joiners; `re` has no names for these classes of characters."""
    # All letters and marks are among these; the other planes are unused, or for symbols and private use.
    points = [chr(point) for point in itertools.chain(range(0x33480), range(0xE0100, 0xE01F0))]
    letters = _ranges([point for point in points if unicodedata.category(point).startswith("L")])
    marks = _ranges([point for point in points if unicodedata.category(point).startswith("M")])
    return re.compile(f"[{letters}][{letters}{marks}{_JOINERS}]*")


def _ranges(points: list[str]) -> str:
    """Return characters in ascending order as ranges of a regular expression."""
    runs = itertools.groupby(enumerate(points), lambda numbered: ord(numbered[1]) - numbered[0])
    edges = ((run[0][1], run[-1][1]) for run in (list(group) for _, group in runs))
    return "".join(f"{first}-{last}" for first, last in edges)


@functools.cache
def _jieba() -> Any:
    """Import and load the package without its messages on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    return jieba
