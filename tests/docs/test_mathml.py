"""Formulas in LaTeX become MathML."""

import re
from xml.etree import ElementTree

import markdown
import pytest
from documents import DOCS
from mathml import DISPLAYED, mathml

NAMES = "{http://www.w3.org/1998/Math/MathML}"


def page(text):
    return markdown.markdown(text, extensions=["mathml", "pymdownx.superfences", "admonition"])


def formulas(html):
    return [ElementTree.fromstring(one) for one in re.findall(r"<math.*?</math>", html, re.DOTALL)]


def test_a_formula_in_a_line_is_part_of_it():
    html = page("With $x_1^2$ and $y$.")
    assert [one.get("display") for one in formulas(html)] == ["inline", "inline"]
    assert re.sub(r"<math.*?</math>", "#", html) == "<p>With # and #.</p>"


def test_its_parts_are_those_of_the_formula():
    (formula,) = formulas(page("$x_1^2$"))
    (power,) = formula.iter(f"{NAMES}msubsup")
    assert [part.text for part in power] == ["x", "1", "2"]


@pytest.mark.parametrize("indent", ["", "    "])
def test_a_displayed_formula_may_have_several_lines(indent):
    text = f"{indent}$$\n{indent}a = b\n{indent}$$\n"
    (formula,) = formulas(page(f"!!! note\n\n{text}" if indent else text))
    assert formula.get("display") == "block"
    assert "".join(formula.itertext()).split() == ["a=b"]


@pytest.mark.parametrize("text", ["`$x$`", "costs $5 and $6", "```sh\necho $a $b\n$$\n1\n$$\n```", "$ x $", r"\$x\$"])
def test_other_dollars_stay(text):
    assert "<math" not in page(text)


def test_a_command_that_is_not_known_is_an_error():
    with pytest.raises(ValueError, match=r"\\nothing is not known"):
        mathml(r"a + \nothing")


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_all_displayed_formulas_of_a_page_are_known(path):
    for _, formula in DISPLAYED.findall(path.read_text(encoding="utf-8")):
        assert mathml(formula, "block").startswith("<math")
