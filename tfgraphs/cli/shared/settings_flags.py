"""Flags for the fields of a settings dataclass, whose names, types, defaults and texts stand in the dataclass only.

settings_flags.define(TrainingSettings)
settings = settings_flags.read(TrainingSettings)
"""

import dataclasses
import inspect
import re
import typing
from typing import Any, TypeVar

from absl import flags

Settings = TypeVar("Settings")

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n     .*)*)", re.MULTILINE)
_REFERENCE = re.compile(r"[;.]\s+[Ss]ee\s+`[\w.]+`")

flags.disclaim_key_flags()  # the flags belong to the modules that call `define`


def define(kind: type[Any], *without: str) -> None:
    """Define a flag for each field; its help is the attribute's docstring without backquotes and references to modules.

    Args:
        kind: the dataclass; its attribute CHOICES, if any, has the values that fields of text can have.
        without: fields that get no flag here.
    """
    texts = dict(_ATTRIBUTE.findall(inspect.getdoc(kind) or ""))
    choices = getattr(kind, "CHOICES", {})
    makers: dict[Any, Any] = {bool: flags.DEFINE_bool, int: flags.DEFINE_integer, float: flags.DEFINE_float}
    makers[str] = flags.DEFINE_string
    for field in dataclasses.fields(kind):
        if field.name in without:
            continue
        text = " ".join(_REFERENCE.sub("", texts.get(field.name, "")).split())
        text = (text[:1].upper() + text[1:]).replace("`", "")  # values in backquotes keep their case
        if field.name in choices:
            flags.DEFINE_enum(field.name, field.default, choices[field.name], text)
        else:
            value_type = next(iter(typing.get_args(field.type)), field.type)  # of `int | None`, int
            makers[value_type](field.name, field.default, text)


def read(kind: type[Settings], **others: object) -> Settings:
    """Make settings from the flags of the same names, and others."""
    names = [field.name for field in dataclasses.fields(typing.cast(Any, kind))]
    values = {name: flags.FLAGS[name].value for name in names if name in flags.FLAGS}
    return kind(**{**values, **others})
