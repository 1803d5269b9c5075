"""Writes outputs completely or not at all: under a temporary name, then moved into place."""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from tfgraphs.errors import TfgraphsError, address_of, reason

SAVED_MODEL = "saved_model.pb"  # the file that marks a folder as a SavedModel


class OutputError(TfgraphsError):
    """A result cannot be written."""


def check_writable(path: str | Path) -> None:
    """Checks before a long run that its result can be written; leaves nothing behind.

    Raises:
        OutputError: `path` is a folder, or no file can be created in its folder.
    """
    path = Path(path)
    _check_local(path)
    with output_errors(path):
        if path.is_dir():
            raise OutputError(f"{path} is a folder: name the file to write")
        folder = path.absolute().parent
        while not folder.exists():
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder):
            pass


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; the file written there replaces `path` if the block succeeds.

    Raises:
        OutputError: the file cannot be written (no space, no permission); `path` is then unchanged.
    """
    target = Path(os.path.realpath(path))
    temporary = _temporary(target)
    with output_errors(path), _parents(target):
        try:
            yield temporary
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | Path, marker: str) -> Iterator[Path]:
    """Yields a temporary folder beside `path` that replaces `path` if the block succeeds.

    Args:
        path: the folder to create. An existing one is replaced only if it is empty or contains `marker`.
        marker: name of a file by which an earlier result of the same kind is recognised.

    Raises:
        OutputError: `path` contains something else or cannot be written; it is then unchanged.
    """
    check_folder(path, marker)
    target = Path(os.path.realpath(path))
    temporary = _temporary(target)
    with output_errors(path), _parents(target):
        try:
            temporary.mkdir()
            yield temporary
            replace_folder(target, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def replace_folder(target: Path, finished: Path) -> None:
    """Moves a finished folder into place and deletes an earlier one there, which stays if the move fails.

    Raises:
        OSError: the folder cannot be moved.
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
    _check_local(path)
    target = Path(os.path.realpath(path))
    with output_errors(path):
        if target.exists() and not (target.is_dir() and (not any(target.iterdir()) or (target / marker).exists())):
            raise OutputError(f"{path} exists and is not an earlier result (it has no {marker}): choose another folder")


def _check_local(path: str | Path) -> None:
    if address := address_of(path):
        raise OutputError(f"{address} is an address, to which nothing is sent: give a path on this machine")


def _temporary(target: Path) -> Path:
    return target.with_name(f".{uuid.uuid4().hex}.part")


@contextlib.contextmanager
def _parents(target: Path) -> Iterator[None]:
    """Creates the folders above `target`, and deletes them if the block fails."""
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
def output_errors(path: str | Path) -> Iterator[None]:
    """Turns an OSError about `path` into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}") from error
