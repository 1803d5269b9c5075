"""What goes into commands of pictures: arguments that are not flags, and checks before TensorFlow starts."""

import math
import os.path
from collections.abc import Iterator
from pathlib import Path

from absl import flags

from tfgraphs.cli.shared import command, common_flags
from tfgraphs.pictures import films, images, samples


def take_arguments(arguments: list[str]) -> None:
    """Takes arguments that are not flags as values of --input; after `--input=a.jpg b.jpg` there are two of them.

    The flag then has a path, or a list of several. Raises UsageError for what looks like a flag without its dashes.
    """
    flag = flags.FLAGS["input"]
    for argument in arguments:
        name = argument.partition("=")[0]
        if "=" in argument and name in flags.FLAGS and not os.path.exists(argument):
            raise command.UsageError(f"{argument!r} is not a file: is --{argument} meant?")
    given = [*([flag.value] if flag.value else []), *map(common_flags.path, arguments)]
    flag.value = given if len(given) > 1 else (given or [None])[0]


def sources(place: str | list[str]) -> list[Path]:
    """Returns the pictures of folders, patterns and files, see `films.sources`, each once."""
    return list(dict.fromkeys(path for one in _places(place) for path in films.sources(one)))


def iterate(place: str | list[str]) -> Iterator[Path]:
    """Yields the same as they are found; one that is named several times comes as often."""
    for one in _places(place):
        yield from films.iterate(one)


def _places(place: str | list[str]) -> list[str | Path]:
    places = place if isinstance(place, list) else [place]
    return [samples.resolve(one) if one.startswith(samples.PREFIX) else one for one in places]


def check_sides(path: str, own: tuple[int, int], reduced: tuple[int, int], smallest: int) -> None:
    """Checks that a picture is large enough.

    Args:
        path: of the picture, for the message.
        own: its height and width in pixels.
        reduced: the same after --size.
        smallest: pixels of the shorter side that are needed.

    Raises:
        UsageError: names the picture, its own size, the flag and what to do.
    """
    if min(reduced) >= smallest:
        return
    size = f"{path} has {own[1]} x {own[0]} px"
    if min(own) < smallest:
        raise command.UsageError(f"{size}, which is too small: give a picture of at least {smallest} px a side")
    longest = math.ceil(smallest * max(own) / min(own))
    flag = f"--size={flags.FLAGS['size'].value or max(reduced)}"
    raise command.UsageError(
        f"{size}, which {flag} reduces to {reduced[1]} x {reduced[0]} px: at least {smallest} px a side are needed, "
        f"give --size={min(longest, max(own))} or more"
    )


def own_size(path: str) -> tuple[int, int]:
    """Returns the height and width of a picture or a sample, before --size."""
    return images.read_size(samples.resolve(path))
