"""Flags for training on several machines, and how a command becomes one of the workers."""

import contextlib
import hashlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from absl import flags

from tfgraphs.cli.shared import process
from tfgraphs.cli.shared.run_state import RESUME, RunState
from tfgraphs.cluster.addresses import ClusterError, find_place
from tfgraphs.cluster.group import ALONE, Finished, Group

CLUSTER = flags.DEFINE_string(
    "cluster",
    None,
    "Trains together with other workers: host:port of each, separated by commas; env for TF_CONFIG or an Indexed Job "
    "of Kubernetes; slurm for tasks of srun. Only in private networks: there is no authentication.",
)
RANK = flags.DEFINE_integer("rank", None, "Which of the workers of --cluster this is, from 0.", lower_bound=0)

NAMES = ("cluster", "rank")

_FINISHED = "finished"  # a text of the state: all workers have the last state of the training


class Membership:
    """The place of this command among the workers of --cluster, and their group once it has connected.

    Attributes:
        group: `ALONE` until `connect` is called, and without --cluster.
        rank: of this worker, 0 without --cluster.
        size: number of workers, 1 without --cluster.

    Raises:
        ClusterError: the flags or the environment do not say who the workers are.
    """

    def __init__(self) -> None:
        self.group: Group = ALONE
        if RANK.value is not None and not CLUSTER.value:
            raise ClusterError("--rank is for --cluster: leave it out")
        self._place = find_place(CLUSTER.value, RANK.value) if CLUSTER.value else None
        self.rank = self._place.rank if self._place else 0
        self.size = len(self._place.addresses) if self._place else 1
        if self.size > 1:
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow prints a page about a lost worker

    @property
    def origin(self) -> Mapping[str, object]:
        """What tells the states of the workers apart."""
        return {"worker": [self.rank, self.size]} if self.size > 1 else {}

    def check_same(self, what: Mapping[str, object]) -> None:
        """Raises ClusterError if the workers have different values of what they have to have in common."""
        number = int(hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12], 16)
        least, negative = self.group.least(number, -number)
        if least != -negative:
            raise ClusterError("the workers have different flags or inputs: give all the same, with a --rank for each")

    def look_back(self, folder: Path) -> None:
        """Finds out whether the group has finished and only this worker is started again, so that it waits for none.

        Args:
            folder: with the state of this worker.
        """
        if self.size > 1 and RESUME.value and (folder / _FINISHED).exists():
            self.group = Finished(self.rank, self.size)

    def finish(self, state: RunState) -> None:
        """Notes that all have finished; to be called when the training ends."""
        if self.size > 1:
            state.write(_FINISHED, "yes")

    def connect(self) -> None:
        """Waits for all workers and connects with them, before TensorFlow computes anything."""
        if self.size == 1 or self.group is not ALONE:
            return
        assert self._place is not None
        own = self._place.addresses[self.rank]
        print(
            f"worker {self.rank} of {self.size} waits for the others. It listens on {own} without authentication, on "
            "all interfaces: use private networks only",
            file=sys.stderr,
            flush=True,
        )
        from tfgraphs.cluster.workers import Workers

        self.group = Workers(self._place)

    @contextlib.contextmanager
    def stopping_together(self) -> Iterator[None]:
        """In the block, Ctrl-C asks all workers to stop in the same round; a second one ends this one."""
        if self.size == 1:
            yield
            return

        def stop(*_: object) -> None:
            self.group.stopping = True
            process.on_interruption(signal.default_int_handler)

        process.on_interruption(stop)
        try:
            yield
        finally:
            process.on_interruption(signal.default_int_handler)
