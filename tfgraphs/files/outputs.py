"""Outputs that are whole or not there: written under a temporary name, then moved into place."""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from tfgraphs.errors import TfgraphsError, reason

SAVED_MODEL = "saved_model.pb"  # the file by which a SavedModel is known


class OutputError(TfgraphsError):
    """The place for a result cannot be written."""


def check_writable(path: str | Path) -> None:
    """Finds out before a long run whether its result can be written, without leaving anything behind.

    Raises:
        OutputError: `path` is a folder, or no file can be made in the folder that would hold it.
    """
    path = Path(path)
    with _explained(path):
        if path.is_dir():
            raise OutputError(f"{path} is a folder: name the file to write")
        folder = path.absolute().parent
        while not folder.exists():
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder):
            pass


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; what was written there takes the place of `path` if the block succeeds.

    Raises:
        OutputError: the file system refuses (no room, no permission); `path` is then as it was before.
    """
    target = Path(os.path.realpath(path))
    temporary = _temporary(target)
    with _explained(path), _parents(target):
        try:
            yield temporary
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | Path, marker: str) -> Iterator[Path]:
    """Gives a temporary folder beside `path` that takes the place of `path` if the block succeeds.

    Args:
        path: the folder to make. One that exists is replaced only if it is empty or holds `marker`.
        marker: name of a file by which an earlier result of the same kind is known.

    Raises:
        OutputError: `path` holds something else, or the file system refuses; it is then as it was before.
    """
    check_folder(path, marker)
    target = Path(os.path.realpath(path))
    temporary = _temporary(target)
    with _explained(path), _parents(target):
        try:
            temporary.mkdir()
            yield temporary
            replace_folder(target, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def replace_folder(target: Path, finished: Path) -> None:
    """Moves a finished folder to where there may be an earlier one, which goes then, and stays if the move fails.

    Raises:
        OSError: the file system refuses.
    """
    earlier = _temporary(target)
    try:
        if target.exists():
            os.replace(target, earlier)
        os.replace(finished, target)
    finally:
        if earlier.exists() and not target.exists():
            os.replace(earlier, target)
        shutil.rmtree(earlier, ignore_errors=True)


def check_folder(path: str | Path, marker: str) -> None:
    """Raises OutputError if `atomic_folder` would not replace what is at `path`."""
    target = Path(os.path.realpath(path))
    with _explained(path):
        if target.exists() and not (target.is_dir() and (not any(target.iterdir()) or (target / marker).exists())):
            raise OutputError(f"{path} exists and is not an earlier result (it has no {marker}): choose another folder")


def _temporary(target: Path) -> Path:
    return target.with_name(f".{uuid.uuid4().hex}.part")


@contextlib.contextmanager
def _parents(target: Path) -> Iterator[None]:
    """Makes the folders above `target`, and takes them away again if the block fails."""
    missing = [folder for folder in target.parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


@contextlib.contextmanager
def _explained(path: str | Path) -> Iterator[None]:
    """Turns what the file system says of `path` into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}") from error
