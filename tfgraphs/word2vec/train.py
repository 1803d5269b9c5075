"""Training of word vectors: text in, progress and vectors out.

vectors = train_word_vectors("text.txt")

corpus = prepare(["text.txt"], TextSettings(), "numbers")
model = Word2Vec(corpus.vocabulary, TrainingSettings(architecture="cbow"))
for progress in train(model, corpus): ...
vectors = model.vectors()
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.cluster.group import ALONE, Group
from tfgraphs.graphs import processor
from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.minimize import minimize
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.vectors import WordVectors
from tfgraphs.word2vec.blocks import Blocks, keep_probabilities
from tfgraphs.word2vec.merging import FINE, Merging, count_rounds, usual_bytes
from tfgraphs.word2vec.model import Word2Vec
from tfgraphs.word2vec.settings import TextSettings, TrainingSettings
from tfgraphs.word2vec.start import load_start
from tfgraphs.word2vec.text.corpus import EncodedCorpus, prepare

_SECONDS = 0.2  # between the progress of one of several workers


def train_word_vectors(
    text: str | Path | Sequence[str | Path],
    settings: TrainingSettings | None = None,
    text_settings: TextSettings | None = None,
    *,
    start: str | Path | WordVectors | None = None,
    freeze: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> WordVectors:
    """Train word vectors on text files.

    Args:
        text: path of a file, plain or packed, of a folder, or a glob; or several of them. A line is a sentence.
        settings: of the model and its training. Default: skip-gram with negative sampling, 100 dimensions, 5 epochs.
        text_settings: which words the text has. Default: words of any script in lower case that occur at least 5 times.
        start: word vectors to start from, or their place: the folder of an earlier training, or anything else that
            `load_word_vectors` reads, see `word2vec.start`. Words of the text that have vectors begin with them,
            however rare they are; words that it lacks stay as they are. The number of dimensions is that of the start.
        freeze: whether words that have vectors at the start keep them.
        on_progress: called with the state of the training from time to time.

    Returns:
        The vectors of the words, most frequent first, and of the words that only the start has.

    Raises:
        CorpusError: the text cannot be read, has too few words, or shares none with the start.
        FormatError: there are no vectors to start from, or they are damaged.
        OptimizerError: Keras has no optimizer of that name.
        NonFiniteLoss: training diverged.
    """
    sources, settings = [text] if isinstance(text, str | Path) else text, settings or TrainingSettings()
    vectors = None if start is None else load_start(start)
    with tempfile.TemporaryDirectory() as folder:
        known = vectors.words if vectors else []
        names = [str(source) for source in sources]
        corpus = prepare(
            names, text_settings or TextSettings(), Path(folder, "text"), known=known, processes=settings.cores
        )
        model = Word2Vec(corpus.vocabulary, settings, vectors, freeze)
        for progress in train(model, corpus):
            if on_progress is not None:
                on_progress(progress)
    vocabulary, inputs, _ = model.results()
    return WordVectors(vocabulary.words, inputs.astype(np.float32))


def train(
    model: Word2Vec, corpus: EncodedCorpus, *, group: Group = ALONE, merge_bytes: float | None = None, **options: Any
) -> Iterator[Progress]:
    """Train a model on a text.

    Args:
        model: to train.
        corpus: the text, with the model's vocabulary.
        group: workers that train together. All have the whole text and the same model, best with the settings of
            `TrainingSettings.for_workers`; each trains on its part, and rows are merged in rounds, see `merging`. All
            end with the same vectors.
        merge_bytes: how many bytes a worker sends for each word of its part, on average; None for the usual number.
        options: `checkpoint_dir`, `save_seconds` and `on_graph` of `minimize`.

    Yields:
        The state of the training every few steps, and at its end.

    Raises:
        CorpusError: subsampling leaves no two words of the text side by side.
        OptimizerError: Keras has no optimizer of the name in the settings.
        CheckpointError, NonFiniteLoss, WorkersLost: see `minimize`.
    """
    settings, counts = model.settings, model.vocabulary.counts
    kept = settings.epochs * int(counts @ keep_probabilities(counts, settings.subsample)) // group.size
    plan = model.plan(kept)
    call_steps, rounds = None, 1.0
    if group.size > 1:
        sent, words = merge_bytes or usual_bytes(group.size), corpus.raw_words * settings.epochs / group.size
        rounds = count_rounds(model.matrices, group.size, words, sent)
        call_steps = max(1, int(kept / (plan.places * model.length) / rounds / FINE))
    own = corpus.part(group.rank, group.size)
    text = Blocks(own, settings, plan.places, model.length, group, call_steps)
    merging = None
    if group.size > 1:
        pairs, rates = model.pairs(plan), settings.rates
        merging = Merging(group, model.matrices, pairs, rates, text.steps, text.report_steps, rounds)
    rate = FallingRate(*settings.rates, text.share)
    optimizers = [stock_optimizer(settings.optimizer, rate) for _ in model.variables]
    # Keras adds the gradients of equal rows up in plain SGD only.
    sparse = isinstance(optimizers[0], keras.optimizers.SGD) and not optimizers[0].momentum
    frozen = {} if sparse or model.frozen is None else {id(block): block.numpy() for block in model.inputs.blocks}
    started: tuple[float, float] | None = None
    loss, shown = 0.0, 0.0
    for report in minimize(
        model.loss(text, plan, group),
        model.variables,
        optimizers,
        text.steps,
        steps_per_report=text.report_steps,
        gradient_transform=None if sparse else tf.convert_to_tensor,
        projection=partial(_keep_frozen, model, frozen) if frozen else None,
        jit_compile="updates" if processor.current().compiles_updates(plan.threads) else None,
        feed=text.feed,
        threads=plan.threads,
        group=group,
        exchange=merging,
        **options,
    ):
        if group.size > 1 and report.step < report.steps and time.monotonic() - shown < _SECONDS:
            continue  # rounds of several workers are short
        shown = time.monotonic()
        share = float(text.share(tf.constant(report.step - 1, tf.int64)))  # the block of the last step is still there
        share = share if report.step < report.steps else 1.0
        words = share * corpus.raw_words * settings.epochs
        now = time.monotonic()
        started = started or (now, words)
        figures = {}
        if isinstance(settings.optimizer, str):
            figures["learning rate"] = settings.rates[0] + (settings.rates[1] - settings.rates[0]) * share
        loss = report.terms["pair"] or loss  # at the end a worker may have no words, others have some
        stage = f"step {report.step:,} of {report.steps:,}"
        if now > started[0]:
            figures["words per second"] = (words - started[1]) / (now - started[0])
            stage += f", {figures['words per second']:,.0f} words/s"
        yield Progress(report.step, stage, share, loss, report.terms, figures=figures)


def _keep_frozen(model: Word2Vec, values: Mapping[int, np.ndarray], variable: tf.Variable) -> tf.Tensor:
    """Bring frozen rows of the inputs back, which some optimizers change without a gradient."""
    if id(variable) not in values:
        return tf.convert_to_tensor(variable)
    return tf.where(tf.constant(model.frozen)[:, tf.newaxis], values[id(variable)], variable)


class FallingRate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls linearly from start to end with the share of the text that is read before a step."""

    def __init__(self, start: float, end: float, share: Callable[[tf.Tensor], tf.Tensor]) -> None:
        self._start, self._end, self._share = start, end, share

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return self._start + (self._end - self._start) * self._share(step)
