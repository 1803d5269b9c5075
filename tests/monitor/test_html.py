"""HTML for notebooks: what is in it, and that texts from outside stay texts."""

import numpy as np
import pytest
from html_parts import Parts

from tfgraphs.monitor import html
from tfgraphs.monitor.progress import Progress

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;b&gt;", "a & b", "'", "$x^2$"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "page",
    [
        lambda text: html.table(["Word"], [[text]]),
        lambda text: html.table([text], []),
        lambda text: html.table(["Word"], [], caption=text),
        html.line,
    ],
    ids=["cell", "head", "caption", "line"],
)
def test_a_text_stays_a_text(page, text):
    parts = Parts(page(text))
    assert text in parts.text
    assert parts.names <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "div"}


@pytest.mark.parametrize("text", HOSTILE)
def test_the_description_of_a_picture_stays_a_text(text):
    parts = Parts(html.image(b"", text))
    assert parts.names == {"img"}
    assert parts.attributes("img")["alt"] == text


@pytest.mark.parametrize("page", [html.table(["$x$"], []), html.line("$x$")], ids=["table", "line"])
def test_dollars_are_no_formulas(page):
    assert Parts(page).elements[0][1]["class"] == "tex2jax_ignore"


def test_what_cannot_be_shown_is_escaped():
    assert Parts(html.line("a\x00\u202eb")).text == ["a\\x00\\u202eb"]


def test_a_table_has_its_head_and_its_rows():
    assert Parts(html.table(["Word", "Cosine"], [("tea", 0.5), ("milk", 0.25)])).rows == [
        ["Word", "Cosine"],
        ["tea", "0.5"],
        ["milk", "0.25"],
    ]


def test_columns_of_texts_are_aligned_left_and_those_of_numbers_right():
    elements = Parts(html.table(["Layer", "Kind", "Channels"], [("conv1", "relu", 64)], texts=2)).elements
    sides = [attributes["style"].split()[-1] for name, attributes in elements if name in ("th", "td")]
    assert sides == ["left", "left", "right"] * 2


@pytest.mark.parametrize(("done", "value"), [(0.0, "0.000"), (0.25, "0.250"), (1.0, "1.000"), (1.5, "1.000")])
def test_a_bar_shows_the_share_that_is_done(done, value):
    assert Parts(html.bar(done)).attributes("progress")["value"] == value


def test_a_bar_of_an_unknown_share_has_no_value():
    assert "value" not in Parts(html.bar(None)).attributes("progress")


STATE = Progress(3, "octave 2 of 4", 0.25, 2.5, {"content": 1.5, "style": 1.0})


def test_progress_shows_its_stage_and_its_share():
    parts = Parts(STATE._repr_html_())
    assert "octave 2 of 4: 25%" in parts.text
    assert parts.attributes("progress")["value"] == "0.250"


def test_progress_shows_the_loss_and_its_terms():
    assert Parts(STATE._repr_html_()).rows == [["Term", "Value"], ["loss", "2.5"], ["content", "1.5"], ["style", "1"]]


def test_progress_without_a_loss_has_no_table():
    assert "table" not in Parts(Progress(1, "in one pass", 1.0, float("nan"))._repr_html_()).names


def test_progress_shows_its_picture():
    picture = np.random.default_rng(0).random((5, 7, 3)).astype(np.float32)
    shown = Parts(Progress(1, "octave", 0.5, 1.0, picture=picture)._repr_html_()).picture
    np.testing.assert_array_equal(shown, np.round(picture * 255))


def test_a_large_picture_of_a_progress_is_reduced():
    picture = np.zeros((300, 800, 3), np.float32)
    assert Parts(Progress(1, "octave", 0.5, 1.0, picture=picture)._repr_html_()).picture.shape == (144, 384, 3)
