"""Models of teaching size, trained on pairs that are written down: `drink^juice|apple, eat^apple|orange`.

Format, starting weights and steps are those of wevi, Xin Rong's word embedding visual inspector, whose training data
and configuration can be pasted.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.errors import reason
from tfgraphs.minimize import Loss, minimize
from tfgraphs.monitor import Progress
from tfgraphs.vectors import WordVectors
from tfgraphs.word2vec.text import CorpusError
from tfgraphs.word2vec.vocabulary import Vocabulary

REPORTS = 100  # of a run, at most
_QUOTED = 60  # characters of what is wrong that a message shows
_RANGES = {"hidden_size": (1, 10_000), "random_state": (0, 2**31 - 1), "learning_rate": (0, 1e6), "passes": (1, 10**9)}
_CONFIG = '{"hidden_size": 5, "random_state": 1, "learning_rate": 0.2}'


@dataclass(frozen=True)
class Pair:
    """Words that predict, and words that they predict."""

    context: tuple[str, ...]
    target: tuple[str, ...]


@dataclass(frozen=True)
class PairSettings:
    """How a model of pairs is trained.

    Attributes:
        hidden_size: length of a vector.
        random_state: where the random numbers of the starting weights begin.
        learning_rate: of all steps.
        passes: how often the pairs are gone through.
        tied: whether words have the same vector as what predicts and as what is predicted.
        compat: `wevi` for its gradient of pairs with several targets, see `pair_loss`; None for the exact one.
    """

    hidden_size: int = 5
    random_state: int = 1
    learning_rate: float = 0.2
    passes: int = 100
    tied: bool = False
    compat: str | None = None

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            numbers, kind = ((int, float), "number") if name == "learning_rate" else ((int,), "whole number")
            if type(value) not in numbers or not least <= value <= most:
                raise CorpusError(f"{name} is {_quoted(value)}: it is a {kind} from {least:,} to {most:,}")
        if self.compat not in (None, "wevi"):
            raise CorpusError(f"compat is {_quoted(self.compat)}: choose wevi or nothing")

    @classmethod
    def from_json(cls, text: str) -> "PairSettings":
        """The settings that wevi's configuration stands for: `hidden_size`, `random_state` and `learning_rate`.

        Raises:
            CorpusError: this is no JSON object, or has other keys or values.
        """
        try:
            config = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"the configuration {_quoted(text)} is not JSON such as {_CONFIG}") from error
        if not isinstance(config, dict) or config.keys() - json.loads(_CONFIG).keys():
            raise CorpusError(f"the configuration {_quoted(text)} is not one such as {_CONFIG}")
        return cls(**config)


def read_pairs(path: str | Path) -> list[Pair]:
    """Reads a file of pairs, in UTF-8. Raises CorpusError, see `parse_pairs`."""
    try:
        return parse_pairs(Path(path).read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not a text in UTF-8") from error
    except CorpusError as error:
        raise CorpusError(f"{path}: {error}") from error


def parse_pairs(text: str) -> list[Pair]:
    """The pairs in a text: `context|target`, commas between pairs, `^` between the words of one side.

    White space, line breaks too, counts for nothing around words, and cannot stand within them.

    Raises:
        CorpusError: there are no pairs, or one is wrong; the message shows it.
    """
    if not text.strip():
        raise CorpusError("there are no pairs: write some, such as drink^juice|apple, eat^apple|orange")
    return [_pair(pair.strip()) for pair in text.split(",")]


def _pair(text: str) -> Pair:
    sides = [tuple(word.strip() for word in side.split("^")) for side in text.split("|")]
    words = [word for side in sides for word in side]
    if len(sides) != 2:
        raise CorpusError(f"{_quoted(text)} is not context|target: one | belongs in each pair, a comma between two")
    if not all(words):
        raise CorpusError(f"{_quoted(text)} is not context|target: a word is missing")
    for word in words:
        if not word.isprintable() or " " in word:
            raise CorpusError(f"{_quoted(word)} is not a word: join its parts by _")
    return Pair(*sides)


def _quoted(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _QUOTED else f"{shown[:_QUOTED]}..."


def pair_vocabulary(pairs: Iterable[Pair]) -> Vocabulary:
    """All words of the pairs, in the order of their code points, and how often each stands there."""
    counts = sorted(Counter(word for pair in pairs for word in pair.context + pair.target).items())
    return Vocabulary([word for word, _ in counts], np.array([count for _, count in counts], np.int64))


def wevi_random(state: int) -> Iterator[float]:
    """Yields wevi's random numbers, in [0, 1): state <- (25214903917 state + 11) mod 2^16, divided by 2^16."""
    while True:
        state = int(float(state) * 25214903917 + 11) & 0xFFFF  # a first state may round, as in JavaScript
        yield state / 65536


class PairModel:
    """The two layers of weights of a model of pairs.

    They start at (u - 0.5) / hidden_size with wevi's random numbers u, drawn for each word and each hidden unit, first
    the input weight and then the output weight.

    Args:
        vocabulary: the words, see `pair_vocabulary`.
        settings: `hidden_size`, `random_state` and `tied` count here.

    Attributes:
        inputs: vectors of the words as what predicts, a float64 variable [words, hidden_size]; the word vectors.
        outputs: vectors of the words as what is predicted, of the same shape; `inputs` if tied.
    """

    def __init__(self, vocabulary: Vocabulary, settings: PairSettings) -> None:
        self.vocabulary = vocabulary
        shape = len(vocabulary.words), settings.hidden_size, 2
        draws = itertools.islice(wevi_random(settings.random_state), int(np.prod(shape)))
        weights = (np.fromiter(draws, np.float64).reshape(shape) - 0.5) / settings.hidden_size
        self.inputs = tf.Variable(weights[..., 0], name="inputs")
        self.outputs = self.inputs if settings.tied else tf.Variable(weights[..., 1], name="outputs")

    @property
    def variables(self) -> list[tf.Variable]:
        """What is trained."""
        return [self.inputs] if self.outputs is self.inputs else [self.inputs, self.outputs]

    def vectors(self) -> WordVectors:
        """The word vectors as they are now, float64."""
        return WordVectors(self.vocabulary.words, self.inputs.numpy())


def pair_loss(model: PairModel, pairs: Sequence[Pair], compat: str | None = None) -> Loss:
    """The loss of one pair, the one whose turn it is in a step: a full softmax over the vocabulary.

        h = mean of the inputs of the context's words      s = outputs h      loss = C log sum exp(s) - sum_t s_t

    A word counts once in a context. C is the number of targets t, so that this is the sum of their -log softmax(s)_t,
    and its gradient with respect to s is C softmax(s) - t. wevi leaves C out and takes each target once: softmax(s) - t
    has no zero if there are several targets, the loss no minimum, and the weights grow without end.

    Args:
        model: whose weights to take.
        pairs: of words of its vocabulary.
        compat: `wevi`, or None for the exact gradient.
    """
    index = model.vocabulary.index
    contexts, active = _padded([[index[word] for word in dict.fromkeys(pair.context)] for pair in pairs])
    targets = [dict.fromkeys(pair.target) if compat == "wevi" else pair.target for pair in pairs]
    predicted, scored = _padded([[index[word] for word in target] for target in targets])
    predictions = np.ones(len(pairs)) if compat == "wevi" else scored.sum(axis=1)
    shares = active / active.sum(axis=1, keepdims=True)
    tables = [tf.constant(table) for table in (contexts, shares, predicted, scored, predictions)]

    def loss(step: tf.Tensor) -> tf.Tensor:
        context, share, target, score, count = (tf.gather(table, step % len(pairs)) for table in tables)
        hidden = tf.linalg.matvec(tf.gather(model.inputs, context), share, transpose_a=True)
        scores = tf.linalg.matvec(model.outputs, hidden)
        return count * tf.reduce_logsumexp(scores) - tf.tensordot(score, tf.gather(scores, target), 1)

    return loss


def _padded(sides: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Word numbers as a table, int32 [pairs, longest side], and which of its places are words, 0 or 1, float64."""
    numbers = list(itertools.zip_longest(*sides, fillvalue=-1))
    table = np.array(numbers, np.int32).T
    return np.maximum(table, 0), (table >= 0).astype(np.float64)


def train_pairs(
    model: PairModel,
    pairs: Sequence[Pair],
    settings: PairSettings,
    *,
    checkpoint_dir: str | Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[Progress]:
    """Trains a model one pair at a time, in their order, yielding progress with the mean loss of all pairs.

    Args:
        model: to train.
        pairs: of words of its vocabulary.
        settings: `learning_rate`, `passes` and `compat` count here.
        checkpoint_dir: where to keep the state; training that finds its own state there goes on from it.
        save_seconds: time between two checkpoints.
        on_graph: called with the graph of one step.

    Raises:
        CheckpointError, NonFiniteLoss: see `minimize`.
    """
    loss = pair_loss(model, pairs, settings.compat)
    numbers = tf.range(len(pairs), dtype=tf.int64)
    mean_loss = tf.function(lambda: tf.reduce_mean(tf.map_fn(loss, numbers, fn_output_signature=tf.float64)))
    for report in minimize(
        loss,
        model.variables,
        keras.optimizers.SGD(_FixedRate(settings.learning_rate)),
        settings.passes * len(pairs),
        steps_per_report=-(-settings.passes // REPORTS) * len(pairs),
        gradient_transform=tf.convert_to_tensor,  # one sum for rows that were read in several places
        checkpoint_dir=checkpoint_dir,
        save_seconds=save_seconds,
        on_graph=on_graph,
    ):
        stage = f"pair {report.step:,} of {report.steps:,}"
        yield Progress(report.step, stage, report.step / report.steps, float(mean_loss()))


class _FixedRate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate in float64, where Keras would round a plain number to float32."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return tf.constant(self._rate, tf.float64)
