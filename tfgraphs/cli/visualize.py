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
from tfgraphs.pictures.sheets import bars, enlarged, sheet
from tfgraphs.version import __version__

if TYPE_CHECKING:
    from tfgraphs.backbones import Backbone
    from tfgraphs.backbones.layers import Layer

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

_MOST_KERNELS = 48  # of deeper layers, on one sheet
_NETWORK = {"backbone", "weights", "upsample"}
_SHORTER_SIDE = 256  # px of pictures to classify, as networks saw them in their training
_KERNEL = 66  # px of a kernel in colours
_SLICES = 6
_SLICE = 33  # px
_LINES = (90, 90, 95)  # RGB between slices
_BARS = 150  # px

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

    known = structure(picture_run.BACKBONE.value) if picture_run.WEIGHTS.value is None else None
    backbone = known or picture_run.load_backbone("visualize")
    columns = ["Layer", "Kind", "Channels", "Kernel", "Stride", "Receptive field", "Parameters"]
    rows, shown = [], []
    for layer in backbone.layers.values():
        view = backbone.view(layer.name)
        numbers = (view.channels, layer.kernel, layer.stride, view.receptive_field, layer.parameters)
        rows.append((layer.name, layer.kind, *numbers))
        side = f"{layer.kernel} x {layer.kernel}" if layer.kernel else "all"
        weights = f"{layer.parameters:,}" if layer.parameters else ""
        texts = (str(view.channels), side, str(layer.stride), str(view.receptive_field or "all"), weights)
        shown.append((layer.name, layer.kind, *texts))
    total = sum(layer.parameters for layer in backbone.layers.values())
    _print(columns, [*shown, ("in all", "", "", "", "", "", f"{total:,}")], rows)


def _kernels() -> None:
    command.import_tensorflow()
    from tfgraphs.backbones.looking import kernels

    backbone, layer = _load(kernels.first_convolution, kernels.convolution_of)
    convolution = kernels.convolution_of(backbone, layer)
    count = backbone.view(convolution.name).channels
    output = _output(f"{backbone.name}_{layer}_kernels")
    most = None if kernels.sees_colours(backbone, convolution) else _MOST_KERNELS
    tiles, captions, legend = _draw_kernels(backbone, convolution, _channels(count, most))
    shown = f"{len(tiles)} of {count}"
    which = shown if CHANNELS.value else str(count) if len(tiles) == count else f"the first {shown}"
    legend = f"{layer} of {backbone.name}: {which} kernels. {legend}"
    _save(output, sheet(tiles, captions, legend=legend), "kernels")
    print(f"{output}: {shown} kernels of {layer}")


def _draw_kernels(
    backbone: "Backbone", convolution: "Layer", channels: Sequence[int]
) -> tuple[list[np.ndarray], list[str], str]:
    """Draws some kernels of a convolution: returns pictures, the captions below them, and the legend of all."""
    from tfgraphs.backbones.looking.kernels import COLD, WARM, colour_kernels, sees_colours, strongest_slices

    if sees_colours(backbone, convolution):
        found = colour_kernels(backbone, convolution, channels)
        tiles = [enlarged(kernel.pixels, _KERNEL) for kernel in found]
        legend = "Each is shown as the picture that excites it most, above the number of its channel."
        return tiles, [str(kernel.channel) for kernel in found], legend
    rows = strongest_slices(backbone, convolution, channels, _SLICES)
    if rows[0][0].pixels.shape[:2] == (1, 1):  # one weight for each input channel, and no pattern to draw
        colours = tuple(WARM), tuple(COLD)
        tiles = [bars([str(one.source) for one in row], [one.largest for one in row], _BARS, colours) for row in rows]
        captions = [f"output channel {row[0].channel}" for row in rows]
        legend = (
            "Each kernel has one weight for each input channel: the bars are the weights furthest from 0, after the "
            "number of their input channel. Orange is positive, blue is negative."
        )
        return tiles, captions, legend
    tiles = [
        sheet([enlarged(one.pixels, _SLICE) for one in row], columns=len(row), gap=2, paper=_LINES) for row in rows
    ]
    captions = [f"{row[0].channel}: {' '.join(str(one.source) for one in row)}" for row in rows]
    legend = (
        "Below each kernel its output channel, and the input channels with the strongest weights, whose slices are "
        "above from left to right. Orange is positive, blue is negative, black is 0."
    )
    return tiles, captions, legend


def _activations() -> None:
    picture = _picture(640)
    command.import_tensorflow()
    from tfgraphs.backbones.looking import heat_maps

    backbone, layer = _load(heat_maps.richest_places, lambda backbone, layer: backbone.check(layer))
    output = _output(f"{picture_run.stem(INPUT.value)}_{layer}")
    smallest, own = backbone.view(layer).smallest, picture_inputs.own_size(INPUT.value)
    if SIZE.value is not None or backbone.size_of(layer) is None:
        picture_inputs.check_sides(INPUT.value, own, picture.size, smallest)
    if SIZE.value is None:
        size = backbone.nearest_size([layer], picture.size)
        picture = images.Picture(images.middle(picture.pixels, size))
    found = heat_maps.responses(backbone, layer, picture.pixels)
    if CHANNELS.value:
        wanted = _channels(backbone.view(layer).channels)
        found = [response for response in found if response.channel in wanted]
    else:
        found = found[: TOPN.value or 15]
    stride = backbone.view(layer).stride
    maps = [heat_maps.heat_map(picture.pixels, response.places, stride) for response in found]
    if len(maps) == 1:
        caption = f"{layer}, channel {found[0].channel}: at most {found[0].largest:.3g}, mean {found[0].strength:.3g}"
        pixels = sheet(maps, [caption], gap=0)
    else:
        small = images.fit(picture.size, 240)
        captions = [f"{one.channel}: {one.strength:.3g}, at most {one.largest:.3g}" for one in found]
        below = "Below each its channel: the mean response and the largest, in pale yellow."
        pixels = sheet(
            [images.resize(one, small) for one in maps], captions, legend=f"{layer} of {backbone.name}. {below}"
        )
    _save(output, pixels, "activations")
    rows = [(str(one.channel), f"{one.strength:.4g}", f"{one.largest:.4g}") for one in found]
    command.print_table(["Channel", "Mean response", "Largest"], rows)
    print(f"{output}: {layer} of {backbone.name}")


def _classify() -> None:
    picture = _picture(0)
    command.import_tensorflow()
    from tfgraphs.backbones.looking.classes import class_layer, classify

    backbone = picture_run.load_backbone("visualize", check=class_layer)
    longest = round(_SHORTER_SIDE * max(picture.size) / min(picture.size))
    pixels = picture.pixels if SIZE.value else images.resize(picture.pixels, images.fit(picture.size, longest, True))
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


def _channels(count: int, most: int | None = None) -> Sequence[int]:
    """Returns the channels of --channels, or the first of a layer."""
    return common_flags.parse_channels(CHANNELS.value, count) if CHANNELS.value else range(min(count, most or count))


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
