"""Checkpoints of an optimisation, from which an interrupted run continues to the same bytes."""

import time
from pathlib import Path

import tensorflow as tf

from tfgraphs.errors import TfgraphsError, reason


class CheckpointError(TfgraphsError):
    """A checkpoint cannot be written or read."""


class Checkpoints:
    """The last checkpoint of some variables in a folder; does nothing if the folder is None."""

    def __init__(self, folder: str | Path | None, save_seconds: float, variables: list[tf.Variable]) -> None:
        state = tf.train.Checkpoint(variables=variables)
        self._manager = None if folder is None else tf.train.CheckpointManager(state, str(folder), max_to_keep=1)
        self._save_seconds = save_seconds
        self._saved = time.monotonic()

    def restore(self) -> None:
        """Reads the checkpoint in the folder, if there is one."""
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
        """Writes a checkpoint, which replaces the one before."""
        if self._manager is not None:
            try:
                self._manager.save()
            except (tf.errors.OpError, OSError) as error:
                message = error.message if isinstance(error, tf.errors.OpError) else reason(error)
                raise CheckpointError(
                    f"cannot save the state of the run in {self._manager.directory}: {message.partition(chr(10))[0]}"
                ) from error
            self._saved = time.monotonic()
