"""Tokenizers: lines of text to words.

They work in two steps because most words of a text are repetitions: `chunks` cuts bytes, which is fast, and `words`
splits a chunk properly, once for all equal chunks.
"""

import functools
import importlib.util
import logging
import re
import string
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tfgraphs.extras import install_extra
from tfgraphs.word2vec.settings import CorpusError

LINE_END = b"\0"  # the chunk that stands for the end of a line
_JOINERS = "\u200c\u200d"  # inside words of Persian and of Indian scripts


@dataclass(frozen=True)
class Tokenizer:
    """Splits lines into words. It can be sent to other processes.

    Attributes:
        table: for `bytes.translate`; turns bytes that separate words into spaces.
        split: finds the words of a text.
    """

    table: bytes
    split: Callable[[str], list[str]]

    def chunks(self, text: bytes) -> list[bytes]:
        """Cut lines that end with a line feed, and put LINE_END after each; a chunk in ASCII is one word."""
        return text.translate(self.table).replace(b"\n", b" " + LINE_END + b" ").split()

    def words(self, chunk: bytes) -> list[str]:
        """Return the words of a chunk with bytes beyond ASCII; bytes that are not UTF-8 count as U+FFFD."""
        return self.split(chunk.decode("utf-8", "replace"))


class Jieba(Tokenizer):
    """Splits lines into Chinese words with the package jieba."""

    def chunks(self, text: bytes) -> list[bytes]:
        chunks = []
        for line in text.split(b"\n")[:-1]:
            for word in _jieba().cut(line.decode("utf-8", "replace")):
                chunks += [part.encode() for part in self.split(word)]
            chunks.append(LINE_END)
        return chunks

    def words(self, chunk: bytes) -> list[str]:
        return [chunk.decode()]


def tokenizer(name: str, fold_case: bool) -> Tokenizer:
    """Return a tokenizer.

    Args:
        name: `letters`: runs of a-z in lower case, as in text8. `whitespace`: strings between spaces, unchanged.
            `unicode`: runs of letters and combining marks of any script that begin with a letter. `jieba`: Chinese
            words as found by the package jieba, without punctuation and digits.
        fold_case: whether `unicode` and `jieba` turn words into lower case.

    Raises:
        CorpusError: the package of the tokenizer is not installed.
    """
    if name == "jieba" and importlib.util.find_spec("jieba") is None:
        raise CorpusError(f"the tokenizer jieba needs one more package: {install_extra('zh')}")
    split = _find_lower_words if fold_case else _find_words
    tokenizers = {
        "letters": Tokenizer(_ascii_letters(fold_case=True, others=False), str.split),
        "whitespace": Tokenizer(_PRINTABLE, str.split),
        "unicode": Tokenizer(_ascii_letters(fold_case, others=True), split),
        "jieba": Jieba(b"", split),
    }
    return tokenizers[name]


_PRINTABLE = bytes(byte if byte > ord(" ") or byte == ord("\n") else ord(" ") for byte in range(256))


def _ascii_letters(fold_case: bool, others: bool) -> bytes:
    """Return a table for bytes.translate that keeps letters, line feeds and, with `others`, bytes beyond ASCII."""
    table = bytearray(b" " * 128 + (bytes(range(128, 256)) if others else b" " * 128))
    for letter in string.ascii_letters + "\n":
        table[ord(letter)] = ord(letter.lower() if fold_case else letter)
    return bytes(table)


def _find_words(text: str) -> list[str]:
    """Return the runs of letters, combining marks and joiners that begin with a letter."""
    kinds = "".join(map(_kind, text))
    return [text[slice(*word.span())] for word in re.finditer("L[LM]*", kinds)]


def _find_lower_words(text: str) -> list[str]:
    return [word.lower() for word in _find_words(text)]


@functools.cache
def _kind(character: str) -> str:
    """Return L for a letter, M for a combining mark or joiner, another letter for other characters."""
    return "M" if character in _JOINERS else unicodedata.category(character)[0]


@functools.cache
def _jieba() -> Any:
    """Import and load the package without its messages on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    return jieba
