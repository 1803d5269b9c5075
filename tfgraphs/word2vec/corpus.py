"""Text as numbers: a line is a sentence or paragraph, and a word is a run of letters, folded to lower case."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError, reason
from tfgraphs.word2vec.vocabulary import Vocabulary

_WORD = re.compile(r"[^\W\d_]+")


class CorpusError(TfgraphsError):
    """A text cannot be read or has too few words."""


def sentences(path: Path) -> Iterator[list[str]]:
    """Yields the words of each line of a UTF-8 text file; bytes that are not UTF-8 count as spaces.

    Raises:
        CorpusError: the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                yield _WORD.findall(line.lower())
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {reason(error)}") from error


def encode(sentences: Iterable[list[str]], vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """Turns sentences into word numbers, unknown words left out.

    Returns:
        Numbers of the words, int32 [tokens], and of the sentences in which they stand, int32 [tokens].

    Raises:
        CorpusError: fewer than two words are left, so there is nothing to learn from.
    """
    index = vocabulary.index
    encoded = [np.array([index[word] for word in sentence if word in index], np.int32) for sentence in sentences]
    tokens = np.concatenate([np.empty(0, np.int32), *encoded])
    if len(tokens) < 2:
        raise CorpusError("the text has too few words that are frequent enough: give more text or a lower --min_count")
    numbers = np.repeat(np.arange(len(encoded), dtype=np.int32), [len(sentence) for sentence in encoded])
    return tokens, numbers
