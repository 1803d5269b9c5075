"""The optimisation loop of the project: a loss tensor and a stock Keras optimizer in, reports out.

    x_{t+1} = projection(optimizer(x_t, transform(d loss(t) / d x_t)))

The loop itself is part of the graph: Python sees a run only once every `steps_per_report` steps.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.graphs.compiled import not_inlined
from tfgraphs.graphs.own_gradients import forget_gradients
from tfgraphs.optimize.checkpoints import CheckpointError
from tfgraphs.optimize.losses import LossFunction
from tfgraphs.optimize.reports import (
    GRADIENT_NORM,
    NonFiniteLoss,
    Report,
    differentiated,
    is_finite,
    non_finite,
    resumable,
)

__all__ = [
    "GRADIENT_NORM",
    "CheckpointError",
    "Minimization",
    "NonFiniteLoss",
    "Report",
    "minimize",
]

Transform = Callable[[tf.Tensor], tf.Tensor]


def minimize(
    loss: LossFunction,
    variables: Sequence[tf.Variable],
    optimizer: keras.optimizers.Optimizer | Sequence[keras.optimizers.Optimizer],
    steps: int,
    *,
    steps_per_report: int = 10,
    gradient_transform: Transform | None = None,
    projection: Transform | None = None,
    compiled: Literal["nothing", "updates", "loop"] = "nothing",
    feed: Callable[[int], None] | None = None,
    checkpoint_dir: str | Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[Report]:
    """Minimises a loss and reports every few steps.

    Args:
        loss: a `Loss`, or any function like it, see `LossFunction`. It reads `variables`; it may read anything else.
        variables: what to change.
        optimizer: any stock Keras optimizer, or one for each variable, so that variables can be updated side by side;
            an optimizer serves one call.
        steps: how many steps to take in all, those of an interrupted earlier call included.
        steps_per_report: steps between two reports, all taken inside one call of the graph.
        gradient_transform: applied to the gradient of each variable before the optimizer sees it.
        projection: applied to each variable after each step, to bring it back into its valid range.
        compiled: what XLA compiles. "loop" makes one program of everything, which mostly runs on one core; "updates"
            compiles what each optimizer does with its gradients, for losses that are `with_gradient` programs side by
            side. Both speed word vectors up and slow convolutions down.
        feed: called with the number of steps done before each group of `steps_per_report` steps, to bring the data
            for them. Such a group starts at a multiple of `steps_per_report`, after an interruption too.
        checkpoint_dir: folder for checkpoints of the variables, the optimizer and the step. If it holds one, the
            run goes on from there, and ends with the same bytes as one that was never interrupted.
        save_seconds: time between two checkpoints. One is also written at the end and when the run is interrupted.
        on_graph: called once, before the first step, with the graph of a single step.

    Yields:
        A report after every `steps_per_report` steps and after the last one; a single one for a run that a
        checkpoint shows to be finished.

    Raises:
        CheckpointError: the state cannot be written, or what is in the folder is damaged.
        NonFiniteLoss: with the step at which it happened. That step's gradient counts as zero, so the variables
            are still good.
    """
    minimization = Minimization(
        loss, variables, optimizer, gradient_transform=gradient_transform, projection=projection, compiled=compiled
    )
    if on_graph is not None:
        on_graph(minimization.graph)
    yield from minimization.run(
        steps,
        steps_per_report=steps_per_report,
        feed=feed,
        checkpoint_dir=checkpoint_dir,
        save_seconds=save_seconds,
    )


class Minimization:
    """The graph of an optimisation. It is made once and can be run several times, on other values of its variables,
    each time with the optimizer as it was at first.

    Variables without a fixed shape, `tf.Variable(..., shape=[1, None, None, 3])`, may even have another size in each
    run, if the optimizer keeps nothing of theirs (`SGD` without momentum).

    Attributes:
        graph: of a single step.
    """

    def __init__(
        self,
        loss: LossFunction,
        variables: Sequence[tf.Variable],
        optimizer: keras.optimizers.Optimizer | Sequence[keras.optimizers.Optimizer],
        *,
        gradient_transform: Transform | None = None,
        projection: Transform | None = None,
        compiled: Literal["nothing", "updates", "loop"] = "nothing",
        gradient_norm: bool = False,
    ) -> None:
        """Args as of `minimize`; gradient_norm: whether reports have that of all variables, as one more term."""
        if isinstance(optimizer, keras.optimizers.Optimizer):
            groups = [(optimizer, list(variables))]
        else:
            groups = [(one, [own]) for one, own in zip(optimizer, variables, strict=True)]
        for one, own in groups:
            one.build(own)
        self._loss, self._step = loss, tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._kept = [variable.value for one, _ in groups for variable in one.variables]
        self._state = [*variables, self._step, *self._kept]
        self._first: list[np.generic] | None = None
        number = tf.TensorSpec([], tf.int64)
        applications = [_apply(own, one, gradient_transform, projection) for one, own in groups]
        if compiled == "updates":
            applications = [tf.function(apply, jit_compile=True) for apply in applications]
        as_graph = not_inlined if compiled == "nothing" else tf.function
        update = as_graph(_update(loss, [own for _, own in groups], applications, gradient_norm)).get_concrete_function(
            number
        )
        loop = tf.function(_loop(update, self._step), jit_compile=compiled == "loop")
        self._loop = loop.get_concrete_function(number)
        self.graph: tf.Graph = update.graph

    def run(
        self,
        steps: int,
        *,
        steps_per_report: int = 10,
        feed: Callable[[int], None] | None = None,
        checkpoint_dir: str | Path | None = None,
        save_seconds: float = 30.0,
    ) -> Iterator[Report]:
        """Minimises from the variables' present values on; args, yields and raises as of `minimize`."""
        self._start_again()

        def advance(done: int) -> tuple[tf.Tensor, Mapping[str, tf.Tensor]]:
            if feed is not None:
                feed(done)
            last = min(done - done % steps_per_report + steps_per_report, steps)
            value, terms, finite = self._loop(tf.constant(last, tf.int64))
            if not finite:
                raise non_finite(int(self._step) + 1, steps, value, "try a smaller step size or learning rate")
            return value, terms

        yield from resumable(self._loss, self._state, self._step, steps, advance, checkpoint_dir, save_seconds)

    def _start_again(self) -> None:
        """Brings the optimizer back to what it was before the first run."""
        if self._first is None:
            self._first = [_first_value(variable) for variable in self._kept]
        else:
            for variable, value in zip(self._kept, self._first, strict=True):
                variable.assign(tf.fill(variable.shape, tf.constant(value, variable.dtype)))
        self._step.assign(0)


def _first_value(variable: tf.Variable) -> np.generic:
    """What all elements of a variable are that an optimizer has made and not used yet."""
    values = variable.numpy()
    value = values.flat[0] if values.size else values.dtype.type(0)
    if not (values == value).all():
        raise ValueError("an optimizer that was used elsewhere, or begins at more than one value, cannot begin again")
    return value


def _update(
    loss: LossFunction,
    groups: list[Sequence[tf.Variable]],
    applications: list[Callable[[tf.Tensor, list[tf.Tensor | tf.IndexedSlices]], tf.Tensor]],
    gradient_norm: bool,
) -> Callable[[tf.Tensor], tuple[tf.Tensor, dict[str, tf.Tensor], tf.Tensor]]:
    """One step as a graph: step -> (loss, terms, finite)."""

    differentiate = differentiated(loss, groups, gradient_norm)

    def update(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor], tf.Tensor]:
        value, terms, gradients = differentiate(step)
        finite = [apply(value, own) for apply, own in zip(applications, gradients, strict=True)]
        return value, terms, tf.reduce_all(finite)

    return update


def _apply(
    variables: Sequence[tf.Variable],
    optimizer: keras.optimizers.Optimizer,
    gradient_transform: Transform | None,
    projection: Transform | None,
) -> Callable[[tf.Tensor, list[tf.Tensor | tf.IndexedSlices]], tf.Tensor]:
    """What a step does with the loss and its gradients: nothing that is not finite reaches the variables."""

    def apply(value: tf.Tensor, gradients: list[tf.Tensor | tf.IndexedSlices]) -> tf.Tensor:
        with tf.name_scope("gradients"):
            finite = tf.reduce_all([is_finite(tensor) for tensor in [value, *gradients]])
            gradients = [_or_zero(finite, gradient) for gradient in gradients]
            if gradient_transform is not None:
                gradients = [gradient_transform(gradient) for gradient in gradients]
        with tf.name_scope("optimizer"):
            optimizer.apply(gradients, variables)
            forget_gradients(tf.compat.v1.get_default_graph())
        if projection is not None:
            with tf.name_scope("projection"):
                for variable in variables:
                    variable.assign(projection(variable))
        return finite

    return apply


def _or_zero(finite: tf.Tensor, tensor: tf.Tensor | tf.IndexedSlices) -> tf.Tensor | tf.IndexedSlices:
    """The tensor, or zeros in its place: branching around the update would cost XLA a copy of every variable."""
    if isinstance(tensor, tf.IndexedSlices):
        return tf.IndexedSlices(_or_zero(finite, tensor.values), tensor.indices, tensor.dense_shape)
    return tf.math.multiply_no_nan(tensor, tf.cast(finite, tensor.dtype))


def _loop(
    update: "tf.types.experimental.ConcreteFunction", step: tf.Variable
) -> Callable[[tf.Tensor], tuple[tf.Tensor, dict[str, tf.Tensor], tf.Tensor]]:
    """Many steps as one graph: runs `update` until `step` reaches `last`, or until something is not finite."""

    def loop(last: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor], tf.Tensor]:
        value, terms, _ = tf.nest.map_structure(lambda output: tf.zeros([], output.dtype), update.structured_outputs)

        def unfinished(now: tf.Tensor, value: tf.Tensor, terms: object, finite: tf.Tensor) -> tf.Tensor:
            return tf.logical_and(now < last, finite)

        def advance(
            now: tf.Tensor, value: tf.Tensor, terms: object, finite: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, object, tf.Tensor]:
            value, terms, finite = update(now)
            return now + tf.cast(finite, tf.int64), value, terms, finite

        now, value, terms, finite = tf.while_loop(
            unfinished, advance, (step.read_value(), value, terms, tf.constant(True)), parallel_iterations=1
        )
        step.assign(now)
        return value, terms, finite

    return loop
