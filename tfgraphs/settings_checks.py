"""Checks of the values of settings."""

import math
import operator
from collections.abc import Mapping, Sequence
from typing import ClassVar

from tfgraphs.errors import TfgraphsError


class CheckedSettings:
    """A base of frozen dataclasses whose values are checked. None is always allowed.

    Attributes:
        ERROR: what a wrong value raises.
        CHOICES: the values that fields of text can have.
        LEAST: the least values of fields of numbers, which are finite.
        ABOVE: values that fields of numbers, which are finite, must exceed.
    """

    ERROR: ClassVar[type[TfgraphsError]]
    CHOICES: ClassVar[Mapping[str, Sequence[str]]] = {}
    LEAST: ClassVar[Mapping[str, float]] = {}
    ABOVE: ClassVar[Mapping[str, float]] = {}

    def __post_init__(self) -> None:
        for name, choices in self.CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in choices:
                raise self.ERROR(f"{name} is {value!r}: choose one of {', '.join(choices)}")
        for limits, words, holds in ((self.LEAST, "at least", operator.ge), (self.ABOVE, "more than", operator.gt)):
            for name, limit in limits.items():
                value = getattr(self, name)
                if value is not None and not (math.isfinite(value) and holds(value, limit)):
                    bound = f", {words} {limit:,}" if math.isfinite(limit) else ""
                    raise self.ERROR(f"{name} is {value}: it must be a finite number{bound}")
