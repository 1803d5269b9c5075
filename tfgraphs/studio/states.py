"""Reads the state of a tab, which a page sends as JSON: every value is checked before it is used."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from tfgraphs.errors import TfgraphsError

State = Mapping[str, Any]
Question = Callable[[State], Any]
"""What a tab answers at once, in JSON."""


class StateError(TfgraphsError):
    """A part of the state of a tab is missing or wrong."""


def read_text(state: State, name: str, default: str = "", most: int = 20_000) -> str:
    """Returns a text of at most so many characters."""
    value = state.get(name, default)
    if not isinstance(value, str) or len(value) > most:
        raise StateError(f"{name} has to be a text of at most {most:,} characters")
    return value


def read_choice(state: State, name: str, choices: Collection[str], default: str) -> str:
    """Returns one of some texts."""
    value = read_text(state, name, default)
    if value not in choices:
        raise StateError(f"{name} is {value[:40]!r}: choose one of {', '.join(choices)}")
    return value


def read_number(state: State, name: str, default: float, least: float, most: float) -> float:
    """Returns a finite number of a range; a text of a number is one."""
    value = state.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not least <= number <= most:
        raise StateError(f"{name} is {str(value)[:40]!r}: it has to be a number from {least:g} to {most:g}")
    return number


def read_count(state: State, name: str, default: int, least: int, most: int) -> int:
    """Returns a whole number of a range."""
    number = read_number(state, name, default, least, most)
    if not number.is_integer():
        raise StateError(f"{name} is {number:g}: it has to be a whole number")
    return int(number)
