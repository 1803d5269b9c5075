"""The commands that do the same as the page, and what files record of them."""

import hashlib
import shlex
from collections.abc import Mapping

from tfgraphs.monitor.progress import Progress
from tfgraphs.pictures import samples
from tfgraphs.version import __version__

Flags = Mapping[str, object]
"""Values of flags; True for one without a value, a list for one that is repeated."""


def shown_name(key: str, kind: str) -> str:
    """Returns the name of a picture in a command: samples have theirs, others are on the person's machine."""
    return key if key.startswith(samples.PREFIX) else f"{kind}.jpg"


def command_line(command: str, picture: str, flags: Flags) -> str:
    """Returns a command for the shell."""
    given = []
    for name, value in flags.items():
        for one in value if isinstance(value, list) else [value]:
            given.append(f"--{name}" if one is True else f"--{name}={one}")
    return shlex.join([f"bin/{command}", picture, *given])


def origin(command: str, flags: Flags) -> dict[str, object]:
    """Returns what a file records, as the command does, see its --show_flags."""
    return {"command": command, "version": __version__, "flags": dict(flags)}


def differing(values: Flags, defaults: Flags) -> dict[str, object]:
    """Returns the flags whose values differ from their defaults."""
    return {name: value for name, value in values.items() if value != defaults[name]}


def unfinished(last: Progress) -> str:
    """Returns what the name of a result has besides if it was stopped, so that it replaces no finished one."""
    return "" if last.done >= 1 else f"_step_{last.step}"


def digest(value: object) -> str:
    """Returns a short name for a value: the same for the same `repr`."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]
