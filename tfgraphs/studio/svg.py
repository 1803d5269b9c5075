"""Drawings as text: SVG elements, and colours of numbers."""

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

# Negative, none, positive: the ends and the middle of RdBu (Brewer 2003, colorbrewer2.org).
_COLD, _NEUTRAL, _WARM = (33, 102, 172), (240, 240, 240), (178, 24, 43)
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Kind = Literal["none", "wide", "other"]
_WIDTHS: dict[Kind, float] = {"none": 0.0, "wide": 1.8, "other": 1.0}
STEEPNESS = 2.5  # tanh(2.5 x) is 2 sigmoid(5 x) - 1, the scale of wevi


def element(name: str, *children: str, **attributes: object) -> str:
    """Returns an element.

    Args:
        name: of the element.
        children: elements, which are text already; `text` escapes others.
        attributes: underscores stand for hyphens, one at the end is left out; those that are None are left out.
    """
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    written = "".join(f" {key}={quoteattr(clean(_number(value)))}" for key, value in given.items())
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def drawing(width: float, height: float, *children: str, label: str) -> str:
    """Returns a whole drawing.

    Args:
        width, height: in pixels, unless it is scaled to the width of its place.
        children: elements.
        label: what a screen reader calls it.
    """
    box = f"0 0 {_number(width)} {_number(height)}"
    return element(
        "svg",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=box,
        width=width,
        height=height,
        role="group",
        aria_label=label,
    )


def clean(content: str) -> str:
    """Returns a text without characters that XML does not have."""
    return _NO_XML.sub("\ufffd", content)


def text(content: str, x: float, y: float, **attributes: object) -> str:
    """Returns a text at a place."""
    return element("text", escape(clean(content)), x=x, y=y, **attributes)


def letters(content: str) -> float:
    """Returns the width of a text in Latin letters; Chinese ones are wider, and marks over letters have no width."""
    return sum(_WIDTHS[letter_kind(letter)] for letter in content)


def letter_kind(letter: str) -> Kind:
    """Returns what decides the width of a letter: a mark has none, and those of Chinese and emoji are wide."""
    if unicodedata.category(letter)[0] == "M" or unicodedata.category(letter) == "Cf":
        return "none"
    return "wide" if unicodedata.east_asian_width(letter) in "WF" else "other"


def title(content: str) -> str:
    """Returns the hint of the element in which it is put."""
    return element("title", escape(clean(content)))


def line(start: Sequence[float], end: Sequence[float], **attributes: object) -> str:
    """Returns a line between two places."""
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], **attributes)


def colour(value: float) -> str:
    """Returns the colour of a number: blue below 0, nearly white at 0, red above, saturated from 1 on."""
    share = math.tanh(STEEPNESS * value)
    end = _WARM if share > 0 else _COLD
    mixed = (round(middle + (full - middle) * abs(share)) for middle, full in zip(_NEUTRAL, end, strict=True))
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def _number(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
