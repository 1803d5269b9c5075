"""Tokenizers: lines of text to words.

They work in two steps because most words of a text are repetitions: `chunks` cuts bytes, which is fast, and `words`
splits a chunk properly, once for all equal chunks.
"""

import functools
import hashlib
import re
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from tfgraphs.files.packed import read_text
from tfgraphs.word2vec.settings import CorpusError
from tfgraphs.word2vec.text import chinese

LINE_END = b"\0"  # the chunk that stands for the end of a line
_JOINERS = "\u200c\u200d"  # inside words of Persian and of Indian scripts
_INVISIBLE = dict.fromkeys([0xAD, 0x2060, 0xFEFF])  # soft hyphen, word joiner, zero width no-break space
_WORD = re.compile("[LD][LMD]*(?:_+[LD][LMD]*)*")  # of kinds of characters; word ends and begins with no underscore


@dataclass(frozen=True)
class Tokenizer:
    """Splits lines into words. It can be sent to other processes.

    Attributes:
        table: for `bytes.translate`; turns bytes that separate words into spaces.
        split: finds the words of a text.
        is_word: whether a chunk is surely one word, as it is.
    """

    table: bytes
    split: Callable[[str], list[str]]
    is_word: Callable[[bytes], bool] = bytes.isascii

    def chunks(self, text: bytes) -> list[bytes]:
        """Cut lines that end with a line feed, and put LINE_END after each."""
        return text.translate(self.table).replace(b"\n", b" " + LINE_END + b" ").split()

    def words(self, chunk: bytes) -> list[str]:
        """Return the words of a chunk for which `is_word` is false; bytes that are not UTF-8 count as U+FFFD."""
        return self.split(chunk.decode("utf-8", "replace"))


@dataclass(frozen=True)
class Jieba(Tokenizer):
    """Splits lines into Chinese words, see `chinese`, with the words of a dictionary file, if any."""

    dictionary: str | None = None
    digest: str = ""

    def chunks(self, text: bytes) -> list[bytes]:
        chunks = []
        for line in text.split(b"\n")[:-1]:
            for word in chinese.cut(_composed(line.decode("utf-8", "replace")), self.dictionary, self.digest):
                chunks += [part.encode() for part in self.split(word)]
            chunks.append(LINE_END)
        return chunks

    def words(self, chunk: bytes) -> list[str]:
        return [chunk.decode()]


def tokenizer(name: str, fold_case: bool, dictionary: str | None = None) -> Tokenizer:
    """Return a tokenizer.

    Args:
        name: `letters`: runs of a-z in lower case, as in text8. `whitespace`: strings between spaces, unchanged.
            `unicode`: see `find_words`. `jieba`: Chinese words, simplified or traditional, without punctuation; see
            `chinese`.
        fold_case: whether `unicode` and `jieba` turn words into lower case.
        dictionary: path of a file in UTF-8 with more words for `jieba`, one on each line, optionally followed by a
            count and a part of speech, as `jieba.load_userdict` reads it.

    Raises:
        CorpusError: a package of the tokenizer is not installed, or the dictionary cannot be read.
    """
    if name == "jieba":
        chinese.package_versions()  # raises the error
    digest = dictionary_digest(dictionary)
    split = find_lower_words if fold_case else find_words
    tokenizers = {
        "letters": Tokenizer(_ascii_table(string.ascii_letters, True, False), str.split),
        "whitespace": Tokenizer(_PRINTABLE, str.split),
        "unicode": Tokenizer(_ascii_table(_IN_WORDS, fold_case, True), split, bytes.isalpha),
        "jieba": Jieba(b"", split, dictionary=dictionary, digest=digest),
    }
    return tokenizers[name]


_PRINTABLE = bytes(byte if byte > ord(" ") or byte == ord("\n") else ord(" ") for byte in range(256))
_IN_WORDS = string.ascii_letters + string.digits + "_"


def _ascii_table(kept: str, fold_case: bool, others: bool) -> bytes:
    """Return a table for bytes.translate that keeps characters, line feeds and, with `others`, bytes beyond ASCII."""
    table = bytearray(b" " * 128 + (bytes(range(128, 256)) if others else b" " * 128))
    for letter in kept + "\n":
        table[ord(letter)] = ord(letter.lower() if fold_case else letter)
    return bytes(table)


def find_words(text: str) -> list[str]:
    """Return the words of a text: runs of letters, digits and combining marks of any script with at least one letter.

    Underscores and joiners between them belong to a word. Characters and their marks are composed (NFC), so that a word
    has one spelling; soft hyphens, word joiners and byte order marks are dropped.
    """
    text = _composed(text)
    kinds = "".join(map(_kind, text))
    found = [match.span() for match in _WORD.finditer(kinds)]
    return [text[start:end] for start, end in found if "L" in kinds[start:end]]


def find_lower_words(text: str) -> list[str]:
    """Return the words of a text in lower case, as Unicode has it for no language: a Turkish I becomes i, too."""
    return [unicodedata.normalize("NFC", word.lower()) for word in find_words(text)]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text.translate(_INVISIBLE))


@functools.cache
def _kind(character: str) -> str:
    """Return L for a letter, M for a combining mark or joiner, D for a digit, _ for itself, a space for others."""
    if character in _JOINERS:
        return "M"
    category = unicodedata.category(character)
    return "D" if category == "Nd" else category[0] if category[0] in "LM" else "_" if character == "_" else " "


def dictionary_digest(path: str | None) -> str:
    """Return a digest of a dictionary, empty for none. Raises CorpusError if it cannot be read."""
    return hashlib.sha256(read_text(path, CorpusError).encode()).hexdigest() if path else ""
