"""The loop over rounds of steps, which yields reports and keeps checkpoints for interrupted runs."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from tfgraphs.errors import TfgraphsError, reason
from tfgraphs.optimize.losses import Loss

GRADIENT_NORM = "gradient norm"


class CheckpointError(TfgraphsError):
    """A checkpoint cannot be written or read."""


@dataclass(frozen=True)
class Report:
    """How far an optimisation has come.

    Attributes:
        step: steps done, from 1 to `steps`.
        steps: steps to do in all.
        loss: value of the loss in the last step, before its update; of L-BFGS, which compares losses, after it.
        terms: named parts of the loss in that step.
    """

    step: int
    steps: int
    loss: float
    terms: Mapping[str, float]


def run_rounds(
    loss: Loss,
    state: list[tf.Variable],
    step: tf.Variable,
    steps: int,
    steps_per_round: int,
    advance: Callable[[int, int], tuple[tf.Tensor, Mapping[str, tf.Tensor]]],
    checkpoint_dir: str | Path | None,
    save_seconds: float,
) -> Iterator[Report]:
    """Calls `advance` until all steps are done, reports after each call, and saves the state between calls.

    Rounds start at multiples of `steps_per_round`, after an interruption too, and an interrupted and resumed run ends
    with the same bytes as an uninterrupted one.

    Args:
        loss: what is minimised.
        state: all variables that the rest of the run depends on, `step` among them.
        step: the number of steps done.
        steps, checkpoint_dir, save_seconds: as of `minimize`, which yields and raises the same.
        steps_per_round: most steps of a call of `advance`.
        advance: takes the numbers of steps done and to be done after the round, and returns the loss and its terms. If
            it is interrupted, it leaves the state as it is between two steps.
    """

    def report(value: tf.Tensor, terms: Mapping[str, tf.Tensor]) -> Report:
        numbers = {name: float(term) for name, term in terms.items()}
        return Report(int(step), steps, float(value), numbers)

    checkpoints = None
    if checkpoint_dir is not None:
        files = tf.train.Checkpoint(variables=state)
        checkpoints = tf.train.CheckpointManager(files, str(checkpoint_dir), max_to_keep=1)
        _restore(checkpoints)
    saved = time.monotonic()
    try:
        if 0 < steps <= int(step):
            yield report(*tf.function(loss)(step - 1))
        while int(step) < steps:
            done = int(step)
            value, terms = advance(done, min(done - done % steps_per_round + steps_per_round, steps))
            if time.monotonic() - saved >= save_seconds:
                _save(checkpoints)
                saved = time.monotonic()
            yield report(value, terms)
        _save(checkpoints)
    except (KeyboardInterrupt, GeneratorExit):
        _save(checkpoints)
        raise


def _restore(checkpoints: tf.train.CheckpointManager) -> None:
    try:
        checkpoints.restore_or_initialize()
    except (tf.errors.OpError, ValueError, OSError) as error:
        text = f"the state in {checkpoints.directory} cannot be read: start again without it"
        raise CheckpointError(text) from error


def _save(checkpoints: tf.train.CheckpointManager | None) -> None:
    if checkpoints is None:
        return
    try:
        checkpoints.save()
    except (tf.errors.OpError, OSError) as error:
        message = error.message if isinstance(error, tf.errors.OpError) else reason(error)
        text = f"cannot save the state of the run in {checkpoints.directory}: {message.partition(chr(10))[0]}"
        raise CheckpointError(text) from error
