"""What came out of an evaluation of word vectors, for people and for programs."""

import json

from tfgraphs.cli.shared import command
from tfgraphs.vectors.evaluate import AnalogyResult, AnalogySection, PairsResult


def show(result: AnalogyResult | PairsResult, known: int, form: str = "table") -> None:
    """Prints a result.

    Args:
        result: to print.
        known: how many words could be asked and answer.
        form: "table", "tsv" or "json".
    """
    if form == "json":
        print(json.dumps(_fields(result)))
        return
    columns, rows = _table(result)
    if form == "tsv":
        print("\n".join("\t".join(row) for row in rows))
        return
    command.print_table(columns, rows)
    print(f"among the {known:,} most frequent words")


def _table(result: AnalogyResult | PairsResult) -> tuple[list[str], list[tuple[str, ...]]]:
    if isinstance(result, AnalogyResult):
        return ["Analogies", "Right", "Questions", "Accuracy", "Skipped"], [
            (row.name, f"{row.correct:,}", f"{row.total:,}", _share(row.accuracy), f"{row.skipped:,}")
            for row in [*result.sections, result.overall]
        ]
    figures = [("Spearman", result.spearman), ("Pearson", result.pearson)]
    rows = [(name, "" if figure is None else f"{figure:.4f}") for name, figure in figures]
    counts = [("pairs", f"{result.total:,}"), ("skipped", f"{result.skipped:,}"), ("coverage", _share(result.coverage))]
    return ["Pairs of words", ""], [*rows, *counts]


def _fields(result: AnalogyResult | PairsResult) -> dict[str, object]:
    if isinstance(result, AnalogyResult):
        return {"sections": [_section(row) for row in result.sections], "total": _section(result.overall)}
    names = ("spearman", "pearson", "total", "skipped", "unknown", "coverage")
    return {name: getattr(result, name) for name in names}


def _section(row: AnalogySection) -> dict[str, object]:
    names = ("name", "correct", "total", "skipped", "unknown", "accuracy", "coverage")
    return {name: getattr(row, name) for name in names}


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
