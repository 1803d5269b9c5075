"""The state of unfinished runs, in a folder for each, by which --resume continues them."""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from tfgraphs.cli.shared import command, common_flags
from tfgraphs.cli.shared.inputs import InputFile, difference, read_inputs
from tfgraphs.errors import TfgraphsError
from tfgraphs.files import locks
from tfgraphs.files.outputs import atomic_file, check_writable, reserve

CHECKPOINT_DIR = common_flags.define_path(
    "checkpoint_dir", None, "Folder for the state of unfinished runs. By default checkpoints/."
)
SAVE_SECONDS = flags.DEFINE_float("save_seconds", 30, "Time between two checkpoints.", lower_bound=0)
RESUME = flags.DEFINE_bool("resume", False, "Continues an interrupted run of the same flags and files.")
_INPUTS = "inputs.json"  # the files that a run began with
OBSERVING = {flag.name for flag in (CHECKPOINT_DIR, SAVE_SECONDS, RESUME)}  # flags that change no result


class ResumeError(TfgraphsError):
    """There is no run to continue."""


def states_folder() -> Path:
    """The folder in which commands store states."""
    return Path(CHECKPOINT_DIR.value or Path(os.environ.get("TFGRAPHS_HOME", ".")) / "checkpoints")


def state_folder(name: str, origin: Mapping[str, object], sources: Sequence[Path]) -> Path:
    """Returns the folder of the state of a run; args as of `RunState`."""
    states = states_folder()
    place = os.path.relpath(os.path.realpath(sources[0].parent), os.path.realpath(states)) if sources else ""
    return states / f"{name}-{fingerprint({'origin': origin, 'place': place})}"


class RunState:
    """The state of one run, in `folder`; `checkpoints` are arguments of the techniques for saving it.

    The result depends on the values of `origin` and on the content of `sources`, files or folders. Until the run ends,
    no other one can use the state. Raises OutputError if the folder cannot be written or another run uses it, and
    ResumeError if --resume finds no interrupted run of this origin, unless that `may_begin`, or one that began with
    other files.
    """

    def __init__(
        self, name: str, origin: Mapping[str, object], sources: Sequence[Path], may_begin: bool = False
    ) -> None:
        self.folder = state_folder(name, origin, sources)
        check_writable(self.folder / _INPUTS)
        self.checkpoints: dict[str, Any] = {"checkpoint_dir": self.folder, "save_seconds": SAVE_SECONDS.value}
        reserve(self.folder)
        if RESUME.value and not (may_begin and not self.folder.exists()):
            self._check(sources)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._inputs = read_inputs(sources)

    def _check(self, sources: Sequence[Path]) -> None:
        """Raises ResumeError if there is no state, or one of other files."""
        if not self.folder.exists():
            raise ResumeError(
                f"no interrupted run with these flags is in {self.folder.parent}: start it without --resume"
            )
        try:
            before = {name: InputFile(*values) for name, values in json.loads(self.read(_INPUTS)).items()}
            changed = difference(before, sources)
        except (ValueError, TypeError, AttributeError, RecursionError):
            changed = "the list of its files is damaged"
        if changed:
            raise ResumeError(f"{changed} since the interrupted run began: start it again without --resume")

    def read(self, name: str) -> str:
        """Returns a text of the state, empty if there is none of this name."""
        file = self.folder / name
        return file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""

    def write(self, name: str, text: str) -> None:
        """Stores a text in the state."""
        with atomic_file(self.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="surrogateescape")

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Saves the state of a run that is interrupted in the block, and says how to continue it."""
        files = {name: dataclasses.astuple(file) for name, file in self._inputs.items()}
        self.write(_INPUTS, json.dumps(files))
        try:
            with command.as_interruption():
                yield
        except KeyboardInterrupt:
            if self._is_begun():
                raise KeyboardInterrupt("interrupted; the same command with --resume continues from here") from None
            raise
        finally:
            if sys.exc_info()[0] and not self._is_begun():
                self.forget()

    def _is_begun(self) -> bool:
        """Whether there is more than the list of inputs."""
        return self.folder.exists() and any(path.name != _INPUTS for path in self.folder.iterdir())

    def forget(self) -> None:
        """Deletes the state of a finished run."""
        shutil.rmtree(self.folder, ignore_errors=True)
        locks.release(self.folder)
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()  # only if it is empty


def fingerprint(values: Mapping[str, object]) -> str:
    """Returns a digest of values, which tells runs apart."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
