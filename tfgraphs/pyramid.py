"""Coarse to fine: a picture worked on at growing sizes, each starting from the one before."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tfgraphs.minimize import Report
from tfgraphs.monitor import Progress

STEP_OVERHEAD = 14_000  # pixels that could be worked on in the time that a step takes besides its pixels
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
        """What the first `steps` steps cost, in pixels; measured with SqueezeNet on two cores."""
        return LEVEL_OVERHEAD + steps * (self.height * self.width + STEP_OVERHEAD)


Optimise = Callable[[int, np.ndarray | None], Iterator[tuple[Report, np.ndarray]]]
"""Works on the level of a given number from the level before's picture; yields reports and the picture so far."""


def coarse_to_fine(levels: Sequence[Level], optimise: Optimise, name: str) -> Iterator[Progress]:
    """Climbs a pyramid.

    Args:
        levels: smallest first.
        optimise: see `Optimise`; the first level gets None for a picture.
        name: what a level is called, "octave" or "scale".

    Yields:
        The progress of the whole climb. The last one has the finished picture.
    """
    costs = [level.work(level.steps) for level in levels]
    picture: np.ndarray | None = None
    for number, level in enumerate(levels):
        steps_before = sum(level.steps for level in levels[:number])
        stage = f"{name} {number + 1} of {len(levels)}, {level.width} x {level.height}"
        for report, current in optimise(number, picture):
            done = (sum(costs[:number]) + level.work(report.step)) / sum(costs)
            yield Progress(steps_before + report.step, stage, done, report.loss, report.terms, current)
        picture = current
