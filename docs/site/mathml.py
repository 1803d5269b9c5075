"""A Markdown extension: formulas in LaTeX, $...$ in a line or $$...$$ between lines, become MathML.

Browsers draw MathML themselves, so the pages need no script and no fonts from elsewhere.
"""

import re
from typing import Any
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor

DISPLAYED = re.compile(r"^( *)\$\$(.+?)\$\$ *$", re.MULTILINE | re.DOTALL)
IN_A_LINE = r"(?<![\\$\w])\$(?![\s$])([^$\n]+?)(?<![\s\\])\$(?![\w$])"


def mathml(formula: str, display: str = "inline") -> str:
    """Returns a formula of LaTeX as MathML.

    Raises:
        ValueError: with the command that is not known.
    """
    text = convert(" ".join(formula.split()), display=display)
    left = re.search(r"\\\w+", "".join(ElementTree.fromstring(text).itertext()))
    if left:
        raise ValueError(f"{left[0]} is not known, in the formula {formula}")
    return text


class _Displayed(Preprocessor):
    """Runs after the preprocessor that takes fenced code away."""

    def run(self, lines: list[str]) -> list[str]:
        def replaced(found: re.Match[str]) -> str:
            indent, formula = found.groups()
            return f"\n{indent}{self.md.htmlStash.store(mathml(formula, 'block'))}\n"

        return DISPLAYED.sub(replaced, "\n".join(lines)).split("\n")


class _InALine(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> Any:
        return self.md.htmlStash.store(mathml(m[1])), m.start(0), m.end(0)


class MathML(Extension):
    """Adds both to a Markdown converter."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(_Displayed(md), "mathml_displayed", 20)
        md.inlinePatterns.register(_InALine(IN_A_LINE, md), "mathml_in_a_line", 189)


def makeExtension(**options: Any) -> MathML:
    """The name by which Markdown finds the extension."""
    return MathML(**options)
