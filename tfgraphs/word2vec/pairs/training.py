"""Training of models of pairs, one pair at a time: a whole run, or some steps whenever somebody asks for them.

    pairs = read_pairs("pairs.txt")
    model = PairModel(pair_vocabulary(pairs), settings)
    for progress in train_pairs(model, pairs, settings): ...

    trainer = PairTrainer(model, pairs, learning_rate=0.2)
    trainer.advance(20)
    trainer.learning_rate = 0.05
    trainer.advance(100)

Steps are those of wevi, Xin Rong's word embedding visual inspector.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.minimize import Minimization, minimize
from tfgraphs.word2vec.pairs.model import PairModel, pair_loss
from tfgraphs.word2vec.pairs.pair_format import Pair, PairSettings

REPORTS = 100  # at most, in a run


def train_pairs(model: PairModel, pairs: Sequence[Pair], settings: PairSettings, **options: Any) -> Iterator[Progress]:
    """Train a model one pair at a time, in their order.

    Args:
        model: to train.
        pairs: of words of its vocabulary.
        settings: `learning_rate` and `passes` are used here.
        options: `checkpoint_dir`, `save_seconds` and `on_graph` of `minimize`.

    Yields:
        The state of the training with the mean loss of all pairs, at most 100 times.

    Raises:
        CheckpointError, NonFiniteLoss: see `minimize`.
    """
    loss = pair_loss(model, pairs)
    mean_loss = _mean_loss(loss, len(pairs))
    for report in minimize(
        loss,
        model.variables,
        _optimizer(lambda: tf.constant(settings.learning_rate, tf.float64)),
        settings.passes * len(pairs),
        steps_per_report=-(-settings.passes // REPORTS) * len(pairs),
        gradient_transform=tf.convert_to_tensor,  # adds up the gradients of rows that were read twice
        **options,
    ):
        stage = f"pair {report.step:,} of {report.steps:,}"
        yield Progress(report.step, stage, report.step / report.steps, mean_loss())


class PairTrainer:
    """Trains a model as far as it is told, one pair at a time, in their order.

    Args:
        model: to train.
        pairs: of words of its vocabulary.
        learning_rate: of the next steps; may be changed.

    Attributes:
        step: number of pairs that the model was trained on.
    """

    def __init__(self, model: PairModel, pairs: Sequence[Pair], learning_rate: float) -> None:
        self.model, self.step = model, 0
        self._rate = tf.Variable(learning_rate, dtype=tf.float64, trainable=False, name="rate")
        self._first = tf.Variable(0, dtype=tf.int64, trainable=False, name="first")
        loss = pair_loss(model, pairs)
        self._mean_loss = _mean_loss(loss, len(pairs))
        self._minimization = Minimization(
            lambda step: loss(self._first + step),
            model.variables,
            _optimizer(lambda: tf.convert_to_tensor(self._rate)),
            gradient_transform=tf.convert_to_tensor,
        )

    @property
    def learning_rate(self) -> float:
        return float(self._rate)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._rate.assign(value)

    def advance(self, steps: int) -> None:
        """Train on the next pairs.

        Raises:
            NonFiniteLoss: see `minimize`.
        """
        self._first.assign(self.step)
        for report in self._minimization.run(steps, steps_per_report=steps):
            self.step += report.step

    def mean_loss(self) -> float:
        """Return the mean loss of all pairs as the weights are now."""
        return self._mean_loss()


def _optimizer(rate: Callable[[], tf.Tensor]) -> keras.optimizers.Optimizer:
    """Plain SGD. Keras rounds a rate that is a plain number; TensorFlow keeps each new name, see `stock_optimizer`."""
    return keras.optimizers.SGD(rate, name="SGD")


def _mean_loss(loss: Callable[[tf.Tensor], tf.Tensor], count: int) -> Callable[[], float]:
    """Return a function that computes the mean loss of all pairs."""
    numbers = tf.range(count, dtype=tf.int64)
    losses = tf.function(lambda: tf.map_fn(loss, numbers, fn_output_signature=tf.float64)).get_concrete_function()
    return lambda: float(tf.reduce_mean(losses()))
