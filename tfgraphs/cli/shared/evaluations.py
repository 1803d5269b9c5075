"""Prints evaluations of word vectors."""

from typing import Any

from tfgraphs.cli.shared.answers import Answer
from tfgraphs.vectors.evaluate import AnalogyResult, AnalogySection, PairsResult


def print_evaluation(result: AnalogyResult | PairsResult, restrict_vocab: int, format: str = "table") -> None:
    """Prints a result.

    Args:
        result: to print.
        restrict_vocab: number of words that could be asked and be answers.
        format: "table", "tsv" or "json".
    """
    answer = _analogies(result) if isinstance(result, AnalogyResult) else _pairs(result)
    answer.print(format)
    if format == "table":
        print(f"among the {restrict_vocab:,} most frequent words")


def _analogies(result: AnalogyResult) -> Answer:
    rows = [
        (section.name, f"{section.correct:,}", f"{section.total:,}", _share(section.accuracy), f"{section.skipped:,}")
        for section in [*result.sections, result.overall]
    ]
    sections = [_section_fields(section) for section in result.sections]
    fields = {"sections": sections, "total": _section_fields(result.overall)}
    return Answer(("Analogies", "Right", "Questions", "Accuracy", "Skipped"), rows, fields)


def _section_fields(section: AnalogySection) -> dict[str, Any]:
    names = ("name", "correct", "total", "skipped", "unknown", "accuracy", "coverage")
    return {name: getattr(section, name) for name in names}


def _pairs(result: PairsResult) -> Answer:
    correlations = [("Spearman", result.spearman), ("Pearson", result.pearson)]
    rows = [(name, "" if value is None else f"{value:.4f}") for name, value in correlations]
    rows += [("pairs", f"{result.total:,}"), ("skipped", f"{result.skipped:,}"), ("coverage", _share(result.coverage))]
    names = ("spearman", "pearson", "total", "skipped", "unknown", "coverage")
    return Answer(("Pairs of words", ""), rows, {name: getattr(result, name) for name in names})


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
