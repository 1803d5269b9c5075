"""The models of word2vec as one loss: skip-gram or CBOW, one of five output layers, one matrix or two."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfgraphs.graphs.compiled import with_gradient
from tfgraphs.graphs.own_gradients import custom_gradient
from tfgraphs.vectors import WordVectors
from tfgraphs.word2vec import losses
from tfgraphs.word2vec.output_layers import GROUPED, Tensors, output_layer
from tfgraphs.word2vec.settings import TrainingSettings
from tfgraphs.word2vec.text.subsampling import keep_probabilities
from tfgraphs.word2vec.text.vocabulary import Vocabulary

LENGTH = 32  # consecutive words that a step reads in one place
PLACES = 64  # places of the text that a step reads at once, if the text is long enough
PARTS = 2  # of a step, which run side by side; the same on every machine, so that results are
STEADY = 7.5  # learning rate times pairs of one row in a step, beyond which it begins to overshoot
STEADIER = {"nce": 0.2, "softmax": 0.2, "sampled_softmax": 0.4, "hierarchical_softmax": 0.4}  # share of it, measured
TIED = 0.2  # at most this share of it, as a row then draws at itself
CROWDED = 1.5  # learning rate times pairs of the average row in a step, beyond which all overshoot together
CROWDED_SOFTMAX = 0.3  # the same for a whole softmax
FOCUSED = 60  # learning rate times pairs of a step, as a whole softmax may turn all of them on one row; tied a third
MAX_LOGITS = 1 << 25  # of a softmax over the whole vocabulary in a step, to bound the memory that it takes


class Word2Vec:
    """The matrices of a model and its loss.

    Args:
        vocabulary: words, most frequent first.
        settings: of the model and its training.

    Attributes:
        inputs: vectors of the words as what predicts, a variable [words, dim]; the word vectors.
        outputs: vectors of what is predicted, words or inner nodes, a variable [rows, dim]; `inputs` if tied.
    """

    def __init__(self, vocabulary: Vocabulary, settings: TrainingSettings | None = None) -> None:
        self.vocabulary = vocabulary
        self.settings = settings or TrainingSettings()
        kept = vocabulary.counts * keep_probabilities(vocabulary.counts, self.settings.subsample)
        self._chances = kept / kept.sum()
        self.layer = output_layer(vocabulary, self.settings, self._chances, self._predictions(LENGTH))
        shape = len(vocabulary.words), self.settings.dim
        start = np.random.default_rng(self.settings.seed).uniform(-0.5, 0.5, shape) / self.settings.dim
        self.inputs = tf.Variable(start.astype(self.settings.dtype), name="inputs")
        zeros = np.zeros((self.layer.rows, self.settings.dim), self.settings.dtype)
        self.outputs = self.inputs if self.settings.tied else tf.Variable(zeros, name="outputs")

    @property
    def variables(self) -> list[tf.Variable]:
        """What is trained."""
        return [self.inputs] if self.settings.tied else [self.inputs, self.outputs]

    def vectors(self) -> WordVectors:
        """The word vectors as they are now."""
        return WordVectors(self.vocabulary.words, self.inputs.numpy().astype(np.float32))

    def places(self, words: int) -> int:
        """How many places of a text a step reads at once.

        A short text has few, and so has a small vocabulary, whose words would be in too many pairs of a step. So has a
        whole softmax: where a word comes to be too likely, all pairs of a step draw at it.

        Args:
            words: length of the text.
        """
        limits = [PLACES, words // (8 * LENGTH), int(self._crowded / self._pull(LENGTH))]
        if self.settings.loss == "softmax":
            pulls = self._rate * self._predictions(LENGTH)
            limits.append(int(FOCUSED / (3 if self.settings.tied else 1) / pulls))
            limits.append(MAX_LOGITS // (LENGTH * self.layer.rows))
        places = max(1, min(limits))
        grouped = GROUPED[self.settings.architecture]
        unit = next(unit for unit in (grouped * PARTS, grouped, 1) if places >= unit)
        return places - places % unit

    def loss(
        self, text: Callable[[tf.Tensor], tf.Tensor], places: int
    ) -> Callable[[tf.Tensor], tuple[tf.Tensor, dict[str, tf.Tensor]]]:
        """The loss of a step over a text.

        Args:
            text: maps the step to word and sentence numbers, int32 [2, places, LENGTH + 2 * window], -1 for no word.
            places: how many there are.

        Returns:
            A loss for `minimize`: the sum over all pairs. Its term "pair" is the mean.
        """
        parts = PARTS if places % (GROUPED[self.settings.architecture] * PARTS) == 0 else 1
        part_loss = with_gradient(self._part(places * LENGTH))
        tables = self.inputs, self.outputs

        def loss(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            results = []
            for part, words_sentences in enumerate(tf.split(text(step), parts, axis=1)):
                numbers, constants = self._lookup(words_sentences, step * parts + part)
                rows = [tf.gather(tables[min(place, 1)], number) for place, number in enumerate(numbers)]
                results.append(part_loss(rows, [*numbers, *constants]))
            total, pairs = (tf.add_n(values) for values in zip(*results, strict=True))
            return total, {"pair": total / (pairs + 1e-9)}

        return loss

    def _lookup(self, words_sentences: tf.Tensor, draw: tf.Tensor) -> tuple[Tensors, Tensors]:
        """Row numbers, of the inputs and then of the outputs, and what else a part of a step needs."""
        settings = self.settings
        words, sentences = tf.unstack(words_sentences)
        words = tf.maximum(words, 0)
        centres = words[:, settings.window : -settings.window]
        from_all = settings.architecture == "cbow" or self.layer.predicts_centre
        sources, targets = (words, centres) if from_all else (centres, words)
        numbers, constants = self.layer.lookup(targets, [settings.seed, draw])
        if settings.sampling == "dynamic":
            seed = [settings.seed + 1, draw]
            reach = tf.random.stateless_uniform(centres.shape, seed, 1, settings.window + 1, tf.int32)
            constants = [*constants, reach]
        return [sources, *numbers], [sentences, *constants]

    def _part(self, words: int) -> Callable[[Tensors, Tensors], tuple[tf.Tensor, tf.Tensor]]:
        """The loss of some of the places of a step, and the weight of their pairs; `words` is that of a whole step."""
        settings, layer = self.settings, self.layer
        window, dtype = settings.window, settings.dtype
        expected = settings.sampling == "expected"
        weights_of_window = tf.constant(losses.window_weights(LENGTH, window, expected), dtype)
        distances = tf.constant(losses.window_distances(LENGTH, window))
        damping = [tf.constant(table, dtype) for table in self._damping(words)]

        def part(rows: Tensors, constants: Tensors) -> tuple[tf.Tensor, tf.Tensor]:
            numbers, (sentences, *constants) = constants[: len(rows)], constants[len(rows) :]
            inputs, *outputs = (
                _damped(row, tf.gather(damping[min(place, 1)], number))
                for place, (row, number) in enumerate(zip(rows, numbers, strict=True))
            )
            own = sentences[:, window:-window, tf.newaxis]
            inside = (own == sentences[:, tf.newaxis]) & (own >= 0)
            if settings.sampling == "dynamic":
                *constants, reach = constants
                inside &= distances <= reach[..., tf.newaxis]
            pairs = weights_of_window * tf.cast(inside, dtype)
            if settings.architecture == "cbow":
                hidden = losses.context_mean(inputs, pairs, settings.cbow_gradient == "mean")
                weights = tf.cast(tf.reduce_any(pairs > 0, axis=-1, keepdims=True), dtype)
            else:
                hidden = inputs
                weights = tf.linalg.matrix_transpose(pairs) if layer.predicts_centre else pairs
            return layer.loss(hidden, weights, outputs, constants), tf.reduce_sum(weights)

        return part

    @property
    def _rate(self) -> float:
        return max(self.settings.rates[0], 1e-9)

    @property
    def _crowded(self) -> float:
        return CROWDED_SOFTMAX if self.settings.loss == "softmax" else CROWDED

    def _predictions(self, words: int) -> int:
        """How many pairs some centres have: in CBOW one each, else as many as weigh 1 on average."""
        return words * (1 if self.settings.architecture == "cbow" else self.settings.window + 1)

    def _pull(self, words: int) -> float:
        """Learning rate times pairs of a step in which a word is, on average over the vocabulary."""
        pairs = words * (self.settings.window + 1) * float(self.layer.pulls.sum())
        return self._rate * pairs / len(self.vocabulary.words)

    def _damping(self, words: int) -> tuple[np.ndarray, np.ndarray]:
        """How much of its gradient each row keeps, for inputs and outputs, [rows] each.

        All pairs of a step draw at the rows as these were before it, and a row that is in very many of them, in a
        small vocabulary any row, would overshoot. Its pull is limited.

        Args:
            words: how many centres a step has.
        """
        settings = self.settings
        predictions = self._predictions(words)
        inputs = words * (settings.window + 1) * self._chances * self.layer.pulls.sum()
        outputs = predictions * self.layer.pulls
        if settings.architecture == "cbow" and settings.cbow_gradient == "mean":
            inputs /= settings.window + 1
        if settings.tied:
            inputs[: len(outputs)] += outputs
            outputs = inputs
        steady = STEADY * min(STEADIER.get(settings.loss, 1), TIED if settings.tied else 1)
        limit = steady * min(1, self._crowded / self._pull(words)) / self._rate
        return tuple(np.minimum(1, limit / np.maximum(pull, 1e-9)) for pull in (inputs, outputs))


def _damped(rows: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """The rows, [..., D], with only a share of their gradient, [...]."""

    @custom_gradient
    def identity(rows: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return tf.identity(rows), lambda gradient: share[..., tf.newaxis] * gradient

    return identity(rows)
