"""Locks of outputs: only one process at a time writes a file, a folder, or the state of a run.

    with locked("out.png"): ...

The lock of NAME is one of the system (flock) on `.NAME.lock` beside it, a hidden file with a line about the process
that has the lock. The lock ends with the process, however that ends. The file is deleted with it; that of a killed
process is no obstacle, and is deleted by the next one. A thread that has a lock may take it again.

On NFS a lock holds on all machines, if the server keeps locks. Where the system or the file system has none (Windows,
some network folders), nothing is locked: then it is up to the user that runs do not write the same at the same time.
"""

import contextlib
import errno
import hashlib
import json
import os
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tfgraphs.errors import TfgraphsError, printable

_LONGEST = 180  # bytes of a name to which something is added; systems allow 255
_PAUSE = 0.05  # seconds between attempts
_MOMENT = 0.5  # seconds in which a process that has taken a lock says who it is
_SHOWN = 120  # characters of a command


OnWait = Callable[[str], object]
"""Is told which process has a lock."""


class OutputError(TfgraphsError):
    """A result cannot be written."""


@dataclass
class _Held:
    """A lock of this process, and the folders that were made for its file."""

    path: Path
    file: int
    sure: bool
    made: list[Path]
    thread: int = field(default_factory=threading.get_ident)
    count: int = 1


_held: dict[str, _Held] = {}


def hidden(path: Path, ending: str) -> Path:
    """Returns the path `.NAME.ending` beside a path; of long names a digest."""
    name = path.name
    if len(os.fsencode(name)) > _LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return path.with_name(f".{name}.{ending}")


@contextlib.contextmanager
def locked(path: str | Path, wait: float = 0.0, on_wait: OnWait = lambda holder: None) -> Iterator[bool]:
    """Has the lock of an output during the block; see `hold`. Yields False where there are no locks."""
    held = hold(path, wait, on_wait)
    try:
        yield held
    finally:
        release(path)


def hold(path: str | Path, wait: float = 0.0, on_wait: OnWait = lambda holder: None) -> bool:
    """Takes the lock of an output, until `release` or `release_all`. Missing folders above it are made.

    Args:
        path: of the output, which need not exist.
        wait: seconds to wait for another process.
        on_wait: called again and again meanwhile, with a text that says which process has the lock.

    Returns:
        Whether there are locks; without them, another process may write there, too.

    Raises:
        OutputError: another process has the lock.
        OSError: nothing can be written there.
    """
    target, begun = os.path.realpath(path), time.monotonic()
    own = _held.get(target)
    if own and own.thread == threading.get_ident():
        own.count += 1
        return own.sure
    place = hidden(Path(target), "lock")
    made = [folder for folder in place.parents if not folder.exists()]
    while (taken := _try(place)) is None:
        holder, waited = _holder(place), time.monotonic() - begun
        if waited >= wait and (holder or waited > _MOMENT):
            holder = holder or "another process"
            raise OutputError(f"{path} is being written by {holder}: wait for its end, or choose another place")
        if holder:
            on_wait(holder)
        time.sleep(_PAUSE)
    _held[target] = _Held(place, *taken, made)
    return taken[1]


def release_all() -> None:
    """Gives all locks of this process back."""
    for target in reversed(list(_held)):
        _held[target].count = 1
        release(target)


def release(path: str | Path) -> None:
    """Gives a lock back that was taken by `hold`, if this process has it."""
    target = os.path.realpath(path)
    held = _held.get(target)
    if held is None:
        return
    held.count -= 1
    if held.count:
        return
    del _held[target]
    with contextlib.suppress(OSError):  # the file first: a lock without its name is none, see `_try`
        held.path.unlink()
    os.close(held.file)
    for folder in held.made:
        with contextlib.suppress(OSError):  # it is not empty
            folder.rmdir()


def _try(place: Path) -> tuple[int, bool] | None:
    """Takes a lock if no other process has it, and returns its open file and whether there are locks."""
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK if os.name == "posix" else 0
    with contextlib.suppress(FileNotFoundError):  # another process has just deleted the folder that it made
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = os.open(place, flags | os.O_RDWR | os.O_CREAT, 0o666)
        except PermissionError:
            if not os.path.lexists(place):
                raise
            file = os.open(place, flags | os.O_RDONLY)  # left by another user
        try:
            sure = _flock(file)
            if sure is not None and os.path.samestat(os.fstat(file), os.lstat(place)):  # its last holder deletes it
                with contextlib.suppress(OSError):  # it can be locked, though not written
                    os.ftruncate(file, 0)
                    os.write(file, _this_process())
                kept, file = file, -1
                return kept, sure
        finally:
            if file >= 0:
                os.close(file)
    return None


def _flock(file: int) -> bool | None:
    """Locks an open file. Returns None if another process has locked it, False if there are no locks."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows
        return False
    except OSError as error:
        return None if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR) else False
    return True


def _this_process() -> bytes:
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    about = {"process": os.getpid(), "host": socket.gethostname(), "command": command[:_SHOWN], "since": time.time()}
    return json.dumps(about).encode()


def _holder(place: Path) -> str:
    """Returns the process that has a lock, as text; empty if it has not said yet who it is."""
    try:
        with place.open("rb") as file:
            about = json.loads(file.read(4096))
        process, host, command = int(about["process"]), str(about["host"]), str(about["command"])[:_SHOWN]
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(about["since"])))
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return ""
    elsewhere = "" if host == socket.gethostname() else f" on {host}"
    return printable(f"process {process}{elsewhere} ({command}) since {since}")
