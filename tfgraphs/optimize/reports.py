"""What every way to minimise a loss has in common: the loss, the reports, and a state that outlives interruptions."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfgraphs.errors import TfgraphsError
from tfgraphs.optimize.checkpoints import Checkpoints
from tfgraphs.optimize.losses import Loss, LossFunction

GRADIENT_NORM = "gradient norm"


@dataclass(frozen=True)
class Report:
    """How far an optimisation has come.

    Attributes:
        step: steps done, from 1 to `steps`.
        steps: steps to do in all.
        loss: value of the loss in the last step, before its update; of L-BFGS, which compares, after it.
        terms: named parts of the loss in that step.
        seconds: time since this process took up the optimisation.
    """

    step: int
    steps: int
    loss: float
    terms: Mapping[str, float]
    seconds: float


class NonFiniteLoss(TfgraphsError):
    """The loss or a gradient became infinite or not a number."""


def resumable(
    loss: LossFunction,
    state: list[tf.Variable],
    step: tf.Variable,
    steps: int,
    advance: Callable[[int], tuple[tf.Tensor, Mapping[str, tf.Tensor]]],
    checkpoint_dir: str | Path | None,
    save_seconds: float,
) -> Iterator[Report]:
    """Optimises group by group of steps, and keeps the state between them: what all ways to optimise have in common.

    Args:
        loss: what is minimised.
        state: all that the rest of the run depends on, `step` among it.
        step: the number of steps done.
        steps, checkpoint_dir, save_seconds: as of `minimize`; yields and raises like it too.
        advance: gets the number of steps done, does some more, and returns the loss and its terms. If it is
            interrupted it leaves the state as it is between two steps.
    """
    checkpoints = Checkpoints(checkpoint_dir, save_seconds, state)
    started = time.monotonic()
    checkpoints.restore()
    done = int(step)
    try:
        if 0 < steps <= done:
            value, terms = tf.function(Loss(loss))(step - 1)
            yield _report(done, steps, value, terms, started)
        while done < steps:
            value, terms = advance(done)
            done = int(step)
            checkpoints.save_if_due()
            yield _report(done, steps, value, terms, started)
        checkpoints.save()
    except (KeyboardInterrupt, GeneratorExit):
        checkpoints.save()
        raise


def differentiated(
    loss: LossFunction, variables: Sequence[Any], gradient_norm: bool
) -> Callable[[tf.Tensor], tuple[tf.Tensor, dict[str, tf.Tensor], list[Any]]]:
    """step -> (loss, terms, gradients), these nested as `variables` are; their norm may be one of the terms."""

    def differentiate(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor], list[Any]]:
        with tf.GradientTape(watch_accessed_variables=False) as tape, tf.name_scope("loss"):
            tape.watch(variables)
            value, terms = Loss(loss)(step)
        with tf.name_scope("gradients"):
            gradients = tape.gradient(value, variables)
            if gradient_norm:
                terms = {**terms, GRADIENT_NORM: tf.linalg.global_norm(tf.nest.flatten(gradients))}
        return value, terms, gradients

    return differentiate


def is_finite(tensor: tf.Tensor | tf.IndexedSlices) -> tf.Tensor:
    """Whether all values are, and their sum."""
    values = tensor.values if isinstance(tensor, tf.IndexedSlices) else tensor
    return tf.math.is_finite(tf.reduce_sum(values))


def non_finite(step: int, steps: int, value: tf.Tensor, advice: str) -> NonFiniteLoss:
    """The error for a step with such a loss, or such a gradient of it."""
    return NonFiniteLoss(
        f"the loss or its gradient is no longer finite at step {step} of {steps} (loss {float(value)}): {advice}"
    )


def _report(step: int, steps: int, value: tf.Tensor, terms: Mapping[str, tf.Tensor], started: float) -> Report:
    named = {name: float(term) for name, term in terms.items()}
    return Report(step, steps, float(value), named, time.monotonic() - started)
