"""Small models that are trained on written pairs of words, one pair at a time.

    pairs = read_pairs("pairs.txt")
    model = PairModel(pair_vocabulary(pairs), settings)
    for progress in train_pairs(model, pairs, settings): ...

Initial weights and steps are those of wevi, Xin Rong's word embedding visual inspector, in float64, so that vectors can
be compared digit by digit.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.minimize import minimize
from tfgraphs.vectors import WordVectors
from tfgraphs.word2vec.pairs.pair_format import Pair, PairSettings
from tfgraphs.word2vec.text.vocabulary import Vocabulary

REPORTS = 100  # at most, in a run


def wevi_random(state: int) -> Iterator[float]:
    """Yield wevi's random numbers in [0, 1): state <- (25214903917 state + 11) mod 2^16, divided by 2^16."""
    while True:
        state = int(float(state) * 25214903917 + 11) & 0xFFFF  # a large first state is rounded, as in JavaScript
        yield state / 65536


class PairModel:
    """The two layers of weights of a model of pairs.

    The initial weights are (u - 0.5) / hidden_size with wevi's random numbers u, drawn for each word and each hidden
    unit, first the input weight and then the output weight. Of the settings, only `hidden_size`, `random_state` and
    `tied` are used.

    Attributes:
        inputs: vectors of words that predict, a float64 variable [words, hidden_size]; the word vectors.
        outputs: vectors of words that are predicted, of the same shape; `inputs` if tied.
        variables: one or both of them.
    """

    def __init__(self, vocabulary: Vocabulary, settings: PairSettings) -> None:
        self.vocabulary = vocabulary
        shape = len(vocabulary.words), settings.hidden_size, 2
        draws = itertools.islice(wevi_random(settings.random_state), int(np.prod(shape)))
        weights = (np.fromiter(draws, np.float64).reshape(shape) - 0.5) / settings.hidden_size
        self.inputs = tf.Variable(weights[..., 0], name="inputs")
        self.outputs = self.inputs if settings.tied else tf.Variable(weights[..., 1], name="outputs")
        self.variables = [self.inputs] if settings.tied else [self.inputs, self.outputs]

    def vectors(self) -> WordVectors:
        """Return the word vectors as they are now, float64."""
        return WordVectors(self.vocabulary.words, self.inputs.numpy())


def pair_loss(model: PairModel, pairs: Sequence[Pair], compat: str | None = None) -> Callable[[tf.Tensor], tf.Tensor]:
    """Make the loss of one pair in each step, in turn: a full softmax over the vocabulary.

        h = mean of the inputs of the context's words      s = outputs h      loss = C log sum exp(s) - sum_t s_t

    A word counts once in a context. C is the number of targets t, so this is the sum of their -log softmax(s)_t, and
    its gradient with respect to s is C softmax(s) - t. wevi omits C and takes each target once. With several targets
    softmax(s) - t has no zero, and the weights grow without bound.

    Args:
        model: with the weights.
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
    """Return word numbers as a table, int32 [pairs, longest side], and 1 where there is a word, else 0, float64."""
    numbers = list(itertools.zip_longest(*sides, fillvalue=-1))
    table = np.array(numbers, np.int32).T
    return np.maximum(table, 0), (table >= 0).astype(np.float64)


def train_pairs(model: PairModel, pairs: Sequence[Pair], settings: PairSettings, **options: Any) -> Iterator[Progress]:
    """Train a model one pair at a time, in their order.

    Args:
        model: to train.
        pairs: of words of its vocabulary.
        settings: `learning_rate`, `passes` and `compat` are used here.
        options: `checkpoint_dir`, `save_seconds` and `on_graph` of `minimize`.

    Yields:
        The state of the training with the mean loss of all pairs, at most 100 times.

    Raises:
        CheckpointError, NonFiniteLoss: see `minimize`.
    """
    loss = pair_loss(model, pairs, settings.compat)
    numbers = tf.range(len(pairs), dtype=tf.int64)
    losses = tf.function(lambda: tf.map_fn(loss, numbers, fn_output_signature=tf.float64)).get_concrete_function()
    for report in minimize(
        loss,
        model.variables,
        keras.optimizers.SGD(
            lambda: tf.constant(settings.learning_rate, tf.float64),  # Keras rounds a plain number
            name="SGD",  # TensorFlow keeps each new name for ever, see `stock_optimizer`
        ),
        settings.passes * len(pairs),
        steps_per_report=-(-settings.passes // REPORTS) * len(pairs),
        gradient_transform=tf.convert_to_tensor,  # adds up the gradients of rows that were read twice
        **options,
    ):
        stage = f"pair {report.step:,} of {report.steps:,}"
        yield Progress(report.step, stage, report.step / report.steps, float(tf.reduce_mean(losses())))
