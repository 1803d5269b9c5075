"""Training of word vectors: blocks of text in, progress out."""

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.minimize import minimize
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.word2vec.model import LENGTH, Word2Vec
from tfgraphs.word2vec.text.blocks import Blocks
from tfgraphs.word2vec.text.corpus import EncodedCorpus
from tfgraphs.word2vec.text.subsampling import keep_probabilities


def train(
    model: Word2Vec,
    corpus: EncodedCorpus,
    *,
    checkpoint_dir: Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[Progress]:
    """Trains a model on a text, yielding progress.

    Args:
        model: to train.
        corpus: the text, with the model's vocabulary.
        checkpoint_dir: where to keep the state; training that finds its own state there goes on from it.
        save_seconds: time between two checkpoints.
        on_graph: called with the graph of one step.

    Raises:
        CorpusError: nothing of the text is left after subsampling.
        CheckpointError, NonFiniteLoss: see `minimize`.
    """
    settings = model.settings
    text = _Text(model, corpus)
    optimizers = [
        stock_optimizer(settings.optimizer, FallingRate(*settings.rates, text.share)) for _ in model.variables
    ]
    dense = None if settings.optimizer == "sgd" else tf.convert_to_tensor  # Keras would not add up equal rows
    begun: tuple[float, float] | None = None
    for report in minimize(
        model.loss(text, text.places),
        model.variables,
        optimizers,
        text.blocks.steps,
        steps_per_report=text.blocks.report_steps,
        gradient_transform=dense,
        jit_compile="updates",
        feed=text.feed,
        checkpoint_dir=checkpoint_dir,
        save_seconds=save_seconds,
        on_graph=on_graph,
    ):
        share = float(text.share(tf.constant(report.step - 1, tf.int64)))  # a step less: its block is still there
        share = share if report.step < report.steps else 1.0
        words = share * corpus.raw_words * settings.epochs
        now = time.monotonic()
        begun = begun or (now, words)
        figures = {"learning rate": settings.rates[0] + (settings.rates[1] - settings.rates[0]) * share}
        stage = f"step {report.step:,} of {report.steps:,}"
        if now > begun[0]:
            figures["words per second"] = (words - begun[1]) / (now - begun[0])
            stage += f", {figures['words per second']:,.0f} words/s"
        yield Progress(report.step, stage, share, report.terms["pair"], report.terms, figures=figures)


class FallingRate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls linearly with the share of the text that is read.

    Args:
        start: the rate at the share 0.
        end: the rate at the share 1.
        share: maps the step to the share.
    """

    def __init__(self, start: float, end: float, share: Callable[[tf.Tensor], tf.Tensor]) -> None:
        self._start, self._end, self._share = start, end, share

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return self._start + (self._end - self._start) * self._share(step)


class _Text:
    """The block of text that is being read, as variables, so that blocks can follow one another in one graph."""

    def __init__(self, model: Word2Vec, corpus: EncodedCorpus) -> None:
        settings = model.settings
        words = settings.epochs * int(
            model.vocabulary.counts @ keep_probabilities(model.vocabulary.counts, settings.subsample)
        )
        self.places = model.places(words)
        self._width = LENGTH + 2 * settings.window
        self.blocks = Blocks(
            corpus,
            threshold=settings.subsample,
            epochs=settings.epochs,
            places=self.places,
            length=LENGTH,
            window=settings.window,
            seed=settings.seed,
        )
        self._following = iter(self.blocks)
        self._read = 0  # blocks
        self._share = 0.0  # of the text, before the block that comes next
        columns = self.blocks.block_steps * LENGTH + 2 * settings.window
        self._block = tf.Variable(np.full((2, self.places, columns), -1, np.int32), trainable=False, name="text")
        self._span = tf.Variable(np.zeros(2, np.float32), trainable=False, name="share")

    def feed(self, step: int) -> None:
        """Brings the block of a step, if it is not there; after an interruption those before it are passed over."""
        wanted = step // self.blocks.block_steps + 1
        if wanted == self._read:
            return
        begin = self._share
        for block in itertools.islice(self._following, wanted - self._read):
            begin, self._share = self._share, block.share
        self._read = wanted
        self._block.assign(block.text)
        self._span.assign([begin, block.share])

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Word and sentence numbers of a step, int32 [2, places, LENGTH + 2 * window]."""
        start = tf.cast(step % self.blocks.block_steps, tf.int32) * LENGTH
        return tf.slice(self._block, [0, 0, start], [2, self.places, self._width])

    def share(self, step: tf.Tensor) -> tf.Tensor:
        """The share of the text that is read before a step of the block that is there."""
        size = self.blocks.block_steps
        within = step % size
        steps = tf.minimum(tf.cast(size, step.dtype), self.blocks.steps - (step - within))
        within = tf.cast(within, tf.float32) / tf.cast(steps, tf.float32)
        return self._span[0] + (self._span[1] - self._span[0]) * within
