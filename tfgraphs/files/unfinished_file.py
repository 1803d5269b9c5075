"""The part of a download that has come so far, `NAME.part`, and what is known about it, `NAME.part.json`."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

Report = Callable[[str, float], None]


class UnfinishedFile:
    """The unfinished file `NAME.part`, which only this process writes while it is open.

    It is `whole` if all its bytes came in one piece from one server's answer.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path, self.file = path, file
        self.note = path.with_name(f"{path.name}.json")
        self.length = os.fstat(file.fileno()).st_size
        self.whole = False

    def validator(self, *origin: str) -> str | None:
        """Returns the value for If-Range with which the download can be continued, if the server gave one.

        Empties a file that is not known to come from this origin, an address and a digest.
        """
        try:
            *noted, validator = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):
            noted, validator = [], None
        if noted != list(origin):
            self.empty()
        return validator if self.length else None

    def begin(self, url: str, digest: str, validator: str | None) -> None:
        """Empties the file and notes where the bytes that follow come from."""
        self.empty()
        with open(self.note, "w", encoding="utf-8", opener=_open_no_link) as note:
            json.dump([url, digest, validator], note)
        self.whole = True

    def append(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # a disk that is nearly full takes less than it is given
            written = self.file.write(rest)
            rest, self.length = rest[written:], self.length + written

    def empty(self) -> None:
        self.file.truncate(0)
        self.length = 0

    def move(self, target: Path) -> None:
        """Makes it the finished file, after its bytes have reached the disk."""
        os.fsync(self.file.fileno())
        os.replace(self.path, target)
        self.note.unlink(missing_ok=True)

    def is_there(self) -> bool:
        """Whether it is still the file that other processes find under its name."""
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(self.file.fileno()), self.path.stat())
        return False


@contextlib.contextmanager
def unfinished_file(target: Path, report: Report) -> Iterator[UnfinishedFile]:
    """Opens the `.part` of a file when no other process uses it.

    The lock is on the file itself: it ends with the process, however that ends, and leaves nothing behind.
    """
    import fcntl  # not on Windows, which only downloads need it for

    path = target.with_name(f"{target.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with open(path, "a+b", buffering=0, opener=_open_no_link) as file:  # unbuffered: a full disk fails in `append`
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"waiting for another download of {target.name}", 0.0)
                fcntl.flock(file, fcntl.LOCK_EX)
            part = UnfinishedFile(path, file)
            if part.is_there():  # the process that had it may have moved it
                try:
                    yield part
                finally:
                    if part.length == 0 and part.is_there():
                        part.note.unlink(missing_ok=True)
                        path.unlink()
                return


def _open_no_link(path: str, flags: int) -> int:
    """Opens a file for writing, but not one to which a link in the cache leads."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)
