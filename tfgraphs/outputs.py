"""Outputs that are whole or not there: written under a temporary name, then moved into place."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tfgraphs.errors import TfgraphsError


class OutputError(TfgraphsError):
    """The place for a result cannot be written."""


def check_writable(path: str | Path) -> None:
    """Finds out before a long run whether its result can be written, without leaving anything behind.

    Raises:
        OutputError: `path` is a folder, or no file can be made in the folder that would hold it.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder: name the file to write")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"cannot write {path}: {folder}: {_reason(error)}") from error


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; what was written there takes the place of `path` if the block succeeds.

    Raises:
        OutputError: the file system refuses (no room, no permission); `path` is then as it was before.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {_reason(error)}") from error
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
        OutputError: `path` holds something else, or the file system refuses.
    """
    path = Path(path)
    if path.exists() and not (path.is_dir() and (not any(path.iterdir()) or (path / marker).exists())):
        raise OutputError(f"{path} exists and is not an earlier result (it has no {marker}): choose another folder")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    replaced = path.with_name(f".{path.name}.{os.getpid()}.old")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            os.replace(path, replaced)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {_reason(error)}") from error
    finally:
        for leftover in (temporary, replaced):
            shutil.rmtree(leftover, ignore_errors=True)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
