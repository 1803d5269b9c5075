"""The optimisation loop: a loss tensor and a Keras optimizer in, reports out.

    x_{t+1} = projection(optimizer(x_t, transform(d loss(t) / d x_t)))

The loop is part of the graph: Python runs once every `steps_per_report` steps.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.cluster.group import ALONE, Group
from tfgraphs.graphs.compiled import not_inlined
from tfgraphs.graphs.own_gradients import collect_old_graphs, forget_gradients
from tfgraphs.graphs.scopes import scope
from tfgraphs.optimize.losses import Loss, LossFunction, is_finite, non_finite
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.optimize.reports import GRADIENT_NORM, Report, run_rounds

Transform = Callable[[tf.Tensor], tf.Tensor]
JitCompile = Literal["updates", "loop"] | None


class Exchange(Protocol):
    """What workers do with their variables after each round of steps, instead of averaging gradients in each step."""

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """Its own, which are saved with the state."""

    def __call__(self, step: int) -> None:
        """Exchanges, after so many steps."""


def minimize(
    loss: LossFunction,
    variables: Sequence[tf.Variable],
    optimizer: str | keras.optimizers.Optimizer | Sequence[keras.optimizers.Optimizer],
    steps: int,
    *,
    steps_per_report: int = 10,
    gradient_transform: Transform | None = None,
    projection: Transform | None = None,
    jit_compile: JitCompile = None,
    feed: Callable[[int], None] | None = None,
    threads: int = 1,
    checkpoint_dir: str | Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
    group: Group = ALONE,
    exchange: Exchange | None = None,
) -> Iterator[Report]:
    """Minimises a loss and reports every few steps.

    Args:
        loss: a `Loss`, or any function like it, see `LossFunction`. It reads `variables`; it may read anything else.
        variables: what to change.
        optimizer: a new Keras optimizer for all variables, or its name; or one for each variable, so that variables
            can be updated side by side.
        steps: how many steps to take in all, those of an interrupted earlier call included.
        steps_per_report: steps between two reports, all taken inside one call of the graph.
        gradient_transform: applied to the gradient of each variable before the optimizer sees it.
        projection: applied to each variable after each step, to bring it back into its valid range.
        jit_compile: what XLA compiles, by default nothing. "loop" makes one program of everything, which mostly runs
            on one core; "updates" compiles only what each optimizer does, for losses that are `with_gradient` programs
            side by side. Both make word vectors faster and convolutions slower.
        feed: called with the number of steps done before each round of `steps_per_report` steps, to bring the data
            for them. A round starts at a multiple of `steps_per_report`, after an interruption too.
        threads: how many steps are taken at once, each on the variables as it finds them (Hogwild, Niu et al., arXiv
            1106.5730). With more than one no two runs are alike, not even those of one seed.
        checkpoint_dir: folder for checkpoints of the variables, the optimizer and the step. If it holds one, the
            run continues from there, and ends with the same bytes as an uninterrupted one.
        save_seconds: time between two checkpoints. One is also written at the end and when the run is interrupted.
        on_graph: called once, before the first step, with the graph of a single step.
        group: workers that minimise together, each the loss of its own data. They use the means of their losses, terms
            and gradients in each step, so they end with the same bytes.
        exchange: what they do instead. Each worker then takes its own steps.

    Yields:
        A report after every `steps_per_report` steps and after the last one; a single one if the checkpoint is that of
        a finished run.

    Raises:
        CheckpointError: the checkpoint cannot be written or is damaged.
        NonFiniteLoss: with the step at which it happened. That step's gradient counts as zero, so the variables
            are still good.
        OptimizerError: Keras has no optimizer of this name.
        WorkersLost: another worker has ended.
    """
    minimization = Minimization(
        loss,
        variables,
        optimizer,
        gradient_transform=gradient_transform,
        projection=projection,
        jit_compile=jit_compile,
        group=group,
        exchange=exchange,
    )
    if on_graph is not None:
        on_graph(minimization.graph)
    yield from minimization.run(
        steps,
        steps_per_report=steps_per_report,
        feed=feed,
        threads=threads,
        checkpoint_dir=checkpoint_dir,
        save_seconds=save_seconds,
    )


class Minimization:
    """An optimisation whose `graph`, of a single step, is made once and can be run several times with other values.

    Each run begins with a new optimizer. Variables without a fixed shape, `tf.Variable(..., shape=[1, None, None, 3])`,
    may have another size in each run, if the optimizer has no slots for them (`SGD` without momentum).
    """

    def __init__(
        self,
        loss: LossFunction,
        variables: Sequence[tf.Variable],
        optimizer: str | keras.optimizers.Optimizer | Sequence[keras.optimizers.Optimizer],
        *,
        gradient_transform: Transform | None = None,
        projection: Transform | None = None,
        jit_compile: JitCompile = None,
        gradient_norm: bool = False,
        group: Group = ALONE,
        exchange: Exchange | None = None,
    ) -> None:
        """Args as of `minimize`; gradient_norm: whether the norm of all gradients is one more term of reports."""
        collect_old_graphs()
        if isinstance(optimizer, str):
            optimizer = stock_optimizer(optimizer)
        if isinstance(optimizer, keras.optimizers.Optimizer):
            groups = [(optimizer, list(variables))]
        else:
            groups = [(one, [variable]) for one, variable in zip(optimizer, variables, strict=True)]
        updates = [
            _update(one, own, gradient_transform, projection, _name(own[0]) if len(groups) > 1 else "")
            for one, own in groups
        ]
        if jit_compile == "updates":
            updates = [tf.function(update, jit_compile=True) for update in updates]
        self._loss, self._group, self._exchange = Loss(loss), group, exchange

        def take_step(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor], tf.Tensor]:
            results = self._loss.differentiate(step, [own for _, own in groups])
            value, terms, gradients = results if exchange else _means(group, *results)
            if gradient_norm:
                with scope("gradients"):
                    terms[GRADIENT_NORM] = tf.linalg.global_norm(tf.nest.flatten(gradients))
            finite = [update(value, gradient) for update, gradient in zip(updates, gradients, strict=True)]
            with scope("gradients", "finite"):
                return value, terms, tf.reduce_all(finite)

        number = tf.TensorSpec([], tf.int64)
        as_graph = tf.function if jit_compile else not_inlined
        step = as_graph(take_step).get_concrete_function(number)
        self.graph: tf.Graph = step.graph
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        loop = tf.function(_loop(step, self._step), jit_compile=jit_compile == "loop")
        self._loop = loop.get_concrete_function(number, number, number)
        self._counts = [one.iterations.value for one, _ in groups]
        self._slots = [variable.value for one, _ in groups for variable in one.variables]
        self._new_slots: list[np.generic] | None = None
        self._state = [*variables, self._step, *self._slots, *(exchange.variables if exchange else [])]

    def run(
        self,
        steps: int,
        *,
        steps_per_report: int = 10,
        feed: Callable[[int], None] | None = None,
        threads: int = 1,
        checkpoint_dir: str | Path | None = None,
        save_seconds: float = 30.0,
    ) -> Iterator[Report]:
        """Minimises from the variables' present values on; args, yields and raises as of `minimize`."""
        self._reset()

        def advance(done: int, last: int) -> tuple[tf.Tensor, Mapping[str, tf.Tensor]]:
            value, terms, end = self._take_steps(done, last) if threads == 1 else self._race(done, last, threads)
            if end < last:
                raise non_finite(int(self._step) + 1, steps, value, "try a smaller step size or learning rate")
            if self._exchange:
                self._exchange(last)
            return value, terms

        yield from run_rounds(
            self._loss,
            self._state,
            self._step,
            steps,
            steps_per_report,
            advance,
            checkpoint_dir,
            save_seconds,
            feed,
            self._group,
        )

    def _take_steps(self, first: int, last: int, stride: int = 1) -> "_Steps":
        """Takes every `stride`-th step from the first to before the last, or until one is not finite."""
        value, terms, end = self._loop(*(tf.constant(number, tf.int64) for number in (first, last, stride)))
        return _Steps(value, terms, int(end))

    def _race(self, done: int, last: int, threads: int) -> "_Steps":
        """Takes the same steps in threads that do not wait for one another."""
        for count in self._counts:  # threads that count at the same time lose some
            count.assign(done)
        threads = min(threads, last - done)
        with ThreadPoolExecutor(threads, "steps") as pool:  # if it is interrupted, the steps are taken first
            rounds = [pool.submit(self._take_steps, done + number, last, threads) for number in range(threads)]
        results = [one.result() for one in rounds]
        first_to_stop = min(results, key=lambda one: one.end)
        self._step.assign(min(first_to_stop.end, last))
        return first_to_stop if first_to_stop.end < last else results[(last - done - 1) % threads]

    def _reset(self) -> None:
        """Brings the optimizer back to what it was before the first run."""
        if self._new_slots is None:
            self._new_slots = [_only_value(slot) for slot in self._slots]
        else:
            for slot, value in zip(self._slots, self._new_slots, strict=True):
                slot.assign(tf.fill(slot.shape, tf.constant(value, slot.dtype)))
        self._step.assign(0)


class _Steps(NamedTuple):
    """Loss and terms of the last of some steps, and the number of the step after it, or of one that is not finite."""

    value: tf.Tensor
    terms: Mapping[str, tf.Tensor]
    end: int


def _means(
    group: Group, value: tf.Tensor, terms: Mapping[str, tf.Tensor], gradients: list[Any]
) -> tuple[tf.Tensor, dict[str, tf.Tensor], list[Any]]:
    """The means over all workers of a loss, its terms and its gradients."""
    if group.size == 1:
        return value, dict(terms), gradients
    with scope("workers"):
        tensors = (value, dict(terms), tf.nest.map_structure(tf.convert_to_tensor, gradients))
        means = group.mean(tf.nest.flatten(tensors))
    return tf.nest.pack_sequence_as(tensors, means)


def _name(variable: tf.Variable) -> str:
    return variable.name.partition(":")[0]


def _only_value(slot: tf.Variable) -> np.generic:
    """The value of all elements of a new optimizer's variable."""
    values = slot.numpy()
    value = values.flat[0] if values.size else values.dtype.type(0)
    if not (values == value).all():
        raise ValueError("an optimizer that was used before, or starts with different values, cannot be reset")
    return value


def _update(
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[tf.Variable],
    transform: Transform | None,
    projection: Transform | None,
    name: str = "",
) -> Callable[[tf.Tensor, list[tf.Tensor | tf.IndexedSlices]], tf.Tensor]:
    """Builds an optimizer and returns x <- projection(optimizer(x, transform(gradient))) for its variables.

    If the loss, its first argument, or a gradient is not finite, all gradients count as zero and it returns False. A
    name tells the operations of several optimizers apart.
    """
    optimizer.build(variables)

    def update(value: tf.Tensor, gradients: list[Any]) -> tf.Tensor:
        with scope("gradients", name, "finite"):
            finite = tf.reduce_all([is_finite(tensor) for tensor in [value, *gradients]])
            gradients = [_or_zero(finite, gradient) for gradient in gradients]
        if transform is not None:
            with scope("gradients", name, "transform"):
                gradients = [transform(gradient) for gradient in gradients]
        with scope("optimizer", name):
            optimizer.apply(gradients, variables)
            forget_gradients(tf.compat.v1.get_default_graph())
        if projection is not None:
            with scope("projection", name):
                for variable in variables:
                    variable.assign(projection(variable))
        return finite

    return update


def _or_zero(finite: tf.Tensor, gradient: tf.Tensor | tf.IndexedSlices) -> tf.Tensor | tf.IndexedSlices:
    """The gradient, or zeros if it is not finite. A branch around the update would cost XLA a copy of each variable."""
    weight = tf.cast(finite, gradient.dtype)
    if isinstance(gradient, tf.IndexedSlices):
        values = tf.math.multiply_no_nan(gradient.values, weight)
        return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return tf.math.multiply_no_nan(gradient, weight)


def _loop(
    take_step: "tf.types.experimental.ConcreteFunction", step: tf.Variable
) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, dict[str, tf.Tensor], tf.Tensor]]:
    """Returns a function that takes every `stride`-th step from a first one to before the last, while they are finite.

    It returns loss and terms of the last step, and the number of the step after it, or of the one that is not finite;
    `step` has the same number then.
    """

    def loop(first: tf.Tensor, last: tf.Tensor, stride: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor], tf.Tensor]:
        value, terms, _ = tf.nest.map_structure(lambda output: tf.zeros([], output.dtype), take_step.structured_outputs)

        def unfinished(now: tf.Tensor, finite: tf.Tensor, *_: object) -> tf.Tensor:
            return tf.logical_and(now < last, finite)

        def advance(now: tf.Tensor, *_: object) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, object]:
            value, terms, finite = take_step(now)
            return now + stride * tf.cast(finite, tf.int64), finite, value, terms

        start = (first, tf.constant(True), value, terms)
        now, _, value, terms = tf.while_loop(unfinished, advance, start, parallel_iterations=1)
        step.assign(now)
        return value, terms, now

    return loop
