"""Reports of an optimisation, and the loop over rounds of steps that yields them and keeps checkpoints."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from tfgraphs.optimize.checkpoints import Checkpoints
from tfgraphs.optimize.losses import Loss

GRADIENT_NORM = "gradient norm"


@dataclass(frozen=True)
class Report:
    """How far an optimisation has come.

    Attributes:
        step: steps done, from 1 to `steps`.
        steps: steps to do in all.
        loss: value of the loss in the last step, before its update; of L-BFGS, which compares losses, after it.
        terms: named parts of the loss in that step.
        seconds: time since this process started or resumed the optimisation.
    """

    step: int
    steps: int
    loss: float
    terms: Mapping[str, float]
    seconds: float


def run_rounds(
    loss: Loss,
    state: list[tf.Variable],
    step: tf.Variable,
    steps: int,
    advance: Callable[[int], tuple[tf.Tensor, Mapping[str, tf.Tensor]]],
    checkpoint_dir: str | Path | None,
    save_seconds: float,
) -> Iterator[Report]:
    """Calls `advance` until all steps are done, reports after each call, and saves the state between calls.

    Args:
        loss: what is minimised.
        state: all variables that the rest of the run depends on, `step` among them.
        step: the number of steps done.
        steps, checkpoint_dir, save_seconds: as of `minimize`, which yields and raises the same.
        advance: takes the number of steps done, does some more, and returns the loss and its terms. If it is
            interrupted, it leaves the state as it is between two steps.
    """
    started = time.monotonic()

    def report(value: tf.Tensor, terms: Mapping[str, tf.Tensor]) -> Report:
        numbers = {name: float(term) for name, term in terms.items()}
        return Report(int(step), steps, float(value), numbers, time.monotonic() - started)

    checkpoints = Checkpoints(checkpoint_dir, save_seconds, state)
    checkpoints.restore()
    try:
        if 0 < steps <= int(step):
            yield report(*tf.function(loss)(step - 1))
        while int(step) < steps:
            value, terms = advance(int(step))
            checkpoints.save_if_due()
            yield report(value, terms)
        checkpoints.save()
    except (KeyboardInterrupt, GeneratorExit):
        checkpoints.save()
        raise
