"""Settings that decide which words a text has."""

import math
from dataclasses import dataclass
from typing import ClassVar

from tfgraphs.settings_checks import CheckedSettings
from tfgraphs.word2vec.text.reading import CorpusError


@dataclass(frozen=True)
class TextSettings(CheckedSettings):
    """Settings that decide which words a text has, and so their numbers.

    Attributes:
        tokenizer: `letters`, a-z in lower case, as in text8; `whitespace`, strings between spaces; `unicode`, words of
            any script; or `jieba`, Chinese words. See `tokenizers.tokenizer`.
        fold_case: whether `unicode` and `jieba` turn words into lower case.
        min_count: rarer words are left out.
        max_vocabulary: number of most frequent words to keep. Default: no limit.
        phrases: number of passes that join pairs of words: to new_york, then to new_york_times.
        phrase_threshold: pairs with a higher score are joined. Default: 100, for `npmi`, which is in -1..1, 0.5.
        phrase_discount: subtracted from the count of a pair, so that rare words do not form phrases; for `word2phrase`.
        phrase_scoring: `word2phrase` or `npmi`; see `phrases.scores`.
        max_counting_memory: bytes of the table of words, and of that of pairs. A larger table forgets its rarest
            entries.

    Raises:
        CorpusError: a value is out of range.
    """

    tokenizer: str = "unicode"
    fold_case: bool = True
    min_count: int = 5
    max_vocabulary: int | None = None
    phrases: int = 0
    phrase_threshold: float | None = None
    phrase_discount: float = 5
    phrase_scoring: str = "word2phrase"
    max_counting_memory: int = 2 << 30

    ERROR: ClassVar = CorpusError
    CHOICES: ClassVar = {
        "tokenizer": ("letters", "whitespace", "unicode", "jieba"),
        "phrase_scoring": ("word2phrase", "npmi"),
    }
    LEAST: ClassVar = {
        "min_count": 1,
        "max_vocabulary": 2,
        "phrases": 0,
        "phrase_threshold": -math.inf,
        "phrase_discount": 0,
        "max_counting_memory": 1 << 20,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.phrase_scoring == "npmi" and not -1 <= self.threshold <= 1:
            raise CorpusError(f"phrase_threshold is {self.phrase_threshold}: npmi is between -1 and 1, try 0.5")

    @property
    def threshold(self) -> float:
        """The score that a pair must exceed to become a phrase."""
        default = 0.5 if self.phrase_scoring == "npmi" else 100.0
        return default if self.phrase_threshold is None else self.phrase_threshold
