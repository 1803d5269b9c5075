"""The models of word2vec as one loss: skip-gram or CBOW, one of five output layers, one matrix or two."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfgraphs.graphs import processor
from tfgraphs.graphs.compiled import with_gradient
from tfgraphs.optimize.losses import Loss
from tfgraphs.vectors import WordVectors
from tfgraphs.word2vec.architectures import context_mean, draw_reach, pair_weights
from tfgraphs.word2vec.blocks import keep_probabilities
from tfgraphs.word2vec.damping import LENGTH, Damping, pairs_of
from tfgraphs.word2vec.hierarchical_softmax import HierarchicalSoftmax
from tfgraphs.word2vec.negative_sampling import GROUPED, Sampled
from tfgraphs.word2vec.output_layer import OutputLayer, Softmax, Tensors
from tfgraphs.word2vec.settings import TrainingSettings
from tfgraphs.word2vec.text.vocabulary import Vocabulary


class Word2Vec:
    """The matrices of a model and its loss.

    Args:
        vocabulary: words, most frequent first.
        settings: of the model and its training.

    Attributes:
        inputs: vectors of words that predict, a variable [words, dim]; the word vectors.
        outputs: vectors of what is predicted, words or inner nodes, a variable [rows, dim]; `inputs` if tied.
        length: consecutive words that a step reads in one place of the text.
    """

    def __init__(self, vocabulary: Vocabulary, settings: TrainingSettings | None = None) -> None:
        self.vocabulary = vocabulary
        self.settings = settings = settings or TrainingSettings()
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
        self._parts = processor.current().loss_parts
        shape = len(vocabulary.words), settings.dim
        start = np.random.default_rng(settings.seed).uniform(-0.5, 0.5, shape) / settings.dim
        self.inputs = tf.Variable(start.astype(settings.dtype), name="inputs")
        zeros = np.zeros((self.layer.rows, settings.dim), settings.dtype)
        self.outputs = self.inputs if settings.tied else tf.Variable(zeros, name="outputs")

    @property
    def variables(self) -> list[tf.Variable]:
        """What is trained."""
        return [self.inputs] if self.settings.tied else [self.inputs, self.outputs]

    def vectors(self) -> WordVectors:
        """Return the word vectors as they are now."""
        return WordVectors(self.vocabulary.words, self.inputs.numpy().astype(np.float32))

    def places(self, words: int) -> int:
        """Return how many places of a text of some words a step reads at once."""
        places = self._damping.places(words, self.length)
        grouped = self._grouped
        unit = next(unit for unit in (grouped * self._parts, grouped, 1) if places >= unit)
        return places - places % unit

    def loss(self, text: Callable[[tf.Tensor], tf.Tensor], places: int) -> Loss:
        """Make the loss of a step over a text.

        Args:
            text: maps the step to word and sentence numbers, int32 [2, places, length + 2 * window], -1 for no word.
            places: how many there are.

        Returns:
            The sum over all pairs. Its term "pair" is the mean.
        """
        parts = self._parts if places % (self._grouped * self._parts) == 0 else 1
        part_loss = with_gradient(self._part_loss(places * self.length))

        def loss(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            results = []
            for part, words_sentences in enumerate(tf.split(text(step), parts, axis=1)):
                numbers, constants = self._lookup(words_sentences, step * parts + part)
                rows = _look_up(self.inputs, self.outputs, numbers)
                results.append(part_loss(rows, [*numbers, *constants]))
            total, pairs = (tf.add_n(values) for values in zip(*results, strict=True))
            return total, {"pair": total / (pairs + 1e-9)}

        return Loss(loss)

    @property
    def _grouped(self) -> int:
        """How many places share draws, and so belong into one part of a step."""
        return 1 if self.settings.shared_negatives == 0 else GROUPED[self.settings.architecture]

    def _lookup(self, words_sentences: tf.Tensor, draw: tf.Tensor) -> tuple[Tensors, Tensors]:
        """Return row numbers, of the inputs and then of the outputs, and other constants of a part of a step."""
        settings = self.settings
        words, sentences = tf.unstack(words_sentences)
        words = tf.maximum(words, 0)
        centres = words[:, settings.window : -settings.window]
        from_all = settings.architecture == "cbow" or self.layer.predicts_centre
        sources, targets = (words, centres) if from_all else (centres, words)
        numbers, constants = self.layer.lookup(targets, [settings.seed, draw])
        if settings.sampling == "dynamic":
            constants = [*constants, draw_reach(centres, settings.window, [settings.seed + 1, draw])]
        return [sources, *numbers], [sentences, *constants]

    def _part_loss(self, words: int) -> Callable[[Tensors, Tensors], tuple[tf.Tensor, tf.Tensor]]:
        """Make the loss of a part of a step, and the total weight of its pairs; `words` is that of the whole step."""
        settings, layer = self.settings, self.layer
        of_inputs, of_outputs = (tf.constant(table, settings.dtype) for table in self._damping.shares(words))

        def part_loss(rows: Tensors, constants: Tensors) -> tuple[tf.Tensor, tf.Tensor]:
            numbers, (sentences, *constants) = constants[: len(rows)], constants[len(rows) :]
            if settings.damping:
                rows = list(map(_damp, rows, _look_up(of_inputs, of_outputs, numbers)))
            inputs, *outputs = rows
            reach = constants.pop() if settings.sampling == "dynamic" else None
            pairs = pair_weights(sentences, reach, settings)
            if settings.architecture == "cbow":
                hidden = context_mean(inputs, pairs, settings.cbow_gradient == "mean")
                weights = tf.cast(tf.reduce_any(pairs > 0, axis=-1, keepdims=True), settings.dtype)
            else:
                hidden = inputs
                weights = tf.linalg.matrix_transpose(pairs) if layer.predicts_centre else pairs
            return layer.loss(hidden, weights, outputs, constants), tf.reduce_sum(weights)

        return part_loss


def _look_up(inputs: tf.Tensor | tf.Variable, outputs: tf.Tensor | tf.Variable, numbers: Tensors) -> Tensors:
    """Look up rows of a table of the inputs for the first row numbers, and of one of the outputs for all others."""
    return [tf.gather(inputs, numbers[0]), *(tf.gather(outputs, number) for number in numbers[1:])]


@tf.custom_gradient
def _damp(rows: tf.Tensor, share: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, None]]]:
    """Return the rows, [..., D], with only a share of their gradient, [...].

    A sum weighted by the share with `tf.stop_gradient` does the same and makes training 8 % slower.
    """
    return tf.identity(rows), lambda gradient: (share[..., tf.newaxis] * gradient, None)
