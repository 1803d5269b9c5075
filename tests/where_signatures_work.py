"""What the page about SavedModels says of each signature, in its table "What works where"."""

import re
from pathlib import Path
from typing import NamedTuple

from exported_models import SIGNATURES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "saved-models.md"


class Verdict(NamedTuple):
    """Whether a signature works somewhere.

    Args:
        model: a key of SIGNATURES.
        signature: its name.
        works: whether the cell says yes; "columns only" does.
        lacks: the operation that a cell names after its no.
    """

    model: str
    signature: str
    works: bool
    lacks: str

    def __str__(self) -> str:
        return f"{self.model}-{self.signature}"


def verdicts(column: str) -> list[Verdict]:
    """What a column says, by its title. Each signature of SIGNATURES has to be in one row, and in no other."""
    _, _, following = PAGE.read_text(encoding="utf-8").partition("\n## What works where\n")
    lines = re.findall(r"^\|(.*)\|$", following.partition("\n#")[0], re.MULTILINE)
    titles, _, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    found = [_verdict(*key, row[titles.index(column)]) for row in rows for key in _signatures(row[0])]
    assert sorted((one.model, one.signature) for one in found) == sorted(
        (model, name) for model, names in SIGNATURES.items() for name in names
    )
    return found


def _signatures(label: str) -> list[tuple[str, str]]:
    """The models and signatures of a row; one without names of signatures has all but `serve_bytes`."""
    models, names = re.findall(r"(?<!`)\b(\w+)\b(?!`)", label), re.findall(r"`(\w+)`", label)
    return [
        (model, name)
        for model, every in SIGNATURES.items()
        for name in every
        if model in (models or SIGNATURES) and (name in names if names else name != "serve_bytes")
    ]


def _verdict(model: str, signature: str, cell: str) -> Verdict:
    no = re.match("no: `(\\w+)`", cell)
    assert no or cell.startswith(("yes", "columns only")), cell
    return Verdict(model, signature, not no, no[1] if no else "")
