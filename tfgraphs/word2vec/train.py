"""Training of skip-gram with negative sampling (Mikolov et al. 2013, arXiv 1310.4546).

Minimises -( log sigmoid(v_c . v'_o) + k E_{y~P} log sigmoid(-v_c . v'_y) ) summed over all pairs of a centre c and a
neighbour o, P(y) ~ count(y)^(3/4), by plain gradient descent with a falling learning rate.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.minimize import minimize
from tfgraphs.monitor import Progress
from tfgraphs.vectors import WordVectors
from tfgraphs.word2vec.corpus import CorpusError
from tfgraphs.word2vec.losses import negative_loss, positive_loss, window_weights
from tfgraphs.word2vec.vocabulary import Vocabulary

LENGTH = 32  # consecutive words that a step reads in one place
PLACES = 32  # places of the text that a step reads at once, if the text is long enough
GROUPED = 4  # places whose centres share their noise words
SHARED_NOISE = 32  # noise words of a group
NOISE_TABLE = 1 << 20
STEADY = 200  # pairs of one word in a step, beyond which its row begins to overshoot


@dataclass(frozen=True)
class TrainingSettings:
    """How word vectors are trained.

    Attributes:
        dim: length of a vector.
        window: words on either side that count as neighbours.
        negatives: noise words for each pair.
        subsample: threshold of frequency above which words are thinned out.
        noise_exponent: noise words are drawn in proportion to count**noise_exponent.
        epochs: how often the text is read.
        learning_rate: at the start; it falls linearly to nearly 0.
        seed: of everything random.
    """

    dim: int = 100
    window: int = 5
    negatives: int = 5
    subsample: float = 1e-3
    noise_exponent: float = 0.75
    epochs: int = 5
    learning_rate: float = 0.025
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("dim", "window", "negatives", "epochs"):
            if not getattr(self, name) >= 1:
                raise CorpusError(f"{name} is {getattr(self, name)}: it cannot be less than 1")
        for name in ("subsample", "noise_exponent", "learning_rate", "seed"):
            if not getattr(self, name) >= 0:
                raise CorpusError(f"{name} is {getattr(self, name)}: it cannot be negative")


class Word2Vec:
    """Two matrices, one for a word as a centre and one for it as a neighbour, and their training."""

    def __init__(self, vocabulary: Vocabulary, settings: TrainingSettings | None = None) -> None:
        self.vocabulary = vocabulary
        self.settings = settings or TrainingSettings()
        shape = len(vocabulary.words), self.settings.dim
        start = np.random.default_rng(self.settings.seed).uniform(-0.5, 0.5, shape) / self.settings.dim
        self.centres = tf.Variable(start.astype(np.float32), name="centres")
        self.neighbours = tf.Variable(np.zeros(shape, np.float32), name="neighbours")

    def train(
        self,
        tokens: np.ndarray,
        sentences: np.ndarray,
        *,
        checkpoint_dir: Path | None = None,
        on_graph: Callable[[tf.Graph], None] | None = None,
    ) -> Iterator[Progress]:
        """Trains on a text, yielding progress.

        Args:
            tokens: word numbers, int32 [tokens].
            sentences: numbers of their sentences, int32 [tokens]; windows do not cross from one to the next.
            checkpoint_dir: where to keep the state; training that finds its own state there goes on from it.
            on_graph: called with the graph of one step.
        """
        streams = self._streams(tokens, sentences)
        steps = (streams.shape[-1] - 2 * self.settings.window) // LENGTH
        rate = keras.optimizers.schedules.PolynomialDecay(
            self.settings.learning_rate, steps, self.settings.learning_rate / 1e4
        )
        for report in minimize(
            self._loss(streams),
            [self.centres, self.neighbours],
            keras.optimizers.SGD(rate),
            steps,
            steps_per_report=max(1, min(200, steps // 20)),
            jit_compile=True,
            checkpoint_dir=checkpoint_dir,
            on_graph=on_graph,
        ):
            stage = f"step {report.step:,} of {steps:,}"
            yield Progress(report.step, stage, report.step / steps, report.terms["pair"], report.terms)

    def vectors(self) -> WordVectors:
        """The centre vectors as they are now."""
        return WordVectors(self.vocabulary.words, self.centres.numpy())

    def _streams(self, tokens: np.ndarray, sentences: np.ndarray) -> np.ndarray:
        """All epochs, subsampled, one after the other, cut into rows that are read side by side.

        Consecutive words repeat each other's topics. Words from many places in one step do not, and a row of the
        matrix that is not hit again and again in a step does not overshoot. A small vocabulary gets few places.

        Returns:
            int32 [2, places, length]: word numbers and sentence numbers, -1 where there is no word.
        """
        settings = self.settings
        random = np.random.default_rng([settings.seed, 1])
        keep = self.vocabulary.keep_probabilities(settings.subsample)[tokens]
        epochs = [random.random(len(tokens)) < keep for _ in range(settings.epochs)]
        numbers = [sentences + epoch * (sentences[-1] + 1) for epoch in range(settings.epochs)]
        text = np.concatenate(
            [np.stack([tokens[kept], number[kept]]) for kept, number in zip(epochs, numbers, strict=True)], axis=1
        )
        if text.shape[1] < 2:
            raise CorpusError("nothing of the text is left when frequent words are thinned out: try --subsample=0")
        pull = LENGTH * (settings.window + 1) * (1 + settings.negatives) / len(self.vocabulary.words)
        places = max(1, min(PLACES, text.shape[1] // (8 * LENGTH), int(STEADY / pull)))
        places -= places % GROUPED if places > GROUPED else 0  # so that all places fall into groups
        columns = -(-text.shape[1] // (places * LENGTH)) * LENGTH
        rows = np.full((2, places * columns), -1, np.int32)
        rows[:, : text.shape[1]] = text
        rows = rows.reshape(2, places, columns)
        return np.pad(rows, [(0, 0), (0, 0), (settings.window, settings.window)], constant_values=-1)

    def _damping(self, words: int) -> tuple[tf.Tensor, tf.Tensor]:
        """How much of its gradient each word's row keeps, as a centre and as a neighbour, float32 [words] each.

        All pairs of a step pull at the rows as these were before it, and a word that is in very many of them, in a
        small vocabulary any word, would overshoot. Its pull is limited to that of STEADY pairs.

        Args:
            words: how many centres a step has.
        """
        settings = self.settings
        kept = self.vocabulary.counts * self.vocabulary.keep_probabilities(settings.subsample)
        noise = self.vocabulary.counts.astype(np.float64) ** settings.noise_exponent
        share, noise_share = kept / kept.sum(), noise / noise.sum()
        pairs = words * (settings.window + 1)
        as_centre = pairs * (1 + settings.negatives) * share
        as_neighbour = pairs * (share + settings.negatives * noise_share)
        return tuple(tf.constant(np.minimum(1, STEADY / pull), tf.float32) for pull in (as_centre, as_neighbour))

    def _loss(self, streams: np.ndarray) -> Callable[[tf.Tensor], tuple[tf.Tensor, dict[str, tf.Tensor]]]:
        settings = self.settings
        places, window = streams.shape[1], settings.window
        text = tf.constant(streams)
        noise_table = tf.constant(self.vocabulary.noise_table(settings.noise_exponent, NOISE_TABLE))
        weights = tf.constant(window_weights(LENGTH, window))
        groups = max(1, places // GROUPED)
        centre_damping, neighbour_damping = self._damping(places * LENGTH)

        def loss(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            start = tf.cast(step, tf.int32) * LENGTH
            words, sentences = tf.unstack(tf.slice(text, [0, 0, start], [2, places, LENGTH + 2 * window]))
            words = tf.maximum(words, 0)
            contexts = _damped_rows(self.neighbours, words, neighbour_damping)
            centres = _damped_rows(self.centres, words[:, window:-window], centre_damping)
            own = sentences[:, window:-window, tf.newaxis]
            pairs = weights * tf.cast((own == sentences[:, tf.newaxis, :]) & (own >= 0), tf.float32)

            places_in_table = tf.random.stateless_uniform(
                [groups, SHARED_NOISE], [settings.seed, step], 0, NOISE_TABLE, tf.int32
            )
            noise = _damped_rows(self.neighbours, tf.gather(noise_table, places_in_table), neighbour_damping)
            meetings = tf.reduce_sum(pairs, axis=-1) * settings.negatives / SHARED_NOISE
            grouped = tf.reshape(centres, [groups, -1, settings.dim])
            negative = negative_loss(grouped, noise, tf.reshape(meetings, [groups, -1]))
            total = positive_loss(centres, contexts, pairs) + negative
            return total, {"pair": total / (tf.reduce_sum(pairs) + 1e-9)}

        return loss


def _damped_rows(table: tf.Variable, words: tf.Tensor, damping: tf.Tensor) -> tf.Tensor:
    """Rows of a table for words of any shape [...], -> [..., dim], whose gradient is scaled word by word."""
    rows, share = tf.gather(table, words), tf.gather(damping, words)[..., tf.newaxis]
    return share * rows + tf.stop_gradient((1 - share) * rows)
