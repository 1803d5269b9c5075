"""Flags that mean the same in several commands, each with its own defaults, and flags for settings dataclasses."""

import dataclasses
import inspect
import re
import typing
from typing import Any, TypeVar

from absl import flags

from tfgraphs.cli.shared.command import UsageError

flags.disclaim_key_flags()  # the flags belong to the modules that call these functions

Settings = TypeVar("Settings")

_FORMER = "former names"
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n     .*)*)", re.MULTILINE)
_REFERENCE = re.compile(r"[;.]\s+[Ss]ee\s+`[\w.]+`")


def steps(default: int | None, note: str = "") -> flags.FlagHolder[int | None]:
    text = f"Gradient steps, over all octaves or scales. {note}"
    return flags.DEFINE_integer("steps", default, text.strip(), 1)


def size(default: int | None, note: str = "") -> flags.FlagHolder[int | None]:
    text = f"Longer side in pixels to which a larger picture is reduced; 0: its own size. {note}"
    return flags.DEFINE_integer("size", default, text.strip(), 0)


def tile_size(default: int | None, note: str = "") -> flags.FlagHolder[int | None]:
    text = f"Side of the tiles in which a picture is computed, in pixels; 0: no tiles. {note}"
    return flags.DEFINE_integer("tile_size", default, text.strip(), 0)


def optimizer(default: str | None, note: str = "") -> flags.FlagHolder[str | None]:
    text = f"A Keras optimizer by name: adam, sgd, adagrad ... {note}"
    return flags.DEFINE_string("optimizer", default, text.strip())


def seed() -> flags.FlagHolder[int | None]:
    text = "Seed of all random numbers; the same seed gives the same bytes."
    return flags.DEFINE_integer("seed", 0, text, 0, 2**31 - 1)


def backbone(default: str) -> flags.FlagHolder[str | None]:
    text = "The network: squeezenet, vgg19, googlenet, resnet50 ..., a file or hub:HANDLE. Files are checked: they can "
    return flags.DEFINE_string("backbone", default, f"{text}compute, but not read or write files.")


def output(default: str | None, what: str) -> flags.FlagHolder[str | None]:
    return flags.DEFINE_string("output", default, f"What to write: {what}")


def logdir(what: str) -> flags.FlagHolder[str | None]:
    return flags.DEFINE_string("logdir", None, f"Folder for TensorBoard: {what}.")


def former(old: str, new: str) -> None:
    """Lets a flag be given by its former name, too. --help does not list it, and outputs do not record it."""
    flags.DEFINE_alias(old, new, module_name=_FORMER)


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


def read_settings(kind: type[Settings], **others: object) -> Settings:
    """Makes settings from the flags of the same names, and others."""
    names = [field.name for field in dataclasses.fields(typing.cast(Any, kind))]
    values = {name: flags.FLAGS[name].value for name in names if name in flags.FLAGS}
    return kind(**{**values, **others})
