"""What decides which words stand in a text, and how their vectors are trained."""

import math
from dataclasses import dataclass

from tfgraphs.word2vec.text.reading import CorpusError

TOKENIZERS = ("letters", "whitespace", "unicode", "jieba")
SCORINGS = ("word2phrase", "npmi")
ARCHITECTURES = ("skipgram", "cbow")
LOSSES = ("negative_sampling", "hierarchical_softmax", "softmax", "sampled_softmax", "nce")
WINDOW_SAMPLINGS = ("expected", "dynamic", "full")
NOISES = ("unigram", "log_uniform")
CBOW_GRADIENTS = ("sum", "mean")


@dataclass(frozen=True)
class TextSettings:
    """What decides which words stand in a text, and so their numbers.

    Attributes:
        tokenizer: `letters`, `whitespace`, `unicode` or `jieba`.
        fold_case: whether the last two turn words into lower case.
        min_count: how often a word stands in the text at least, to be in the vocabulary.
        max_vocabulary: how many words the vocabulary has at most, the most frequent ones; None is no limit.
        phrases: how often pairs of words are looked for that become one; each time may make phrases twice as long.
        phrase_threshold: what the score of such a pair exceeds; higher is fewer phrases; within -1..1 for `npmi`.
        phrase_discount: is taken off the count of a pair, so that rare words do not become phrases; for `word2phrase`.
        phrase_scoring: `word2phrase` or `npmi`.
        max_counting_memory: bytes of the table of words, and of that of pairs, beyond which rare ones are forgotten.
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
            raise CorpusError(f"phrase_threshold is {self.phrase_threshold}: it is a number such as 100")
        if self.phrase_scoring == "npmi" and not -1 <= self.phrase_threshold <= 1:
            raise CorpusError(f"phrase_threshold is {self.phrase_threshold}: npmi is between -1 and 1, try 0.5")


@dataclass(frozen=True)
class TrainingSettings:
    """How word vectors are trained.

    Attributes:
        architecture: `skipgram`, a word predicts each of its neighbours, or `cbow`, their mean predicts the word.
        loss: `negative_sampling`, `hierarchical_softmax`, `softmax`, `sampled_softmax` or `nce`.
        tied: whether words have the same vector as what predicts and as what is predicted. With hierarchical softmax
            inner node j of the tree shares the vector of word j, both in order of frequency.
        dim: length of a vector.
        window: words on either side that count as neighbours.
        window_sampling: `expected`, near words count more, as much as they would on average if the reach of each window
            were drawn; `dynamic`, it is drawn; `full`, all count the same. None is `expected` for skip-gram and
            `dynamic` for CBOW.
        negatives: noise words for each pair.
        noise: `unigram` or `log_uniform`, what noise words are drawn from.
        noise_exponent: with `unigram` they are drawn in proportion to count**noise_exponent.
        subsample: share of the text above which a word is thinned out; 0 keeps everything.
        cbow_gradient: `sum`, each neighbour moves as if it stood alone, as in word2vec, or `mean`, the exact gradient.
        epochs: how often the text is read.
        learning_rate: at the start; it falls linearly. None is what suits architecture and loss.
        min_learning_rate: at the end. None is a tenth of `learning_rate`; in one epoch of CBOW three tenths.
        optimizer: name of a stock Keras optimizer. Only the cost of `sgd` does not grow with the vocabulary.
        seed: of everything random.
        dtype: of the vectors in training, float32 or float64.
    """

    architecture: str = "skipgram"
    loss: str = "negative_sampling"
    tied: bool = False
    dim: int = 100
    window: int = 5
    window_sampling: str | None = None
    negatives: int = 5
    noise: str = "unigram"
    noise_exponent: float = 0.75
    subsample: float = 1e-3
    cbow_gradient: str = "sum"
    epochs: int = 5
    learning_rate: float | None = None
    min_learning_rate: float | None = None
    optimizer: str = "sgd"
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        choices = {
            "architecture": ARCHITECTURES,
            "loss": LOSSES,
            "noise": NOISES,
            "window_sampling": (None, *WINDOW_SAMPLINGS),
            "cbow_gradient": CBOW_GRADIENTS,
            "dtype": ("float32", "float64"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                names = ", ".join(filter(None, allowed))
                raise CorpusError(f"{name} is {getattr(self, name)!r}: choose one of {names}")
        for name in ("dim", "window", "negatives", "epochs"):
            if not getattr(self, name) >= 1:
                raise CorpusError(f"{name} is {getattr(self, name)}: it cannot be less than 1")
        for name in ("subsample", "learning_rate", "min_learning_rate", "seed"):
            if not 0 <= (getattr(self, name) or 0) < math.inf:
                raise CorpusError(f"{name} is {getattr(self, name)}: it cannot be negative")
        if not abs(self.noise_exponent) < math.inf:
            raise CorpusError(f"noise_exponent is {self.noise_exponent}: it is a number such as 0.75")

    @property
    def sampling(self) -> str:
        """The way in which windows are weighted."""
        return self.window_sampling or ("expected" if self.architecture == "skipgram" else "dynamic")

    @property
    def rates(self) -> tuple[float, float]:
        """The learning rate at the start and at the end."""
        if self.architecture == "skipgram":
            default, fall = 0.0375, 0.1
        else:
            default = 0.045 if self.loss == "hierarchical_softmax" else 0.06
            fall = max(0.1, 0.3 / self.epochs)  # in a single epoch more is learnt by not falling far
        start = default if self.learning_rate is None else self.learning_rate
        return start, start * fall if self.min_learning_rate is None else min(start, self.min_learning_rate)
