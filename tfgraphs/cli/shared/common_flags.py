"""Flags that mean the same in several commands.

Each command defines those that it has, with its own defaults:

    SEED = common_flags.seed()
    STEPS = common_flags.steps(650)
    common_flags.former("iterations", "steps")
"""

from absl import flags

flags.disclaim_key_flags()  # the flags belong to the modules that call these functions

_FORMER = "former names"


def steps(default: int | None, note: str = "") -> flags.FlagHolder[int | None]:
    return flags.DEFINE_integer("steps", default, f"Gradient steps, over all octaves or scales.{_after(note)}", 1)


def size(default: int | None, note: str = "") -> flags.FlagHolder[int | None]:
    return flags.DEFINE_integer(
        "size",
        default,
        f"Longer side in pixels to which a larger picture is reduced; 0: its own size.{_after(note)}",
        0,
    )


def tile_size(default: int | None, note: str = "") -> flags.FlagHolder[int | None]:
    return flags.DEFINE_integer(
        "tile_size",
        default,
        f"Side of the tiles in which a picture is computed, in pixels; 0: no tiles.{_after(note)}",
        0,
    )


def optimizer(default: str | None, note: str = "") -> flags.FlagHolder[str | None]:
    return flags.DEFINE_string("optimizer", default, f"A Keras optimizer by name: adam, sgd, adagrad ...{_after(note)}")


def seed() -> flags.FlagHolder[int | None]:
    return flags.DEFINE_integer(
        "seed", 0, "Seed of all random numbers; the same seed gives the same bytes.", 0, 2**31 - 1
    )


def backbone(default: str) -> flags.FlagHolder[str | None]:
    return flags.DEFINE_string(
        "backbone",
        default,
        "The network: squeezenet, vgg19, googlenet, resnet50 ..., a file or hub:HANDLE. "
        "Files are checked: they can compute, but not read or write files.",
    )


def weights() -> flags.FlagHolder[str | None]:
    return flags.DEFINE_string("weights", None, "A file with weights for --backbone, instead of the published ones.")


def output(default: str | None, what: str) -> flags.FlagHolder[str | None]:
    return flags.DEFINE_string("output", default, f"What to write: {what}")


def logdir(what: str) -> flags.FlagHolder[str | None]:
    return flags.DEFINE_string("logdir", None, f"Folder for TensorBoard: {what}.")


def former(old: str, new: str) -> None:
    """Lets a flag be given by its former name, too. --help does not list it, and outputs do not record it."""
    flags.DEFINE_alias(old, new, module_name=_FORMER)


def _after(note: str) -> str:
    return f" {note}" if note else ""
