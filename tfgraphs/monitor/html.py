"""Parts of the HTML that notebooks display: no scripts, no colours, and every text escaped.

A front end of notebooks colours text and tables itself, for light and dark themes. It would also read `$...$` in a text
as a formula, which the class `tex2jax_ignore` prevents: `$` is a common word.
"""

import base64
import html
from collections.abc import Iterable, Sequence

from tfgraphs.errors import printable

_PLAIN = 'class="tex2jax_ignore"'


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", texts: int = 1) -> str:
    """Returns a table. Its first columns, `texts` of them, are aligned left, and the others, numbers, right."""

    def cells(kind: str, values: Sequence[object]) -> str:
        sides = (("left" if column < texts else "right", value) for column, value in enumerate(values))
        return "".join(f'<{kind} style="text-align: {side}">{text(value)}</{kind}>' for side, value in sides)

    head, lines = cells("th", columns), [cells("td", row) for row in rows]
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    above = f"<caption>{text(caption)}</caption>\n" if caption else ""
    return f"<table {_PLAIN}>\n{above}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"


def line(value: str) -> str:
    """Returns a text as a line of its own."""
    return f"<div {_PLAIN}>{text(value)}</div>"


def bar(done: float | None) -> str:
    """Returns a bar of the share that is done, 0..1; None for an unknown one."""
    value = "" if done is None else f' value="{min(max(done, 0), 1):.3f}"'
    return f'<progress max="1"{value} style="width: 24em"></progress>'


def image(png: bytes, description: str) -> str:
    """Returns a picture that is part of the page."""
    return f'<img alt="{text(description)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def text(value: object) -> str:
    """Escapes a text, also what a page or a terminal would not show."""
    return html.escape(printable(str(value)))
