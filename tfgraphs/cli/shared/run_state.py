"""The state of unfinished runs, in a folder for each, by which --resume continues them."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from tfgraphs.cli.shared import command, common_flags
from tfgraphs.errors import TfgraphsError
from tfgraphs.files.outputs import atomic_file, check_writable

CHECKPOINT_DIR = common_flags.define_path(
    "checkpoint_dir", None, "Folder for the state of unfinished runs. By default checkpoints/."
)
SAVE_SECONDS = flags.DEFINE_float("save_seconds", 30, "Time between two checkpoints.", lower_bound=0)
RESUME = flags.DEFINE_bool("resume", False, "Continues an interrupted run of the same flags and files.")
OBSERVING = {flag.name for flag in (CHECKPOINT_DIR, SAVE_SECONDS, RESUME)}  # flags that change no result


class ResumeError(TfgraphsError):
    """There is no run to continue."""


def states_folder() -> Path:
    """The folder in which commands store states."""
    return Path(CHECKPOINT_DIR.value or Path(os.environ.get("TFGRAPHS_HOME", ".")) / "checkpoints")


class RunState:
    """The state of one run, in `folder`; `checkpoints` are arguments of the techniques for saving it.

    The result depends on the values of `origin` and on the content of `sources`, files or folders. Raises OutputError
    if the folder cannot be written, and ResumeError if --resume finds no interrupted run of this origin.
    """

    def __init__(self, name: str, origin: Mapping[str, object], sources: Sequence[Path]) -> None:
        states = states_folder()
        check_writable(states / "file")
        self.folder = states / f"{name}-{fingerprint(origin, sources)}"
        self.checkpoints: dict[str, Any] = {"checkpoint_dir": self.folder, "save_seconds": SAVE_SECONDS.value}
        if RESUME.value and not self.folder.exists():
            raise ResumeError(f"no interrupted run with these flags is in {states}: start it without --resume")
        if not RESUME.value:
            shutil.rmtree(self.folder, ignore_errors=True)

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
        """If the block is interrupted, says how to continue."""
        try:
            with command.as_interruption():
                yield
        except KeyboardInterrupt:
            if self.folder.exists():
                raise KeyboardInterrupt("interrupted; the same command with --resume continues from here") from None
            raise

    def forget(self) -> None:
        """Deletes the state of a finished run."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()  # only if it is empty


def fingerprint(origin: Mapping[str, object], sources: Sequence[Path]) -> str:
    """Returns a digest of flags and of the content of files, which tells runs apart."""
    digest = hashlib.sha256(json.dumps(origin, sort_keys=True).encode())
    for source in sources:
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file():
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
