"""Shows what a network consists of and what it responds to.

    visualize layers --backbone=vgg19                        its layers, as names for `deepdream --layer`
    visualize kernels --backbone=alexnet --layer=conv1       the kernels of a convolution, as a sheet of pictures
    visualize activations cat.jpg --layer=fire9 --channel=139     where in a picture a channel responds
    visualize activations cat.jpg                            the channels that respond most, on a sheet
    visualize classify cat.jpg                               the classes of a picture
    visualize feature                                        pictures that excite thirty striking channels, as a page
    visualize feature --layer=fire9 --channels=0-63          the same for other channels
    visualize feature --workers=4                            by four processes; --scheduler: by other machines
    visualize feature --objective='fire5:3 + fire5:42' --style=maco --output=unit.png     or for a mixture, as a picture

In the table of layers, kernel and stride are in positions of the layer below; the receptive field is the side in
pixels of the square of the picture that one position depends on. Kernels that read the picture are shown in its
colours. Of deeper ones the slices of the strongest input channels are shown, with their numbers below them, positive
weights in a warm colour and negative ones in a cold colour; slices of a single weight are shown as bars. Features begin
as noise and are changed until they excite a unit: --style=naive,multiscale,laplacian are styles of 2015, fourier and
maco are newer ones.
"""

import json
import os.path
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from tfgraphs.cli import visualize_feature
from tfgraphs.cli.shared import (
    command,
    common_flags,
    picture_inputs,
    picture_run,
    run_state,
    scheduled_run,
    scheduler_flags,
)
from tfgraphs.cli.visualize_feature import feature
from tfgraphs.pictures import images, samples
from tfgraphs.version import __version__

if TYPE_CHECKING:
    from tfgraphs.backbones import Backbone

INPUT = common_flags.define_path("input", None, "activations, classify: the picture, or sample:NAME.")
common_flags.former("content", "input")
SIZE = common_flags.define("size", None, "By default a good one.")
LAYER = flags.DEFINE_string(
    "layer",
    None,
    "kernels, activations, feature: the layer. By default the first convolution, or a deep layer with positions.",
)
CHANNELS = flags.DEFINE_string(
    "channels", None, "kernels, activations, feature: only these channels: 139, or 0-63, or 3,5,9-12."
)
flags.DEFINE_alias("channel", "channels")
TOPN = flags.DEFINE_integer(
    "topn", None, "activations, classify: number of channels on the sheet (15) or of classes (5).", lower_bound=1
)
FORMAT = flags.DEFINE_enum("format", "table", ["table", "json"], "layers, classify: how the answer is printed.")

_NETWORK = {"backbone", "weights", "upsample"}

# The flags that a command reads, of those that not all do.
_FLAGS = {
    "layers": {"format"},
    "kernels": {"layer", "channels", "output"},
    "activations": {"input", "size", "layer", "channels", "topn", "output"},
    "classify": {"input", "size", "topn", "format"},
    "feature": {"size", "layer", "channels", "output", "workers", *scheduler_flags.NAMES},
}


def main(arguments: list[str]) -> None:
    name, *others = arguments or [""]
    if name not in _FLAGS:
        if os.path.isfile(name) or name.startswith(samples.PREFIX):
            raise command.UsageError(f"what of {name}? visualize classify {name}, or visualize activations {name}")
        raise command.UsageError(f"unknown or missing command: give one of {', '.join(_FLAGS)}")
    if others and "input" not in _FLAGS[name]:
        raise command.UsageError(f"{others[0]!r} is not a flag: {name} takes flags only, such as --backbone=vgg19")
    picture_inputs.take_arguments(others)
    if isinstance(INPUT.value, list):
        raise command.UsageError(f"{name} takes one picture: give it {INPUT.value[0]} alone")
    if not picture_run.shows_flags(f"visualize {name}"):
        _check_flags(name)
        picture_run.check_network_files()
        commands = {"layers": _layers, "kernels": _kernels, "activations": _activations, "classify": _classify}
        commands["feature"] = lambda: feature(__name__)
        commands[name]()


def _check_flags(name: str) -> None:
    """Raises UsageError if a flag was given that the command does not read."""
    given = {flag for flag in set().union(*_FLAGS.values()) if flags.FLAGS[flag].value != flags.FLAGS[flag].default}
    for flag in sorted(given - _FLAGS[name]):
        others = [other for other, known in _FLAGS.items() if flag in known]
        raise command.UsageError(f"--{flag} is for {', '.join(others)}, not for {name}: leave it out")
    if name == "activations" and CHANNELS.value and TOPN.value:
        raise command.UsageError("--topn is for the strongest channels: leave it out, or --channels")


def _layers() -> None:
    command.import_tensorflow()
    from tfgraphs.backbones import structure
    from tfgraphs.backbones.layer_table import COLUMNS, layer_rows

    known = structure(picture_run.BACKBONE.value) if picture_run.WEIGHTS.value is None else None
    backbone = known or picture_run.load_backbone("visualize")
    layers = [(layer, backbone.view(layer.name)) for layer in backbone.layers.values()]
    rows = [
        (layer.name, layer.kind, view.channels, layer.kernel, layer.stride, view.receptive_field, layer.parameters)
        for layer, view in layers
    ]
    _print(COLUMNS, [*layer_rows(layers), ("in all", "", "", "", "", "", f"{backbone.parameters:,}")], rows)


def _kernels() -> None:
    command.import_tensorflow()
    from tfgraphs.backbones.looking import kernels
    from tfgraphs.backbones.looking.sheets import kernel_sheet

    backbone, layer = _load(kernels.first_convolution, kernels.convolution_of)
    count = backbone.view(kernels.convolution_of(backbone, layer).name).channels
    output = _output(f"{backbone.name}_{layer}_kernels")
    drawn = kernel_sheet(backbone, layer, _channels(count))
    _save(output, drawn.pixels, "kernels")
    print(f"{output}: {drawn.shown} of {count} kernels of {layer}")


def _activations() -> None:
    picture = _picture(640)
    command.import_tensorflow()
    from tfgraphs.backbones.looking import heat_maps
    from tfgraphs.backbones.looking.sheets import response_sheet

    backbone, layer = _load(heat_maps.richest_places, lambda backbone, layer: backbone.check(layer))
    output = _output(f"{picture_run.stem(INPUT.value)}_{layer}")
    smallest, own = backbone.view(layer).smallest, picture_inputs.own_size(INPUT.value)
    if SIZE.value is not None or backbone.size_of(layer) is None:
        picture_inputs.check_sides(INPUT.value, own, picture.size, smallest)
    if SIZE.value is None:
        size = backbone.nearest_size([layer], picture.size)
        picture = images.Picture(images.middle(picture.pixels, size))
    found = heat_maps.responses(backbone, layer, picture.pixels)
    wanted = _channels(backbone.view(layer).channels)
    if wanted is not None:
        found = [response for response in found if response.channel in wanted]
    else:
        found = found[: TOPN.value or 15]
    pixels = response_sheet(backbone, layer, picture.pixels, found)
    _save(output, pixels, "activations")
    rows = [(str(one.channel), f"{one.strength:.4g}", f"{one.largest:.4g}") for one in found]
    command.print_table(["Channel", "Mean response", "Largest"], rows)
    print(f"{output}: {layer} of {backbone.name}")


def _classify() -> None:
    picture = _picture(0)
    command.import_tensorflow()
    from tfgraphs.backbones.looking.classes import as_in_training, class_layer, classify

    backbone = picture_run.load_backbone("visualize", check=class_layer)
    pixels = picture.pixels if SIZE.value else as_in_training(picture.pixels)
    guesses = classify(backbone, pixels, TOPN.value or 5)
    shown = [(guess.name, str(guess.number), f"{guess.probability:.1%}") for guess in guesses]
    rows = [(guess.name, guess.number, guess.probability) for guess in guesses]
    _print(["Class", "Number", "Probability"], shown, rows)


def _picture(size: int) -> images.Picture:
    if not INPUT.value:
        raise command.UsageError("which picture? Give its file, or --input=photo.jpg, or sample:cat")
    return picture_run.load_picture(INPUT.value, size if SIZE.value is None else SIZE.value)


def _load(default: "Callable[[Backbone], str]", check: "Callable[[Backbone, str], object]") -> "tuple[Backbone, str]":
    """Loads the network and returns it with the name of the layer; checks the layer before the weights are loaded."""

    def chosen(backbone: "Backbone") -> str:
        layer = LAYER.value or default(backbone)
        check(backbone, layer)
        return layer

    backbone = picture_run.load_backbone("visualize", check=chosen)
    return backbone, chosen(backbone)


def _output(name: str) -> Path:
    """Returns the path of the picture, after checking that it can be written."""
    output = Path(picture_run.OUTPUT.value or re.sub(r"[^\w.-]", "_", name) + ".png")
    images.check_format(output)
    picture_run.check_output(output, [INPUT.value] if INPUT.value else [])
    return output


def _save(output: Path, pixels: np.ndarray, name: str) -> None:
    """Writes a picture with the flags that made it."""
    values = command.flag_values([__name__, picture_run.__name__])
    made_it = (_FLAGS[name] | _NETWORK) - {"output"}
    given = {flag: value for flag, value in values.items() if flag in made_it}
    origin = {"command": f"visualize {name}", "version": __version__, "flags": given}
    images.save(output, images.Picture(pixels), origin)


def _channels(count: int) -> Sequence[int] | None:
    """Returns the channels of --channels, None if it is not given."""
    return common_flags.parse_channels(CHANNELS.value, count) if CHANNELS.value else None


def _print(columns: Sequence[str], shown: Sequence[Sequence[str]], rows: Sequence[Sequence[Any]]) -> None:
    """Prints a table, or the rows as JSON."""
    if FORMAT.value == "table":
        command.print_table(columns, shown)
    else:
        names = [column.lower().replace(" ", "_") for column in columns]
        print(json.dumps([dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False))


def run() -> None:
    modules = [__name__, visualize_feature.__name__, picture_run.__name__, run_state.__name__]
    command.run("visualize", main, __doc__, [*modules, *scheduled_run.FLAG_MODULES])


if __name__ == "__main__":
    run()
