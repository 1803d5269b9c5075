"""The loop over rounds of steps, which yields reports and keeps checkpoints for interrupted runs."""

import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from tfgraphs.cluster.group import ALONE, Agreement, Group
from tfgraphs.errors import TfgraphsError, reason
from tfgraphs.files.outputs import sync_folder
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
    feed: Callable[[int], None] | None = None,
    group: Group = ALONE,
) -> Iterator[Report]:
    """Calls `advance` until all steps are done, reports after each call, and saves the state between calls.

    Rounds start at multiples of `steps_per_round`, after an interruption too, and an interrupted and resumed run ends
    with the same bytes as an uninterrupted one.

    Args:
        loss: what is minimised.
        state: all variables that the rest of the run depends on, `step` among them.
        step: the number of steps done.
        steps, checkpoint_dir, save_seconds, feed, group: as of `minimize`, which yields and raises the same.
        steps_per_round: most steps of a call of `advance`.
        advance: takes the numbers of steps done and to be done after the round, and returns the loss and its terms. If
            it is interrupted, it leaves the state as it is between two steps.
    """

    def report(value: tf.Tensor, terms: Mapping[str, tf.Tensor]) -> Report:
        numbers = {name: float(term) for name, term in terms.items()}
        return Report(int(step), steps, float(value), numbers)

    checkpoints = None if checkpoint_dir is None else Checkpoints(Path(checkpoint_dir), state, group)
    if checkpoints:
        checkpoints.restore()
    saved, agreement = time.monotonic(), Agreement(group)
    try:
        if 0 < steps <= int(step):
            if feed is not None:
                feed(int(step) - 1)
            yield report(*tf.function(loss)(step - 1))
        while int(step) < steps:
            done = int(step)
            if feed is not None:
                feed(done)
            with group.watched():
                value, terms = advance(done, min(done - done % steps_per_round + steps_per_round, steps))
            due, stop = agreement(time.monotonic() - saved >= save_seconds)
            if checkpoints and (due or stop):
                checkpoints.save()
                saved = time.monotonic()
            if stop:
                raise KeyboardInterrupt
            yield report(value, terms)
        if checkpoints:
            checkpoints.save()
        group.least(1)  # none leaves before all have the last state
    except (KeyboardInterrupt, GeneratorExit):
        if checkpoints and group.size == 1:  # a state of one worker alone is no good
            checkpoints.save()
        raise


class Checkpoints:
    """The last state of a run in a folder, which is made with the first one.

    `tf.train.CheckpointManager` deletes the last checkpoint while the next one may not be on the disk yet; here it
    stays until then, so that neither a killed process nor a power failure loses both.

    Several workers each have a folder, save at the same time, and keep two states: one of them may end before it has
    saved the last one, and then all go on from the last that all have.

    Args:
        folder: where they are; nothing else in it should have `ckpt-` in its name.
        variables: what is saved.
        group: the workers.
    """

    def __init__(self, folder: Path, variables: list[tf.Variable], group: Group = ALONE) -> None:
        self._folder, self._group = folder, group
        self._files = tf.train.Checkpoint(variables=variables)

    def restore(self) -> None:
        """Reads the last state that is whole, and that all workers have, if there is any."""
        numbers = sorted(self._numbers())
        if self._group.size > 1:
            (common,) = self._group.least(max(numbers, default=0))
            self._delete_but(range(1, common + 1))
            numbers = [common] if common else []
        while numbers:
            try:
                self._files.read(str(self._path(numbers.pop()))).assert_existing_objects_matched()
                return
            except (tf.errors.OpError, ValueError, OSError, AssertionError) as error:
                if not numbers:
                    text = f"the state in {self._folder} cannot be read: start again without it"
                    raise CheckpointError(text) from error

    def save(self) -> None:
        """Writes the present state, then deletes what was there before."""
        new = max(self._numbers(), default=0) + 1
        part = self._folder / f"part-{self._path(new).name}"
        try:
            self._files.write(str(part))
            sync_folder(self._folder, f"{part.name}.")
            for path in sorted(self._folder.glob(f"{part.name}.*")):  # the index, which is the last, makes it whole
                path.rename(path.with_name(path.name.removeprefix("part-")))
            sync_folder(self._folder, f"{self._path(new).name}.")
            self._delete_but([new] if self._group.size == 1 else [new - 1, new])
        except (tf.errors.OpError, OSError) as error:
            message = re.sub(r"\s*\[Op:\w+\]", "", reason(error)).rpartition("; ")[2]  # TensorFlow says where
            raise CheckpointError(f"cannot save the state of the run in {self._folder}: {message.lower()}") from error

    def _numbers(self) -> list[int]:
        """The numbers of whole checkpoints: those with an index."""
        names = [path.name for path in self._folder.glob("ckpt-*.index")]
        return [int(name[5:-6]) for name in names if name[5:-6].isdigit()]

    def _path(self, number: int) -> Path:
        return self._folder / f"ckpt-{number}"

    def _delete_but(self, numbers: Collection[int]) -> None:
        """Deletes all checkpoints and parts of them, but those of some numbers."""
        kept = tuple(f"{self._path(number).name}." for number in numbers)
        for path in self._folder.glob("*ckpt-*"):
            if not path.name.startswith(kept):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
