"""Texts of errors."""

import pytest

from tfgraphs.errors import TfgraphsError, errors_as, printable, reason, summary


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(28, "No space left on device"), "no space left on device"),
        (OSError("298208 requested and 225248 written"), "no space left on device"),
        (ValueError("bad value"), "bad value"),
        (ValueError(), "ValueError"),
    ],
)
def test_the_reason_is_the_text_of_an_error_or_its_class(error, text):
    assert reason(error) == text


def test_a_summary_is_short_and_without_graph_nodes():
    assert summary(ValueError("{{function_node a}} {{node b}} too large\n" + "word " * 100)).startswith(
        "too large word"
    )
    assert len(summary(ValueError("word " * 100))) <= 160


def test_errors_of_a_block_become_errors_of_a_kind():
    with pytest.raises(TfgraphsError, match=r"^the file is damaged \(KeyError\): send it again$"):
        with errors_as(TfgraphsError, "the file is damaged", "send it again"):
            raise KeyError


def test_errors_of_this_project_pass():
    with pytest.raises(TfgraphsError, match=r"^first$"), errors_as(TfgraphsError, "second", "third"):
        raise TfgraphsError("first")


@pytest.mark.parametrize(
    ("text", "printed"),
    [("plain, 夜 🌙.jpg", "plain, 夜 🌙.jpg"), ("\x1b[31mred", r"\x1b[31mred"), ("a\udcff\x07", r"a\udcff\x07")],
)
def test_control_characters_are_escaped(text, printed):
    assert printable(text) == printed
