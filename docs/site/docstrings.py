"""An extension of Griffe: what the docstrings of this project mean in Markdown.

`height, width: in pixels` describes two parameters. A paragraph with columns is a table, in which spaces count.
"""

import re
from typing import Any

import griffe

JOINT = re.compile(r"^( {4})(\w+(?:, \w+)+):( .*(?:\n {5,}.*)*)", re.MULTILINE)
COLUMNS = re.compile(r"\S {3,}\S")


def in_markdown(docstring: str) -> str:
    """Returns a docstring in which each parameter has the text of its group, and tables are code."""
    paragraphs = JOINT.sub(_one_each, docstring).split("\n\n")
    return "\n\n".join(_as_code(text) if COLUMNS.search(text.split("\n")[0]) else text for text in paragraphs)


def _one_each(found: re.Match[str]) -> str:
    indent, names, text = found.groups()
    return "\n".join(f"{indent}{name}:{text}" for name in names.split(", "))


def _as_code(paragraph: str) -> str:
    return paragraph if paragraph.startswith("    ") else re.sub(r"^", "    ", paragraph, flags=re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrites all docstrings."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each object that was read."""
        if obj.docstring:
            obj.docstring.value = in_markdown(obj.docstring.value)
