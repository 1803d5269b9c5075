"""The text format of pairs of words that predict each other: `drink^juice|apple, eat^apple|orange`.

Format and configuration are those of wevi, Xin Rong's word embedding visual inspector. Importing this does not import
TensorFlow.
"""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfgraphs.files.packed import read_text
from tfgraphs.word2vec.settings import CorpusError
from tfgraphs.word2vec.text.vocabulary import Vocabulary

_QUOTED = 60  # characters of a wrong value that a message quotes
LOSSES = ("softmax", "negative_sampling", "hierarchical_softmax")
_RANGES = {
    "hidden_size": (1, 10_000),
    "random_state": (0, 2**31 - 1),
    "learning_rate": (0, 10**6),
    "passes": (1, 10**9),
    "negatives": (1, 1000),
}
_INSIDE_NO_WORD = re.compile(r"[\s\x00-\x1f\x7f]")
_CONFIG = '{"hidden_size": 5, "random_state": 1, "learning_rate": 0.2}'


@dataclass(frozen=True)
class Pair:
    """Words that predict (context), and words that are predicted (target)."""

    context: tuple[str, ...]
    target: tuple[str, ...]


@dataclass(frozen=True)
class PairSettings:
    """Settings of a model of pairs and its training.

    Attributes:
        hidden_size: length of a vector.
        random_state: seed of the initial weights.
        learning_rate: of all steps.
        passes: number of passes over the pairs.
        tied: whether inputs and outputs share one matrix.
        compat: `wevi` for its gradient of pairs with several targets, see `losses.Softmax`; None for the exact one.
        loss: one of `LOSSES`.
        negatives: noise words for each target, for `negative_sampling`.
    """

    hidden_size: int = 5
    random_state: int = 1
    learning_rate: float = 0.2
    passes: int = 100
    tied: bool = False
    compat: str | None = None
    loss: str = "softmax"
    negatives: int = 5

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            numbers, kind = ((int, float), "number") if name == "learning_rate" else ((int,), "whole number")
            if type(value) not in numbers or not least <= value <= most:
                raise CorpusError(f"{name} is {_quoted(value)}: it must be a {kind} from {least:,} to {most:,}")
        if self.compat not in (None, "wevi"):
            raise CorpusError(f"compat is {_quoted(self.compat)}: choose wevi or None")
        if self.loss not in LOSSES:
            raise CorpusError(f"loss is {_quoted(self.loss)}: choose one of {', '.join(LOSSES)}")
        if self.compat and self.loss != "softmax":
            raise CorpusError(f"compat is for the loss softmax, not for {self.loss}")
        if self.tied and self.loss == "hierarchical_softmax":
            raise CorpusError("tied is not for hierarchical_softmax, whose outputs belong to nodes of a tree")

    @classmethod
    def from_json(cls, text: str) -> "PairSettings":
        """Read a configuration of wevi: `hidden_size`, `random_state` and `learning_rate`.

        Raises:
            CorpusError: the text is no JSON object, or has other keys or values.
        """
        config = None
        with contextlib.suppress(ValueError, RecursionError):
            config = json.loads(text)
        if not isinstance(config, dict) or config.keys() - json.loads(_CONFIG).keys():
            raise CorpusError(f"the configuration {_quoted(text)} is not JSON such as {_CONFIG}")
        return cls(**config)


def read_pairs(path: str | Path) -> list[Pair]:
    """Read a file of pairs in UTF-8, plain or packed; see `parse_pairs`.

    Raises:
        CorpusError: the file cannot be read, is no text, or has no pairs or wrong ones.
    """
    text = read_text(path, CorpusError)
    try:
        return parse_pairs(text)
    except CorpusError as error:
        raise CorpusError(f"{path}: {error}") from error


def parse_pairs(text: str) -> list[Pair]:
    """Parse pairs: `context|target`, commas between pairs, `^` between the words of one side.

    White space around words, line breaks included, is ignored; within words it is an error.

    Raises:
        CorpusError: there are no pairs, or one is wrong; the message quotes it.
    """
    if not text.strip():
        raise CorpusError("there are no pairs: write some, such as drink^juice|apple, eat^apple|orange")
    return [_pair(pair.strip()) for pair in text.split(",")]


def _pair(text: str) -> Pair:
    sides = [tuple(word.strip() for word in side.split("^")) for side in text.split("|")]
    words = [word for side in sides for word in side]
    if len(sides) != 2:
        raise CorpusError(f"{_quoted(text)} is not context|target: each pair has one |, and a comma follows it")
    if not all(words):
        raise CorpusError(f"{_quoted(text)} is not context|target: a word is missing")
    for word in words:
        if _INSIDE_NO_WORD.search(word):
            raise CorpusError(f"{_quoted(word)} is not a word: it contains white space or control characters")
    return Pair(*sides)


def _quoted(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _QUOTED else f"{shown[:_QUOTED]}..."


def pair_vocabulary(pairs: Iterable[Pair]) -> Vocabulary:
    """Return all words of the pairs in the order of their code points, and their counts."""
    counts = sorted(Counter(word for pair in pairs for word in pair.context + pair.target).items())
    return Vocabulary([word for word, _ in counts], np.array([count for _, count in counts], np.int64))
