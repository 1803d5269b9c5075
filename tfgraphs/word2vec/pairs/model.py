"""Small models of written pairs of words: their weights, what they predict, and the loss of a pair.

Initial weights are those of wevi, Xin Rong's word embedding visual inspector, in float64, so that vectors can be
compared digit by digit.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from tfgraphs.graphs.scopes import scope
from tfgraphs.vectors import WordVectors
from tfgraphs.word2vec.pairs.losses import make_output
from tfgraphs.word2vec.pairs.pair_format import Pair, PairSettings
from tfgraphs.word2vec.text.vocabulary import Vocabulary


def wevi_random(state: int) -> Iterator[float]:
    """Yield wevi's random numbers in [0, 1): state <- (25214903917 state + 11) mod 2^16, divided by 2^16."""
    while True:
        state = int(float(state) * 25214903917 + 11) & 0xFFFF  # a large first state is rounded, as in JavaScript
        yield state / 65536


class PairModel:
    """The two layers of weights of a model of pairs.

    The initial weights are (u - 0.5) / hidden_size with wevi's random numbers u, drawn for each word and each hidden
    unit, first the input weight and then the output weight. The nodes of a tree get those of the first words.

    Args:
        vocabulary: words of the pairs.
        settings: all but `learning_rate` and `passes` are used here.

    Attributes:
        output: the output side, see `losses`.
        inputs: vectors of words that predict, a float64 variable [words, hidden_size]; the word vectors.
        outputs: vectors of what is predicted, [rows, hidden_size]; `inputs` if tied.
        variables: one or both of them.
    """

    def __init__(self, vocabulary: Vocabulary, settings: PairSettings) -> None:
        self.vocabulary, self.output = vocabulary, make_output(vocabulary, settings)
        shape = len(vocabulary.words), settings.hidden_size, 2
        draws = itertools.islice(wevi_random(settings.random_state), int(np.prod(shape)))
        weights = (np.fromiter(draws, np.float64).reshape(shape) - 0.5) / settings.hidden_size
        outputs = weights[: self.output.rows, :, 1]
        self.inputs = tf.Variable(weights[..., 0], name="input_vectors")
        self.outputs = self.inputs if settings.tied else tf.Variable(outputs, name="output_vectors")
        self.variables = [self.inputs] if settings.tied else [self.inputs, self.outputs]

    def vectors(self) -> WordVectors:
        """Return the word vectors as they are now, float64."""
        return WordVectors(self.vocabulary.words, self.inputs.numpy())

    @tf.function(autograph=False)
    def predict(self, shares: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the hidden vector of a context, and the probabilities of all words.

        Args:
            shares: of each word in the context, which add up to 1, float64 [words].

        Returns:
            h, [hidden_size], and probabilities, [words].
        """
        hidden = tf.linalg.matvec(self.inputs, shares, transpose_a=True)
        return hidden, self.output.probabilities(tf.convert_to_tensor(self.outputs), hidden)


def pair_loss(model: PairModel, pairs: Sequence[Pair]) -> Callable[[tf.Tensor], tf.Tensor]:
    """Make the loss of one pair in each step, in turn.

    A word counts once in a context, and as a target as often as it is written.

    Args:
        model: with the weights and the formula.
        pairs: of words of its vocabulary.
    """
    index = model.vocabulary.index
    contexts, active = _padded([[index[word] for word in dict.fromkeys(pair.context)] for pair in pairs])
    predicted, counts = _padded([[index[word] for word in dict.fromkeys(pair.target)] for pair in pairs])
    for row, pair in enumerate(pairs):
        for column, word in enumerate(dict.fromkeys(pair.target)):
            counts[row, column] = pair.target.count(word)
    shares = active / active.sum(axis=1, keepdims=True)
    tables = [tf.constant(table) for table in (contexts, shares, predicted, counts)]

    def loss(step: tf.Tensor) -> tf.Tensor:
        with scope("pair"):
            context, share, targets, count = (tf.gather(table, step % len(pairs)) for table in tables)
        with scope("context"):
            hidden = tf.linalg.matvec(tf.gather(model.inputs, context), share, transpose_a=True)
        with scope(model.output.name):
            return model.output.loss(tf.convert_to_tensor(model.outputs), hidden, targets, count, step)

    return loss


def _padded(sides: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return word numbers as a table, int32 [pairs, longest side], and 1 where there is a word, else 0, float64."""
    numbers = list(itertools.zip_longest(*sides, fillvalue=-1))
    table = np.array(numbers, np.int32).T
    return np.maximum(table, 0), (table >= 0).astype(np.float64)
