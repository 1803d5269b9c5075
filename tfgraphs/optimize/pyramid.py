"""Coarse to fine: a picture optimised at growing sizes, each starting from the one before."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.graphs import processor
from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.lbfgs import LBFGS, BoundedMinimization
from tfgraphs.optimize.losses import LossValue, NonFiniteLoss
from tfgraphs.optimize.minimize import Minimization, Transform
from tfgraphs.optimize.reports import Report

STEP_OVERHEAD = 14_000  # the constant cost of a step, in pixels that could be computed in that time
LEVEL_OVERHEAD = 2_000_000  # the same for the tracing of a level's graph


@dataclass(frozen=True)
class Level:
    """One size of the pyramid: height and width in pixels, and how many steps to spend there."""

    height: int
    width: int
    steps: int

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    def work(self, steps: int) -> int:
        """Returns the cost of the first `steps` steps, in pixels; measured with SqueezeNet on two cores."""
        return LEVEL_OVERHEAD + steps * (self.height * self.width + STEP_OVERHEAD)


Optimise = Callable[[int, np.ndarray | None], Iterator[tuple[Report, np.ndarray]]]
"""Takes the number of a level and the finished picture of the level before; yields reports and the present picture."""


def coarse_to_fine(levels: Sequence[Level], optimise: Optimise, name: str) -> Iterator[Progress]:
    """Optimises level by level and yields the progress over all levels, at last with the finished picture.

    The loss of each level is a figure of its own.

    Args:
        levels: smallest first.
        optimise: see `Optimise`; the first level gets None for a picture.
        name: of a level in messages, "octave" or "scale".
    """
    costs = [level.work(level.steps) for level in levels]
    picture: np.ndarray | None = None
    for number, level in enumerate(levels):
        steps_before = sum(level.steps for level in levels[:number])
        stage = f"{name} {number + 1} of {len(levels)}, {level.width} x {level.height}"
        for report, current in optimise(number, picture):
            done = (sum(costs[:number]) + level.work(report.step)) / sum(costs)
            figures = {f"{name}{number + 1}/loss": report.loss}
            yield Progress(steps_before + report.step, stage, done, report.loss, report.terms, current, figures)
        picture = current


class Canvas:
    """Pictures whose pixels an optimizer changes within 0..1. The graph of a step, `graph`, is made once."""

    def __init__(
        self,
        loss: Callable[[tf.Variable, tf.Tensor], LossValue],
        optimizer: keras.optimizers.Optimizer | LBFGS,
        shape: Sequence[int | None],
        gradient_transform: Transform | None = None,
    ) -> None:
        """Makes the graph; raises LBFGSError for L-BFGS if its extra is not installed.

        Args:
            loss: maps the variable that holds the pictures, and the number of the step, as a `LossFunction` does.
            optimizer: a new Keras optimizer, or L-BFGS.
            shape: of the pictures, [batch, height, width, 3]; sides of None may differ from run to run, if the
                optimizer has no slots.
            gradient_transform: as of `minimize`; not for L-BFGS.
        """
        blank = tf.zeros([side or 1 for side in shape])
        self._pictures = pictures = tf.Variable(blank, shape=shape, name="picture")
        self._minimization: Minimization | BoundedMinimization
        self._options: dict[str, Any] = {}
        if isinstance(optimizer, LBFGS):
            self._minimization = BoundedMinimization(functools.partial(loss, pictures), pictures, optimizer)
        else:
            self._minimization = Minimization(
                functools.partial(loss, pictures),
                [pictures],
                optimizer,
                gradient_transform=gradient_transform,
                projection=lambda x: tf.clip_by_value(x, 0, 1),
                gradient_norm=True,
            )
            self._options["steps_per_report"] = processor.current().steps_per_report
        self.graph = self._minimization.graph

    def improve(self, pictures: np.ndarray, steps: int, **options: Any) -> Iterator[tuple[Report, np.ndarray]]:
        """Optimises pictures and yields each report with the present pictures.

        Args:
            pictures: to start from, float32 [batch, height, width, 3].
            steps: how many to take.
            options: of `Minimization.run` or `BoundedMinimization.run`.

        Raises:
            NonFiniteLoss: the loss, its gradient or a picture is no longer finite.
        """
        self._pictures.assign(pictures)
        del pictures  # frees memory: a large one is as large as everything else in a step
        for report in self._minimization.run(steps, **self._options | options):
            improved = self._pictures.numpy()
            if not np.isfinite(improved).all():  # the loss after the last step is not computed
                raise NonFiniteLoss(f"the picture is no longer finite at step {report.step}: try a smaller step size")
            yield report, improved
