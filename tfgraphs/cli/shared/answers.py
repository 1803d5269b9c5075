"""Prints answers about word vectors, and their evaluations, as a table, as tab-separated lines or as JSON."""

import codecs
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from tfgraphs.cli.shared import command
from tfgraphs.errors import printable
from tfgraphs.vectors.evaluate import AnalogyResult, PairsResult

FORMATS = ("table", "word2vec", "tsv", "json")
"""Forms of answers; "word2vec" is the table with the head that word2vec's tool `distance` prints."""
_HEADS = {"Cosine": "Cosine distance"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # characters that a terminal would obey


def as_json(fields: dict[str, Any]) -> str:
    """Returns a JSON object on one line, in ASCII unless the output takes every character."""
    return json.dumps(fields, ensure_ascii=codecs.lookup(sys.stdout.encoding or "ascii").name != "utf-8")


@dataclass(frozen=True)
class Answer:
    """A table and the fields of a JSON object.

    The field `read_as`, if any, has the spellings of words typed in another one, `from_ngrams` those that are unknown.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    fields: dict[str, Any]

    def print(self, format: str, prefix: str = "", notes: TextIO | None = None) -> None:
        """Prints to `notes`, by default the output, how words were read, then the answer in one of FORMATS."""
        for word, spelling in self.fields.get("read_as", {}).items():
            print(printable(f"{prefix}{word} is read as {spelling}"), file=notes)
        for word in self.fields.get("from_ngrams", []):
            print(printable(f"{prefix}{word} is not among the words: its vector is made of its n-grams"), file=notes)
        if format == "json":
            print(as_json(self.fields))
        elif format == "tsv":
            for row in self.rows:
                print("\t".join(_CONTROL.sub(" ", cell) for cell in row))
        else:
            columns = [_HEADS.get(column, column) if format == "word2vec" else column for column in self.columns]
            command.print_table(columns, [[printable(cell) for cell in row] for row in self.rows])


def print_evaluation(result: AnalogyResult | PairsResult, restrict_vocab: int, format: str = "table") -> None:
    """Prints the result of an evaluation in one of FORMATS; `restrict_vocab` is the number of words that took part."""
    answer = _analogies(result) if isinstance(result, AnalogyResult) else _pairs(result)
    answer.print(format)
    if format not in ("tsv", "json"):
        print(f"among the {restrict_vocab:,} most frequent words")


def _analogies(result: AnalogyResult) -> Answer:
    sections = [*result.sections, result.overall]
    rows = [
        (section.name, f"{section.correct:,}", f"{section.total:,}", _share(section.accuracy), f"{section.skipped:,}")
        for section in sections
    ]
    names = ("name", "correct", "total", "skipped", "unknown", "accuracy", "coverage")
    listed = [{name: getattr(section, name) for name in names} for section in sections]
    fields = {"sections": listed[:-1], "total": listed[-1]}
    return Answer(("Analogies", "Right", "Questions", "Accuracy", "Skipped"), rows, fields)


def _pairs(result: PairsResult) -> Answer:
    correlations = [("Spearman", result.spearman), ("Pearson", result.pearson)]
    rows = [(name, "" if value is None else f"{value:.4f}") for name, value in correlations]
    rows += [("pairs", f"{result.total:,}"), ("skipped", f"{result.skipped:,}"), ("coverage", _share(result.coverage))]
    names = ("spearman", "pearson", "total", "skipped", "unknown", "coverage")
    return Answer(("Pairs of words", ""), rows, {name: getattr(result, name) for name in names})


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
