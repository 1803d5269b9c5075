"""Settings of the text and of the training of word vectors."""

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tfgraphs.errors import TfgraphsError
from tfgraphs.graphs.processor import usable_cores
from tfgraphs.settings_checks import CheckedSettings

if TYPE_CHECKING:
    import keras

RATE_OF_WORKERS = 1.5  # the learning rate of several workers, relative to that of one
ARCHITECTURES = ("skipgram", "cbow")
LOSSES = ("negative_sampling", "hierarchical_softmax", "softmax", "sampled_softmax", "nce")
ENGLISH_CONNECTORS = "a an the for of with without at from to in on by and or"  # gensim's ENGLISH_CONNECTOR_WORDS
WINDOW_SAMPLINGS = ("expected", "dynamic", "full")


class CorpusError(TfgraphsError):
    """A text cannot be read or has too few words, or a setting is out of range."""


@dataclass(frozen=True)
class TextSettings(CheckedSettings):
    """Settings that decide which words a text has, and so their numbers.

    Attributes:
        tokenizer: `unicode`: a word is a run of letters, digits and accents of any script with at least one letter, and
            the underscores between them: iphone6, new_york, 3d, but not 2017; a hyphen or an apostrophe ends a word,
            and accents are written in one way (NFC). `letters`: a run of a-z in lower case, as in text8. `whitespace`:
            what stands between spaces, unchanged. `jieba`: Chinese words, simplified or traditional, as the package
            jieba finds them; letters and digits of full width become those of half width.
        fold_case: whether `unicode` and `jieba` turn words into lower case, by the rules that hold without a language:
            a Turkish I becomes i.
        jieba_dictionary: path of a file of further words for `jieba`, simplified or traditional, one a line, optionally
            with a count and a part of speech, as jieba's user dictionaries have it.
        min_count: rarer words are left out.
        max_vocabulary: number of most frequent words to keep. Default: no limit.
        phrases: number of passes that join pairs of words: to new_york, then to new_york_times.
        phrase_threshold: pairs with a higher score are joined. Default: 100, for `npmi`, which is in -1..1, 0.5.
        phrase_discount: subtracted from the count of a pair, so that rare words do not form phrases; for `word2phrase`.
        phrase_scoring: `word2phrase` or `npmi`; see `phrases.scores`.
        phrase_connectors: words that may stand inside a phrase, but not at its ends, as in bank_of_america: `english`
            for the articles and prepositions that gensim has, or words with commas between them. Default: none.
        max_counting_memory: bytes of the table of words, and of that of pairs. A larger table forgets its rarest
            entries.

    Raises:
        CorpusError: a value is out of range.
    """

    tokenizer: str = "unicode"
    fold_case: bool = True
    jieba_dictionary: str | None = None
    min_count: int = 5
    max_vocabulary: int | None = None
    phrases: int = 0
    phrase_threshold: float | None = None
    phrase_discount: float = 5
    phrase_scoring: str = "word2phrase"
    phrase_connectors: str = ""
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
        if self.jieba_dictionary is not None and self.tokenizer != "jieba":
            raise CorpusError("jieba_dictionary is for the tokenizer jieba")
        if self.phrase_scoring == "npmi" and not -1 <= self.threshold <= 1:
            raise CorpusError(f"phrase_threshold is {self.phrase_threshold}: npmi is between -1 and 1, try 0.5")

    @property
    def connectors(self) -> list[str]:
        """The words of `phrase_connectors`, each once."""
        text = ENGLISH_CONNECTORS if self.phrase_connectors == "english" else self.phrase_connectors.replace(",", " ")
        return list(dict.fromkeys(text.split()))

    @property
    def threshold(self) -> float:
        """The score that a pair must exceed to become a phrase."""
        default = 0.5 if self.phrase_scoring == "npmi" else 100.0
        return default if self.phrase_threshold is None else self.phrase_threshold


@dataclass(frozen=True)
class TrainingSettings(CheckedSettings):
    """How word vectors are trained.

    The last five settings are departures from the published algorithm, which make training fast. With
    `PUBLISHED_ALGORITHM` all of them are off.

    Attributes:
        optimizer: name of a Keras optimizer in any case, or a Keras optimizer, which keeps its own learning rate. Only
            the cost of SGD does not grow with the vocabulary.
        seed: of everything random.
        architecture: `skipgram`, a word predicts each of its neighbours, or `cbow`, their mean predicts the word.
        loss: `negative_sampling`, `hierarchical_softmax`, `softmax`, `sampled_softmax` or `nce`.
        tied: whether inputs and outputs share one matrix. With `hierarchical_softmax` inner node j of the tree shares
            the vector of word j, both in order of frequency.
        dim: length of a vector.
        window: words on either side that count as neighbours.
        negatives: noise words for each pair.
        noise: `unigram` or `log_uniform`, the distribution of noise words; see `noise`.
        noise_exponent: `unigram` draws words in proportion to count**noise_exponent.
        subsample: words that are a larger share of the text are dropped at random; 0 keeps everything.
        cbow_gradient: `sum`, each neighbour gets the whole gradient of their mean, as in word2vec.c, gensim and
            fastText, or `mean`, the exact gradient.
        epochs: number of passes over the text.
        learning_rate: at the start; it falls linearly. Default: 0.0375; for `cbow` 0.06, with `hierarchical_softmax`
            0.045; for several workers one and a half times as much.
        min_learning_rate: at the end. Default: a tenth of learning_rate; in one epoch of `cbow` three tenths.
        dtype: of the vectors in training, `float32` or `float64`.
        workers: how many cores the training uses. The same seed gives the same vectors with as many workers. Default:
            all that this process may use.
        free: whether each worker updates the vectors without waiting for the others, as in word2vec.c and gensim. The
            same seed then gives other vectors each time.
        window_sampling: `dynamic`, the reach of each window is drawn from 1..window, as published; `expected`, each
            neighbour has the weight that it would have on average; `full`, all neighbours count the same. Default:
            `expected` for skip-gram, with equally good vectors, `dynamic` for CBOW (17.7 % of analogies instead of
            14.5 %).
        words_per_step: number of words whose pairs are updated at once. The published algorithm updates after each
            pair; 1 is closest to it and trains on 8,000 words per second, where the default trains on 250,000 or more.
            Default: 2,048, with more than four workers up to 4,096; fewer for short texts, small vocabularies and the
            softmax. In free training all workers together have so many.
        damping: how much the gradients of words in very many pairs of a step are reduced; see `damping`. 0 switches it
            off, as published; then words_per_step has to be small, or training diverges.
        shared_negatives: number of noise words that 128 neighbouring words of skip-gram, or 256 of CBOW, share. All of
            a step are drawn at equal distances in the table of noise words, so that none comes far more often than on
            average. Default: 48, or as many up to 1,024 as the learning rate needs. 0 draws noise words for each pair
            (sampled softmax: for each word), as published, and skips those that are the word to predict.
        deep_nodes: number of nodes of `hierarchical_softmax` that a word has on average beside the 64 next to the root.
            Of more, some are drawn and count for the others. With 6, analogies are 23.6 % instead of 24.4 %, and a step
            takes half the time. 0 uses all, as published.

    Raises:
        CorpusError: a value is out of range.
    """

    optimizer: "str | keras.optimizers.Optimizer" = "sgd"
    seed: int = 0
    architecture: str = "skipgram"
    loss: str = "negative_sampling"
    tied: bool = False
    dim: int = 100
    window: int = 5
    negatives: int = 5
    noise: str = "unigram"
    noise_exponent: float = 0.75
    subsample: float = 1e-3
    cbow_gradient: str = "sum"
    epochs: int = 5
    learning_rate: float | None = None
    min_learning_rate: float | None = None
    dtype: str = "float32"
    workers: int | None = None
    free: bool = False
    window_sampling: str | None = None
    words_per_step: int | None = None
    damping: float = 1.0
    shared_negatives: int | None = None
    deep_nodes: int = 6

    ERROR: ClassVar = CorpusError
    CHOICES: ClassVar = {
        "architecture": ARCHITECTURES,
        "loss": LOSSES,
        "noise": ("unigram", "log_uniform"),
        "cbow_gradient": ("sum", "mean"),
        "dtype": ("float32", "float64"),
        "window_sampling": WINDOW_SAMPLINGS,
    }
    LEAST: ClassVar = {
        **dict.fromkeys(("dim", "window", "negatives", "epochs", "words_per_step", "workers"), 1),
        **dict.fromkeys(("seed", "subsample", "learning_rate", "min_learning_rate"), 0),
        **dict.fromkeys(("damping", "shared_negatives", "deep_nodes"), 0),
        "noise_exponent": -math.inf,
    }

    @property
    def cores(self) -> int:
        """How many cores the training uses."""
        return self.workers or usable_cores()

    def for_workers(self, count: int) -> "TrainingSettings":
        """Return the settings for several workers that train together, whose learning rate is higher by default."""
        if count == 1 or self.learning_rate is not None:
            return self
        return dataclasses.replace(self, learning_rate=RATE_OF_WORKERS * self.rates[0])

    @property
    def large_losses(self) -> bool:
        """Whether losses are large programs, which need threads of their own, see `Processor.loss_threads`.

        Those of CBOW with hierarchical softmax are half as large as skip-gram's; on two cores they do without.
        """
        return self.loss == "hierarchical_softmax" and (self.architecture == "skipgram" or self.cores > 2)

    @property
    def sampling(self) -> str:
        """How windows are sampled."""
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


PUBLISHED_ALGORITHM: dict[str, Any] = {
    "window_sampling": "dynamic",
    "words_per_step": 1,
    "damping": 0,
    "shared_negatives": 0,
    "deep_nodes": 0,
}
"""Settings that switch every departure from the published algorithm off: `TrainingSettings(**PUBLISHED_ALGORITHM)`."""
