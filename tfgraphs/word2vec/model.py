"""The models of word2vec as one loss: skip-gram or CBOW, one of five output layers, one matrix or two.

With v_i the input vector of the word at position i, and c the neighbours of i, at most `window` words away and in the
same sentence:

    skip-gram    h = v_i predicts each neighbour                                  (one pair for each neighbour)
    CBOW         h = mean over c of v_c predicts the word at i                    (one pair)

Source: Mikolov et al. 2013 (arXiv 1301.3781). word2vec.c draws the reach of each window evenly from 1..window
(`dynamic`). A neighbour at distance d is then inside with probability (window + 1 - d) / window, which is its weight if
the sampling is `expected`.
"""

import dataclasses
from collections.abc import Callable
from functools import partial

import numpy as np
import tensorflow as tf

from tfgraphs.cluster.group import ALONE, Group
from tfgraphs.graphs.compiled import with_gradient
from tfgraphs.graphs.scopes import scope
from tfgraphs.optimize.losses import Loss
from tfgraphs.vectors import WordVectors
from tfgraphs.word2vec.blocks import keep_probabilities
from tfgraphs.word2vec.damping import LENGTH, Damping, pairs_of
from tfgraphs.word2vec.hierarchical_softmax import HierarchicalSoftmax
from tfgraphs.word2vec.matrix import Matrix
from tfgraphs.word2vec.negative_sampling import GROUPED, Sampled
from tfgraphs.word2vec.output_layer import Draw, OutputLayer, Softmax, Tensors
from tfgraphs.word2vec.plan import Plan, column_blocks, make_plan
from tfgraphs.word2vec.settings import TrainingSettings
from tfgraphs.word2vec.start import Start
from tfgraphs.word2vec.text.vocabulary import Vocabulary


class Word2Vec:
    """The matrices of a model and its loss.

    Args:
        vocabulary: words, most frequent first.
        settings: of the model and its training. With a start, its number of dimensions counts instead of `dim`.
        start: words and vectors to start from. Default: random vectors.
        freeze: whether words that have vectors in the start keep them.

    Attributes:
        start: words and vectors from which the model started, or None.
        frozen: whether each word keeps its vector, bool [words], or None.
        inputs: vectors of words that predict, [words, dim]; the word vectors.
        outputs: vectors of what is predicted, words or inner nodes, [rows, dim]; `inputs` if tied.
        matrices: one or both of them.
        variables: those of the matrices.
        length: consecutive words that a step reads in one place of the text.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        settings: TrainingSettings | None = None,
        start: Start | None = None,
        freeze: bool = False,
    ) -> None:
        self.vocabulary, self.start = vocabulary, start
        settings = settings or TrainingSettings()
        self.settings = settings = dataclasses.replace(settings, dim=start.dimensions) if start else settings
        self.length = min(LENGTH, settings.words_per_step or LENGTH)
        left = vocabulary.counts * keep_probabilities(vocabulary.counts, settings.subsample)
        chances = left / left.sum()
        self.layer: OutputLayer
        if settings.loss == "hierarchical_softmax":
            self.layer = HierarchicalSoftmax(vocabulary, settings)
        elif settings.loss == "softmax":
            self.layer = Softmax(chances)
        else:
            self.layer = Sampled(vocabulary, settings, chances, pairs_of(settings, self.length))
        self._damping = Damping(settings, chances, self.layer.pulls)
        shape = len(vocabulary.words), settings.dim
        inputs = np.random.default_rng(settings.seed).uniform(-0.5, 0.5, shape) / settings.dim
        outputs = np.zeros((self.layer.rows, settings.dim), settings.dtype)
        known = start.put_into(vocabulary, inputs, outputs) if start else None
        self.frozen = known if freeze else None
        self.inputs = Matrix(inputs.astype(settings.dtype), "input_vectors", column_blocks(settings))
        self.outputs = self.inputs if settings.tied else Matrix(outputs, "output_vectors", column_blocks(settings))
        self.matrices = [self.inputs] if settings.tied else [self.inputs, self.outputs]
        self.variables = [block for matrix in self.matrices for block in matrix.blocks]

    def vectors(self) -> WordVectors:
        """Return the word vectors as they are now."""
        return WordVectors(self.vocabulary.words, self.inputs.numpy().astype(np.float32))

    def results(self) -> tuple[Vocabulary, np.ndarray, np.ndarray]:
        """Return words, inputs and outputs as they are now, those of the start that the text lacks included."""
        results = self.vocabulary, self.inputs.numpy(), self.outputs.numpy()
        return self.start.add_rest(*results) if self.start else results

    def plan(self, words: int) -> Plan:
        """Return how a text of some words is trained on."""
        return make_plan(self.settings, self._damping.places(words, self.length), self._grouped)

    def pairs(self, plan: Plan) -> list[np.ndarray]:
        """Return in how many pairs of a step each row of the matrices is, on average, float64 [rows] each."""
        return list(self._damping.pairs(plan.places * self.length))[: len(self.matrices)]

    def loss(self, text: Callable[[tf.Tensor], tf.Tensor], plan: Plan, group: Group = ALONE) -> Loss:
        """Make the loss of a step over a text.

        Args:
            text: maps the step to word and sentence numbers, int32 [2, places, length + 2 * window], -1 for no word.
            plan: how many places there are, and how many steps are taken at once.
            group: workers that train together; each draws numbers of its own.

        Returns:
            The sum over all pairs. Its term "pair" is the mean.
        """
        parts = plan.parts
        part_loss = with_gradient(self._part_loss(plan.places * plan.threads * self.length))

        def loss(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            results = []
            with scope("text"):
                texts = tf.split(text(step), parts, axis=1)
            for part, words_sentences in enumerate(texts):
                draw = Draw(self.settings.seed, step, group.rank * parts + part, group.size * parts)
                with scope(f"part_{part + 1}" if part else ""):
                    numbers, constants = self._lookup(words_sentences, draw)
                    with scope("lookup"):
                        rows = _look_up(self.inputs.rows, self.outputs.rows, numbers)
                    results.append(part_loss(rows, [*numbers, *constants]))
            with scope("total"):
                total, pairs = (tf.add_n(values) for values in zip(*results, strict=True))
                return total, {"pair": total / (pairs + 1e-9)}

        return Loss(loss)

    @property
    def _grouped(self) -> int:
        """How many places share draws, and so belong into one part of a step."""
        return 1 if self.settings.shared_negatives == 0 else GROUPED[self.settings.architecture]

    def _lookup(self, words_sentences: tf.Tensor, draw: Draw) -> tuple[Tensors, Tensors]:
        """Return row numbers, of the inputs and then of the outputs, and other constants of a part of a step."""
        settings = self.settings
        with scope("text"):
            words, sentences = tf.unstack(words_sentences)
            words = tf.maximum(words, 0)
            centres = words[:, settings.window : -settings.window]
        from_all = settings.architecture == "cbow" or self.layer.predicts_centre
        sources, targets = (words, centres) if from_all else (centres, words)
        numbers, constants = self.layer.lookup(targets, draw)
        if settings.sampling == "dynamic":
            with scope("reach"):
                constants = [*constants, draw_reach(centres, settings.window, draw.key(1))]
        return [sources, *numbers], [sentences, *constants]

    def _part_loss(self, words: int) -> Callable[[Tensors, Tensors], tuple[tf.Tensor, tf.Tensor]]:
        """Make the loss of a part of a step, and the total weight of its pairs; `words` are read at once."""
        settings, layer = self.settings, self.layer
        shares = list(self._damping.shares(words))
        if self.frozen is not None:
            shares[0] = shares[0] * ~self.frozen
            if settings.tied:
                shares[1] = shares[1] * ~self.frozen[: len(shares[1])]
        of_inputs, of_outputs = (tf.constant(table, settings.dtype) for table in shares)

        def part_loss(rows: Tensors, constants: Tensors) -> tuple[tf.Tensor, tf.Tensor]:
            numbers, (sentences, *constants) = constants[: len(rows)], constants[len(rows) :]
            if settings.damping or self.frozen is not None:
                with scope("damping"):
                    shares = _look_up(partial(tf.gather, of_inputs), partial(tf.gather, of_outputs), numbers)
                    rows = list(map(_damp, rows, shares))
            inputs, *outputs = rows
            reach = constants.pop() if settings.sampling == "dynamic" else None
            with scope("window"):
                pairs = pair_weights(sentences, reach, settings)
                if settings.architecture == "cbow":
                    weights = tf.cast(tf.reduce_any(pairs > 0, axis=-1, keepdims=True), settings.dtype)
                else:
                    weights = tf.linalg.matrix_transpose(pairs) if layer.predicts_centre else pairs
            hidden = inputs
            if settings.architecture == "cbow":
                with scope("context"):
                    hidden = context_mean(inputs, pairs, settings.cbow_gradient == "mean")
            with scope(settings.loss):
                value = layer.loss(hidden, weights, outputs, constants)
            with scope("total"):
                return value, tf.reduce_sum(weights)

        return part_loss


def _look_up(
    inputs: Callable[[tf.Tensor], tf.Tensor], outputs: Callable[[tf.Tensor], tf.Tensor], numbers: Tensors
) -> Tensors:
    """Look up rows of the inputs for the first row numbers, and of the outputs for all others."""
    return [inputs(numbers[0]), *map(outputs, numbers[1:])]


@tf.custom_gradient
def _damp(rows: tf.Tensor, share: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, None]]]:
    """Return the rows, [..., D], with only a share of their gradient, [...].

    A sum weighted by the share with `tf.stop_gradient` does the same and makes training 8 % slower.
    """
    return tf.identity(rows), lambda gradient: (share[..., tf.newaxis] * gradient, None)


def pair_weights(sentences: tf.Tensor, reach: tf.Tensor | None, settings: TrainingSettings) -> tf.Tensor:
    """Compute how much each word counts for each centre, [B, T, T + 2w].

    Args:
        sentences: sentence numbers, -1 for no word, int32 [B, T + 2w].
        reach: of the window of each centre, int32 [B, T], if it is drawn.
        settings: `window`, `window_sampling` and `dtype` are used here.
    """
    window = settings.window
    length = sentences.shape[1] - 2 * window
    centres = sentences[:, window:-window, tf.newaxis]
    inside = (centres == sentences[:, tf.newaxis]) & (centres >= 0)
    if reach is not None:
        inside &= window_distances(length, window) <= reach[..., tf.newaxis]
    weights = window_weights(length, window, settings.sampling == "expected")
    return tf.constant(weights, settings.dtype) * tf.cast(inside, settings.dtype)


def draw_reach(centres: tf.Tensor, window: int, seed: list[int | tf.Tensor]) -> tf.Tensor:
    """Draw the reach of the window of each centre from 1..window, int32 [B, T]."""
    return tf.random.stateless_uniform(centres.shape, seed, 1, window + 1, tf.int32)


def window_weights(length: int, window: int, expected: bool = True) -> np.ndarray:
    """Return how much each neighbour counts, float64 [length, length + 2 * window]; rows are centres.

    Args:
        length: number of centres.
        window: words on either side.
        expected: whether the weight is (window + 1 - distance) / window instead of 1.
    """
    distance = window_distances(length, window)
    weights = (window + 1 - distance) / window if expected else 1
    return np.where((distance > 0) & (distance <= window), weights, 0.0)


def window_distances(length: int, window: int) -> np.ndarray:
    """Return how far each word is from each centre, int32 [length, length + 2 * window]."""
    centres = np.arange(length, dtype=np.int32)[:, None] + window
    return np.abs(np.arange(length + 2 * window, dtype=np.int32)[None, :] - centres)


def context_mean(vectors: tf.Tensor, weights: tf.Tensor, exact: bool) -> tf.Tensor:
    """Compute the hidden vectors of CBOW: weighted means, [B, T, D], 0 where there is no neighbour.

    Args:
        vectors: of all words, [B, T + 2w, D].
        weights: how much each counts for each centre, [B, T, T + 2w].
        exact: whether the gradient is that of the mean. If not, it is that of the sum, as in word2vec.c, gensim and
            fastText: each neighbour moves as far as if it were the only one.
    """
    total = tf.matmul(weights, vectors)
    mean = tf.math.divide_no_nan(total, tf.reduce_sum(weights, axis=-1, keepdims=True))
    return mean if exact else total + tf.stop_gradient(mean - total)
