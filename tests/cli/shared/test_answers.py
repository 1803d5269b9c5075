"""Answers on a terminal: columns are aligned whatever the width of the letters."""

import unicodedata

import pytest

from tfgraphs.cli.shared.answers import Answer

WORDS = ["cat", "国王", "國王和王后", "ﾈｺ", "ｅ", "한국", "cafe\u0301", "👑", "猫cat", "ก็"]


def cells(text):
    """The cells of a terminal that a text takes, by the tables of Unicode (UAX #11)."""
    widths = (2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    marks = ("Mn", "Me", "Cf")
    return sum(
        0 if unicodedata.category(letter) in marks else width for letter, width in zip(text, widths, strict=True)
    )


@pytest.mark.parametrize("format", ["table", "word2vec"])
def test_columns_begin_and_end_in_the_same_cells(capsys, format):
    rows = [(word, f"{number / 7:.4f}", "国" * number) for number, word in enumerate(WORDS)]
    Answer(("Word", "Cosine", "更多"), rows, {}).print(format)
    head, rule, *lines = capsys.readouterr().out.splitlines()
    assert {cells(line) for line in (head, rule, *lines)} == {cells(head)}
    for (word, number, _), line in zip(rows, lines, strict=True):
        assert line.startswith(f" {word} ")
        assert cells(line[: line.index(number) + len(number)]) == cells(head[: head.index("Cosine")]) + len(
            "Cosine" if format == "table" else "Cosine distance"
        )


def test_a_table_without_rows_is_its_head(capsys):
    Answer(("词", "Cosine"), [], {}).print("table")
    assert "词" in capsys.readouterr().out
