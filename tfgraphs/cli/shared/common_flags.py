"""Flags that mean the same in several commands.

Each command defines those that it has, with its own defaults:

    SEED = common_flags.seed()
    STEPS = common_flags.steps(650)
    common_flags.former("iterations", "steps")
"""

import re

from absl import flags

from tfgraphs.cli.shared.command import UsageError

flags.disclaim_key_flags()  # the flags belong to the modules that call these functions

_FORMER = "former names"


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
