"""Tables that people take with them, as CSV."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from tfgraphs.files.outputs import atomic_file


def write_table(path: Path, rows: Iterable[Sequence[object]]) -> str:
    """Writes a table, whole or not at all, and returns the name of its file.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", errors="replace", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path.name
