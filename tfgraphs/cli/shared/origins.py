"""The command that made a picture or film, which `images.save` and `films.save` store in it."""

import shlex
from collections.abc import Mapping

from absl import flags

from tfgraphs.pictures import films, images


def read_command_line(path: str, name: str) -> str:
    """Returns the command that made a picture or film.

    Args:
        path: of the file.
        name: of the running command, see `command_line`.

    Raises:
        ImageError, FilmError: the file does not say how it was made.
    """
    origin = (films if films.is_film(path) else images).read_origin(path)
    if not isinstance(origin.get("flags"), dict):
        raise images.ImageError(f"{path} does not say how it was made: it is no picture of tfgraphs")
    return command_line(origin, name)


def command_line(origin: Mapping[str, object], name: str) -> str:
    """Returns the command of an origin; flags of the running command `name` that have their defaults are left out."""
    values = origin["flags"]
    assert isinstance(values, dict)
    known = flags.FLAGS if origin.get("command") == name else {}
    given = [
        _arguments(flag, value)
        for flag, value in values.items()
        if value is not None and (flag not in known or value != known[flag].default)
    ]
    words = str(origin.get("command")).split()
    return shlex.join([*words, *(argument for arguments in given for argument in arguments)])


def _arguments(flag: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no{flag}"]
    return [f"--{flag}={one}" for one in (value if isinstance(value, list) else [value])]
