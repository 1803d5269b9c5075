"""Prints answers about word vectors as a table, as tab-separated lines or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tfgraphs.cli.shared import command

FORMATS = ("table", "tsv", "json")


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
                print("\t".join(cell.replace("\t", " ") for cell in row))
        else:
            command.print_table(self.columns, self.rows)
