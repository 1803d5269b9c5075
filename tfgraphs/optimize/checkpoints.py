"""The state of an optimisation on disk, so that an interrupted run goes on to the same bytes."""

import time
from pathlib import Path

import tensorflow as tf

from tfgraphs.errors import TfgraphsError, reason


class CheckpointError(TfgraphsError):
    """The state of a run cannot be kept, or not be read again."""


class Checkpoints:
    """The state of one optimisation on disk, or nothing at all if there is no folder for it."""

    def __init__(
        self,
        folder: str | Path | None,
        save_seconds: float,
        variables: list[tf.Variable],
    ) -> None:
        state = tf.train.Checkpoint(variables=variables)
        self._manager = None if folder is None else tf.train.CheckpointManager(state, str(folder), max_to_keep=1)
        self._save_seconds = save_seconds
        self._saved = time.monotonic()

    def restore(self) -> None:
        """Brings back the state that is in the folder, if there is one."""
        if self._manager is not None:
            try:
                self._manager.restore_or_initialize()
            except (tf.errors.OpError, ValueError, OSError) as error:
                raise CheckpointError(
                    f"the state in {self._manager.directory} cannot be read: start again without it"
                ) from error

    def save_if_due(self) -> None:
        """Saves if the last time was `save_seconds` ago."""
        if time.monotonic() - self._saved >= self._save_seconds:
            self.save()

    def save(self) -> None:
        """Writes the state."""
        if self._manager is not None:
            try:
                self._manager.save()
            except (tf.errors.OpError, OSError) as error:
                raise CheckpointError(
                    f"cannot keep the state of the run in {self._manager.directory}: {_first_line(error)}"
                ) from error
            self._saved = time.monotonic()


def _first_line(error: tf.errors.OpError | OSError) -> str:
    message = error.message if isinstance(error, tf.errors.OpError) else reason(error)
    return message.partition("\n")[0]
