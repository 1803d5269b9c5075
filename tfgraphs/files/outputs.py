"""Writes outputs completely or not at all: under a temporary name, then moved into place."""

import contextlib
import ctypes
import errno
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from tfgraphs.errors import TfgraphsError, address_of, reason
from tfgraphs.files.locks import OutputError as OutputError
from tfgraphs.files.locks import hidden, hold, locked

SAVED_MODEL = "saved_model.pb"  # the file that marks a folder as a SavedModel

_PATIENCE = 10.0  # seconds to wait for another process that writes the same
_EARLIER = "earlier"  # ending of a result that is being replaced
_FAILURES = [os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)]
_HERE = -100  # AT_FDCWD, for paths relative to the current folder


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


def reserve(path: str | Path) -> None:
    """Keeps other processes from writing an output until `locks.release_all`; missing folders above it are made.

    Raises:
        OutputError: another process writes it, or nothing can be written there.
    """
    with output_errors(path):
        hold(path)


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; the file written there replaces `path` if the block succeeds.

    Another process that writes the same file is waited for. What it left behind if it was killed is deleted.

    Raises:
        OutputError: the file cannot be written (no space, no permission), or another process goes on writing it; `path`
            is then unchanged.
    """
    target = Path(os.path.realpath(path))
    with output_errors(path), locked(target, _PATIENCE) as sure:
        _clear(target, sure)
        temporary = _temporary(target)
        try:
            yield temporary
            _sync(temporary)
            os.replace(temporary, target)
            _sync_names(target.parent)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | Path, marker: str) -> Iterator[Path]:
    """Yields a temporary folder beside `path` that replaces `path` if the block succeeds; otherwise as `atomic_file`.

    Args:
        path: the folder to create. An existing one is replaced only if it is empty or contains `marker`.
        marker: name of a file by which an earlier result of the same kind is recognised.

    Raises:
        OutputError: `path` contains something else or cannot be written; it is then unchanged.
    """
    check_folder(path, marker)
    target = Path(os.path.realpath(path))
    with output_errors(path), locked(target, _PATIENCE) as sure:
        _clear(target, sure)
        check_folder(path, marker)
        temporary = _temporary(target)
        try:
            temporary.mkdir()
            yield temporary
            replace_folder(target, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def replace_folder(target: Path, finished: Path) -> None:
    """Moves a finished folder into place and deletes an earlier one there, which stays if the move fails.

    The two exchange their names in one step where the system can do that. Elsewhere the earlier one has another name
    for a moment; if the process is killed then, the next one that writes `target` gives it its name back.

    Raises:
        OSError: the folder cannot be moved.
    """
    sync_folder(finished)
    earlier = finished
    if not target.exists():
        os.rename(finished, target)
    elif not _exchange(finished, target):
        earlier = _temporary(target, _EARLIER)
        os.rename(target, earlier)
        try:
            os.rename(finished, target)
        except BaseException:
            os.rename(earlier, target)
            raise
    _sync_names(target.parent)
    shutil.rmtree(earlier, ignore_errors=True)


def sync_folder(folder: Path, beginning: str = "") -> None:
    """Waits until all files in a folder, or those whose names have a certain beginning, are on the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.startswith(beginning):
                _sync(Path(parent, name))
        _sync_names(Path(parent))


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


def _temporary(target: Path, ending: str = "part") -> Path:
    return hidden(target, f"{uuid.uuid4().hex}.{ending}")


def _clear(target: Path, sure: bool) -> None:
    """Deletes what killed processes left beside an output, and recovers a folder that they moved.

    Without locks, `sure` is False, a process that still runs may use it: nothing is deleted.
    """
    pattern = re.escape(hidden(target, "").name) + rf"[0-9a-f]{{32}}\.({_EARLIER}|part)"
    with os.scandir(target.parent) as entries:
        left = [Path(entry.path) for entry in entries if re.fullmatch(pattern, entry.name)]
    for path in left:
        if path.name.endswith(_EARLIER) and not target.exists():
            os.rename(path, target)
        elif not sure:
            continue
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchanges two names in one step; returns False where the system or the file system cannot do that."""
    if os.name != "posix":
        return False
    library, names = ctypes.CDLL(None, use_errno=True), (os.fsencode(one), os.fsencode(other))
    if hasattr(library, "renameat2"):  # Linux; flag 2 is RENAME_EXCHANGE
        failed = library.renameat2(_HERE, names[0], _HERE, names[1], 2)
    elif hasattr(library, "renamex_np"):  # macOS; flag 2 is RENAME_SWAP
        failed = library.renamex_np(*names, 2)
    else:
        return False
    number = ctypes.get_errno()
    if failed and number not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        raise OSError(number, os.strerror(number), str(one))
    return not failed


def _sync(file: Path) -> None:
    """Waits until a file is on the disk, so that its new name never stands for less, even after a power failure."""
    opened = os.open(file, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # it cannot be synchronised
            raise
    finally:
        os.close(opened)


def _sync_names(folder: Path) -> None:
    """Does the same for the names in a folder, where the system can."""
    with contextlib.suppress(OSError):
        _sync(folder)


@contextlib.contextmanager
def output_errors(path: str | Path) -> Iterator[None]:
    """Turns an OSError about `path`, or an error of TensorFlow that has the text of one, into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}") from error
    except TfgraphsError:
        raise
    except Exception as error:
        for text in _FAILURES:
            if text in str(error):
                raise OutputError(f"cannot write {path}: {text.lower()}") from error
        raise
