"""Settings that decide which words a text has."""

import math
from dataclasses import dataclass

from tfgraphs.word2vec.text.reading import CorpusError

TOKENIZERS = ("letters", "whitespace", "unicode", "jieba")
SCORINGS = ("word2phrase", "npmi")


@dataclass(frozen=True)
class TextSettings:
    """Settings that decide which words a text has, and so their numbers.

    Attributes:
        tokenizer: `letters`, `whitespace`, `unicode` or `jieba`; see `tokenizers.tokenizer`.
        fold_case: whether `unicode` and `jieba` turn words into lower case.
        min_count: rarer words are not in the vocabulary.
        max_vocabulary: size limit of the vocabulary, which keeps the most frequent words; None is no limit.
        phrases: number of passes that join pairs of words to phrases; each pass can make phrases twice as long.
        phrase_threshold: a pair becomes a phrase if its score is higher; -1..1 for `npmi`.
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
    phrase_threshold: float = 100.0
    phrase_discount: float = 5
    phrase_scoring: str = "word2phrase"
    max_counting_memory: int = 2 << 30

    def __post_init__(self) -> None:
        for name, least in {"min_count": 1, "max_vocabulary": 2, "phrases": 0, "max_counting_memory": 1 << 20}.items():
            value = getattr(self, name)
            if not (value is None and name == "max_vocabulary") and not value >= least:
                raise CorpusError(f"{name} is {value}: it cannot be less than {least}")
        for name, choices in {"tokenizer": TOKENIZERS, "phrase_scoring": SCORINGS}.items():
            if getattr(self, name) not in choices:
                raise CorpusError(f"{name} is {getattr(self, name)!r}: choose one of {', '.join(choices)}")
        if not 0 <= self.phrase_discount < math.inf:
            raise CorpusError(f"phrase_discount is {self.phrase_discount}: it cannot be negative")
        if not abs(self.phrase_threshold) < math.inf:
            raise CorpusError(f"phrase_threshold is {self.phrase_threshold}: it must be a number such as 100")
        if self.phrase_scoring == "npmi" and not -1 <= self.phrase_threshold <= 1:
            raise CorpusError(f"phrase_threshold is {self.phrase_threshold}: npmi is between -1 and 1, try 0.5")
