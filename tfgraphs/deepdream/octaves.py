"""Octaves: the growing sizes at which a dream works, and the pixels that an optimizer changes at each of them.

Sizes and steps are the same formulas for numbers and for tensors, so that exported dreams have the same octaves.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.graphs.scopes import scope
from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.losses import LossValue
from tfgraphs.optimize.minimize import Transform
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.optimize.pyramid import Canvas, Level, coarse_to_fine
from tfgraphs.optimize.reports import Report

_LOG = logging.getLogger(__name__)
_STEPS_PER_REPORT = 5

Number = TypeVar("Number", int, tf.Tensor)
Pictures = TypeVar("Pictures", np.ndarray, tf.Tensor)


def octave_sizes(
    size: tuple[int, int] | tf.Tensor, count: int, scale: float, smallest: int, steps: int | tf.Tensor
) -> tf.Tensor:
    """Returns the sizes round(size / scale^n) of the octaves n = count - 1, ..., 1, 0.

    Args:
        size: height and width of the picture.
        count: largest number of octaves. There are no more than `steps`.
        scale: factor between octaves, more than 1.
        smallest: octaves but the last with a side of fewer pixels are left out.
        steps: of the whole run.

    Returns:
        Heights and widths, int32 [octaves, 2], smallest first.
    """
    factors = tf.constant([scale**-number for number in range(count)], tf.float64)
    sizes = tf.cast(tf.round(tf.cast(size, tf.float64) * factors[:, None]), tf.int32)
    large = tf.reduce_sum(tf.cast(tf.reduce_min(sizes, axis=1) >= smallest, tf.int32))
    return sizes[: tf.maximum(1, tf.minimum(large, steps))][::-1]


def steps_before(octave: Number, octaves: Number, steps: Number) -> Number:
    """Returns how many of all steps are taken before an octave: floor(steps * octave / octaves)."""
    return steps * octave // octaves


def octave_start(
    picture: Pictures, smaller: Pictures, original: Pictures, enlarge: Callable[..., Pictures]
) -> Pictures:
    """Adds the detail gained so far to the original, whose sharpness an enlarged picture would not have.

        x = original + enlarge(picture - smaller)

    `picture` is what the last octave ended with, and `smaller` the original at its size; `enlarge` resizes to the size
    of the next octave.
    """
    return original + enlarge(picture - smaller)


def octave_levels(
    size: tuple[int, int], count: int, scale: float, smallest: int, steps: int, iterations: int | None = None
) -> list[Level]:
    """Returns the sizes and steps of all octaves.

    Args:
        size, count, scale, smallest: as of `octave_sizes`.
        steps: in all, split evenly.
        iterations: steps at each octave instead.
    """
    sizes = octave_sizes(size, count, scale, smallest, steps if iterations is None else count).numpy().tolist()
    total = steps if iterations is None else iterations * len(sizes)
    ends = [steps_before(number, len(sizes), total) for number in range(len(sizes) + 1)]
    return [Level(height, width, ends[number + 1] - ends[number]) for number, (height, width) in enumerate(sizes)]


class PixelAscent:
    """Pictures whose pixels an optimizer changes within 0..1, octave by octave.

    One graph serves all sizes if the optimizer has no slots, as SGD without momentum. Others, which remember something
    for each pixel, begin anew at each size with a graph of its own.

    Args:
        loss: maps the pictures, and the number of the step, to their loss, as a `LossFunction` does.
        optimizer, learning_rate: as of `stock_optimizer`.
        gradient_transform, on_graph: as of `minimize`.
        batch: number of pictures.

    Raises:
        OptimizerError: Keras has no optimizer of this name.
    """

    def __init__(
        self,
        loss: Callable[[tf.Tensor, tf.Tensor], LossValue],
        optimizer: str | keras.optimizers.Optimizer,
        learning_rate: float,
        gradient_transform: Transform,
        batch: int = 1,
        on_graph: Callable[[tf.Graph], None] | None = None,
    ) -> None:
        self._loss, self._optimizer, self._learning_rate = loss, optimizer, learning_rate
        self._gradient_transform, self._on_graph = gradient_transform, on_graph
        self._steps_before = tf.Variable(0, dtype=tf.int64, trainable=False, name="steps_before")
        self._shared = None if _has_slots(optimizer) else self._canvas([batch, None, None, 3])

    def ascend(
        self,
        levels: Sequence[Level],
        start: Callable[[int, np.ndarray | None], np.ndarray],
        *,
        steps_before: int = 0,
        report_every: int = 0,
        checkpoint_dir: str | Path | None = None,
        save_seconds: float = 30.0,
    ) -> Iterator[Progress]:
        """Takes the steps of all octaves.

        Args:
            levels: the octaves.
            start: maps the number of an octave, when it begins, and the pictures that the last one ended with, None for
                the first, to the pictures to start from, float32 [batch, height, width, 3].
            steps_before: added to the number of the step that the loss gets, besides the steps of smaller octaves.
            report_every: yields progress at all multiples of this number of steps in any case; 0 for none.
            checkpoint_dir, save_seconds: as of `Minimization.run`; each octave has a folder of its own.

        Yields:
            Progress whose picture are all the pictures.

        Raises:
            NonFiniteLoss: the loss, its gradient or a picture is no longer finite.
        """

        def optimise(number: int, before: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
            pictures, steps = start(number, before), sum(level.steps for level in levels[:number])
            canvas = self._shared or self._canvas(pictures.shape)
            self._steps_before.assign(steps_before + steps)
            return canvas.improve(
                pictures,
                levels[number].steps,
                steps_per_report=math.gcd(_STEPS_PER_REPORT, report_every, steps if report_every else 0),
                checkpoint_dir=None if checkpoint_dir is None else Path(checkpoint_dir) / f"octave{number}",
                save_seconds=save_seconds,
            )

        return coarse_to_fine(levels, optimise, "octave")

    def _canvas(self, shape: Sequence[int | None]) -> Canvas:
        started = time.monotonic()

        def loss(pictures: tf.Variable, step: tf.Tensor) -> LossValue:
            with scope("step"):
                number = step + self._steps_before
            with scope("picture"):
                read = pictures.read_value()
            return self._loss(read, number)

        optimizer = stock_optimizer(self._optimizer, self._learning_rate)
        canvas = Canvas(loss, optimizer, shape, self._gradient_transform)
        sizes = f"{shape[2]} x {shape[1]} px" if shape[1] else "all octaves"
        _LOG.debug("one graph for %s, made in %.1f s", sizes, time.monotonic() - started)
        if self._on_graph is not None:
            self._on_graph(canvas.graph)
        return canvas


def _has_slots(optimizer: str | keras.optimizers.Optimizer) -> bool:
    """Whether an optimizer has variables of the shape of what it changes."""
    trial = stock_optimizer(optimizer, 0.1)
    trial.build([tf.Variable(tf.zeros([2, 3]), name="picture")])
    return any(len(variable.shape) for variable in trial.variables)
