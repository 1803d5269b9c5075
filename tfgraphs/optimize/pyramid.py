"""Coarse to fine: a picture optimised at growing sizes, each starting from the one before."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.monitor.progress import Progress
from tfgraphs.optimize.lbfgs import LBFGS, BoundedMinimization
from tfgraphs.optimize.losses import LossFunction, NonFiniteLoss
from tfgraphs.optimize.minimize import Minimization
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
    """A picture whose pixels an optimizer changes within 0..1. The graph of a step, `graph`, is made once."""

    def __init__(
        self,
        loss: Callable[[tf.Variable], LossFunction],
        optimizer: keras.optimizers.Optimizer | LBFGS,
        size: tuple[int, int],
    ) -> None:
        """Makes the graph; raises LBFGSError for L-BFGS if its extra is not installed.

        Args:
            loss: maps the variable that holds the picture, [1, height, width, 3], to its loss.
            optimizer: a new Keras optimizer, or L-BFGS.
            size: height and width of the picture.
        """
        self._picture = picture = tf.Variable(tf.zeros([1, *size, 3]), name="picture")
        self._minimization: Minimization | BoundedMinimization
        if isinstance(optimizer, LBFGS):
            self._minimization = BoundedMinimization(loss(picture), picture, optimizer)
        else:
            self._minimization = Minimization(
                loss(picture), [picture], optimizer, projection=lambda x: tf.clip_by_value(x, 0, 1), gradient_norm=True
            )
        self.graph = self._minimization.graph

    def improve(self, picture: np.ndarray, steps: int, **options: Any) -> Iterator[tuple[Report, np.ndarray]]:
        """Optimises a picture and yields each report with the present picture.

        Args:
            picture: to start from, float32 [height, width, 3].
            steps: how many to take.
            options: of `Minimization.run` or `BoundedMinimization.run`.

        Raises:
            NonFiniteLoss: the loss, its gradient or the picture is no longer finite.
        """
        self._picture.assign(picture[None])
        del picture  # frees memory: a large one is as large as everything else in a step
        for report in self._minimization.run(steps, **options):
            improved = self._picture.numpy()[0]
            if not np.isfinite(improved).all():  # the loss after the last step is not computed
                raise NonFiniteLoss(f"the picture is no longer finite at step {report.step}: try a smaller step size")
            yield report, improved
