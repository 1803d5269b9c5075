"""Training runs watched while they go on: scalars and texts of the event files that they write for TensorBoard.

A file is a sequence of records (TFRecord): length, uint64; its checksum; a protocol buffer `Event`; its checksum. Each
time only what is new is read. A record that is not yet complete is read the next time; after a damaged one nothing more
is read of a file. Records that are too large for scalars and texts, such as pictures, are skipped.
"""

import math
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgraphs.studio.recent import Recent
from tfgraphs.studio.states import StateError

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

SCALARS = ("loss", "learning rate", "words per second")
NEAREST = "nearest words"  # the text of probes
_KEPT = 4  # runs
_DEPTH, _MOST_RUNS = 6, 200
_MOST_BYTES = 1 << 20  # of a record
_MOST_POINTS = 20_000  # of a curve; when there are more, every second one is dropped
_MOST_TEXTS, _MOST_LETTERS = 100, 20_000
_FLOAT, _DOUBLE = 1, 2  # DT_FLOAT and DT_DOUBLE of tensorflow/core/framework/types.proto

Table = list[list[str]]


class Run:
    """What is known of a run.

    Attributes:
        curves: lists of (step, value) by the name of a scalar.
        texts: pairs of a step and the rows of the table of nearest words.
        written: when the last event was written, in seconds since 1970; 0 if there is none.
        damaged: names of files of which the rest cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, int] = {}  # bytes by the name of a file
        self.curves: dict[str, list[tuple[int, float]]] = {name: [] for name in SCALARS}
        self.texts: list[tuple[int, Table]] = []
        self.written = 0.0
        self.damaged: list[str] = []

    def update(self) -> None:
        """Reads what was written since the last time. Files that cannot be opened are left out."""
        for path in sorted(path for path in self._folder.glob("*tfevents*") if path.is_file()):
            if path.name in self.damaged:
                continue
            with suppress(OSError), path.open("rb") as file:
                self._read_file(path.name, _Records(file, self._read.get(path.name, 0)))

    def _read_file(self, name: str, records: "_Records") -> None:
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto.event_pb2 import Event

        try:
            for record in records:
                event = Event.FromString(record)
                self.written = max(self.written, event.wall_time if math.isfinite(event.wall_time) else 0.0)
                for value in event.summary.value:
                    self._add(event.step, value)
        except (DecodeError, DamagedError):
            self.damaged.append(name)
        self._read[name] = records.position

    def _add(self, step: int, value: "Summary.Value") -> None:
        if value.tag in self.curves:
            number = _number(value)
            if number is not None and math.isfinite(number):
                points = self.curves[value.tag]
                _forget_from(points, step)  # a run that was resumed repeats some steps
                points.append((step, number))
                if len(points) > _MOST_POINTS:
                    del points[1::2]
        elif value.tag == NEAREST and value.tensor.string_val:
            text = value.tensor.string_val[0][:_MOST_LETTERS].decode(errors="replace")
            _forget_from(self.texts, step)
            self.texts.append((step, read_table(text)))
            del self.texts[:-_MOST_TEXTS]


class Runs:
    """The runs in a folder of logs; the last ones that were asked for are kept.

    Args:
        folder: of logs; it does not need to exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = Recent[str, Run](_KEPT)
        self._lock = threading.Lock()

    def keys(self) -> list[str]:
        """Returns the names of the runs, folders with event files, the one that was written last first."""
        found = {}
        for folder, folders, files in os.walk(self._folder):
            path = Path(folder)
            depth = len(path.relative_to(self._folder).parts)
            folders[:] = folders if depth < _DEPTH else []
            times = []
            for file in files:
                if "tfevents" in file:
                    with suppress(OSError):
                        times.append((path / file).stat().st_mtime)
            if times:
                found[str(path.relative_to(self._folder))] = max(times)
        return sorted(found, key=lambda key: (-found[key], key))[:_MOST_RUNS]

    def read(self, key: str) -> Run:
        """Returns a run as it is now. Raises StateError if there is none of this name."""
        if key not in self.keys():
            raise StateError(f"there is no run {key[:80]!r}: choose one from the list")
        with self._lock:
            run = self._runs.get_or_make(key, lambda: Run(self._folder / key))
            run.update()
        return run


class DamagedError(Exception):
    """A record has another checksum than is written behind it."""


class _Records:
    """The whole records of a file from a position on; afterwards `position` is behind the last of them."""

    def __init__(self, file: Any, position: int) -> None:
        self._file, self.position = file, position
        self._size = os.fstat(file.fileno()).st_size

    def __iter__(self) -> Iterator[bytes]:
        from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

        while self.position + 16 <= self._size:
            self._file.seek(self.position)
            head = self._file.read(12)
            length, checksum = struct.unpack("<QI", head)
            if checksum != masked_crc32c(head[:8]):
                raise DamagedError
            if self.position + 16 + length > self._size:
                return
            self.position += 16 + length
            if length <= _MOST_BYTES:
                record, end = self._file.read(length), self._file.read(4)
                if struct.unpack("<I", end)[0] != masked_crc32c(record):
                    raise DamagedError
                yield record


def _number(value: "Summary.Value") -> float | None:
    """Returns a scalar, or None if it is something else."""
    if value.HasField("simple_value"):
        return value.simple_value
    tensor = value.tensor
    kinds = {_FLOAT: ("<f", tensor.float_val), _DOUBLE: ("<d", tensor.double_val)}
    if tensor.dtype not in kinds:
        return None
    form, values = kinds[tensor.dtype]
    if len(tensor.tensor_content) == struct.calcsize(form):
        return struct.unpack(form, tensor.tensor_content)[0]
    return values[0] if len(values) == 1 else None


def _forget_from(marks: list[tuple[int, Any]], step: int) -> None:
    """Deletes what is of this step or a later one."""
    while marks and marks[-1][0] >= step:
        marks.pop()


def read_table(text: str) -> Table:
    """Returns the rows of a table of nearest words in Markdown, `| word | nearest |`: a word, and the others."""
    rows = []
    for line in text.splitlines()[2:]:
        word, _, nearest = line.removeprefix("| ").removesuffix(" |").partition(" | ")
        rows.append([word, nearest])
    return rows
