"""Flags that mean the same in several commands, each with its own defaults, and flags for settings dataclasses."""

import dataclasses
import inspect
import os.path
import re
import typing
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from absl import flags

from tfgraphs.cli.shared.command import UsageError, flag_values

flags.disclaim_key_flags()  # the flags belong to the modules that call these functions

Settings = TypeVar("Settings")

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n     .*)*)", re.MULTILINE)
_REFERENCE = re.compile(r"[;.]\s+[Ss]ee\s+`[\w.]+`")


_COMMON: dict[str, tuple[Any, ...]] = {  # type, help, bounds
    "steps": (int, "Gradient steps, over all octaves or scales.", 1),
    "size": (int, "Longer side in pixels to which a larger picture is reduced; 0: its own size.", 0),
    "tile_size": (int, "Side of the tiles in which a picture is computed, in pixels; 0: no tiles.", 0),
    "optimizer": (str, "A Keras optimizer by name: adam, sgd, adagrad ..."),
    "seed": (int, "Seed of all random numbers; the same seed gives the same bytes.", 0, 2**31 - 1),
}


def define(name: str, default: object, note: str = "") -> flags.FlagHolder[Any]:
    """Defines one of the flags that mean the same in all commands; the note is added to its help."""
    kind, text, *bounds = _COMMON[name]
    return _maker(kind)(name, default, f"{text} {note}".strip(), *bounds)


def define_path(name: str, default: str | None, text: str) -> flags.FlagHolder[Any]:
    """Defines a flag for a path, pattern or name of something that also has a path, see `path`."""
    return flags.DEFINE(_PathParser(), name, default, text)


def define_paths(name: str, default: list[str] | None, text: str) -> flags.FlagHolder[Any]:
    """Defines a flag for paths that may be repeated, see `define_path`."""
    return flags.DEFINE_multi(_PathParser(), flags.ArgumentSerializer(), name, default, text)


def define_list(name: str, default: list[str] | None, text: str) -> flags.FlagHolder[Any]:
    """Defines a flag for a list of texts: separated by commas, or the flag given several times."""
    return flags.DEFINE_flag(_ListFlag(flags.ListParser(), flags.ArgumentSerializer(), name, default, text))


def path(text: str) -> str:
    """Returns a path as it was typed with ~ and ~user as home folders, which a shell leaves alone after `--flag=`."""
    return os.path.expanduser(text)


class _ListFlag(flags.MultiFlag[Any]):
    def _parse(self, arguments: Any) -> list[str]:
        return [text for part in super()._parse(arguments) for text in part]


class _PathParser(flags.ArgumentParser[str]):
    def parse(self, argument: str) -> str:
        return path(argument)


def former(old: str, new: str) -> None:
    """Lets a flag be given by its former name, too. --help does not list it, and outputs do not record it."""
    flags.DEFINE_alias(old, new, module_name="former names")


def refuse_without_effect(module: str, effective: Collection[str], what: str) -> None:
    """Raises UsageError if a flag that a module defines is given, but has no effect on what is done."""
    for name in flag_values([module]):
        if flags.FLAGS[name].present and name not in effective:
            raise UsageError(f"--{name} has no effect on {what}: leave it out")


def parse_channels(text: str, count: int) -> list[int]:
    """Returns the numbers in the value of --channels, each once: 139, 0-63, or 3,5,9-12.

    Raises:
        UsageError: the text is something else, or the layer, with `count` channels, has no such channel.
    """
    wanted: list[int] = []
    for part in text.split(","):
        if not re.fullmatch(r"\d{1,99}(-\d{1,99})?", part.strip()):
            raise UsageError(f"--channels={text} is no number, range or list of them: 139, 0-63, 3,5,9-12")
        first, _, last = part.strip().partition("-")
        if not int(first) <= int(last or first) < count:
            raise UsageError(f"--channels={text}: the layer has the channels 0 to {count - 1}")
        wanted.extend(range(int(first), int(last or first) + 1))
    return list(dict.fromkeys(wanted))


def define_settings(kind: type[Any], *without: str) -> None:
    """Defines a flag for each field of a dataclass but those in `without`.

    The help is the attribute's docstring without backquotes and references to modules. The attribute CHOICES of the
    dataclass, if any, has the values that fields of text can have.
    """
    texts = dict(_ATTRIBUTE.findall(inspect.getdoc(kind) or ""))
    choices = getattr(kind, "CHOICES", {})
    for field in dataclasses.fields(kind):
        if field.name in without:
            continue
        text = " ".join(_REFERENCE.sub("", texts.get(field.name, "")).split())
        text = (text[:1].upper() + text[1:]).replace("`", "")  # values in backquotes keep their case
        if field.name in choices:
            flags.DEFINE_enum(field.name, field.default, choices[field.name], text)
        else:
            value_type = next(iter(typing.get_args(field.type)), field.type)  # of `int | None`, int
            _maker(value_type)(field.name, field.default, text)


def _maker(kind: Any) -> Callable[..., flags.FlagHolder[Any]]:
    """Returns what defines flags of a type."""
    name = {bool: "bool", int: "integer", float: "float", str: "string"}[kind]
    return getattr(flags, f"DEFINE_{name}")


def read_settings(kind: type[Settings], **others: object) -> Settings:
    """Makes settings from the flags of the same names, and others."""
    names = [field.name for field in dataclasses.fields(typing.cast(Any, kind))]
    values = {name: flags.FLAGS[name].value for name in names if name in flags.FLAGS}
    return kind(**{**values, **others})
