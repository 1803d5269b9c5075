"""Settings of word vectors and their training."""

import math
from dataclasses import dataclass

from tfgraphs.word2vec.text.reading import CorpusError

ARCHITECTURES = ("skipgram", "cbow")
LOSSES = ("negative_sampling", "hierarchical_softmax", "softmax", "sampled_softmax", "nce")
WINDOW_SAMPLINGS = ("expected", "dynamic", "full")
NOISES = ("unigram", "log_uniform")
CBOW_GRADIENTS = ("sum", "mean")


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
