"""What goes into a run, by which a resumed run notices that a file has changed meanwhile.

A file whose size and time of change are the same is the same. If only its time differs, as that of a copy, its digest
decides. Digests are made of 256 MB at most, which takes half a second: files beyond are new if their time is.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_READ = 256 << 20  # bytes of all files together


@dataclass(frozen=True)
class InputFile:
    """A file as it was when a run began. `digest` is SHA-256 in hexadecimal, empty if there is none."""

    size: int
    changed: int
    digest: str


def read_inputs(sources: Iterable[Path]) -> dict[str, InputFile]:
    """Returns the state of files and of all files in folders, by their paths."""
    files, left = {}, _READ
    for path in _files(sources):
        state = path.stat()
        left -= state.st_size
        files[str(path)] = InputFile(state.st_size, state.st_mtime_ns, _digest(path) if left >= 0 else "")
    return files


def difference(before: Mapping[str, InputFile], sources: Iterable[Path]) -> str:
    """Returns the first difference between files and what they were, as text; empty if there is none."""
    now = [str(path) for path in _files(sources)]
    for name in now:
        if name not in before:
            return f"{name} is new"
        file, state = before[name], Path(name).stat()
        same = state.st_mtime_ns == file.changed or (file.digest and _digest(Path(name)) == file.digest)
        if state.st_size != file.size or not same:
            return f"{name} has changed"
    gone = next((name for name in before if name not in now), None)
    return f"{gone} is gone" if gone else ""


def _files(sources: Iterable[Path]) -> Iterator[Path]:
    for source in sources:
        paths = sorted(source.rglob("*")) if source.is_dir() else [source]
        yield from (path for path in paths if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
