"""Prints answers about word vectors as a table, as tab-separated lines or as JSON."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tfgraphs.cli.shared import command
from tfgraphs.errors import printable

FORMATS = ("table", "tsv", "json")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # characters that a terminal would obey


@dataclass(frozen=True)
class Answer:
    """An answer in all formats.

    Attributes:
        columns: heads of the table.
        rows: of the table.
        fields: of the JSON object.
        read_as: the spelling in the vocabulary of each word that was typed in another spelling.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    fields: dict[str, Any]
    read_as: dict[str, str] = field(default_factory=dict)

    def print(self, format: str) -> None:
        """Prints the answer in one of FORMATS."""
        if format == "json":
            print(json.dumps(self.fields, ensure_ascii=False))
        elif format == "tsv":
            for row in self.rows:
                print("\t".join(_CONTROL.sub(" ", cell) for cell in row))
        else:
            command.print_table(self.columns, [[printable(cell) for cell in row] for row in self.rows])
