"""The tab Look: what a network consists of, and what it sees in your own picture, wherever you point.

The state says which network, layer and picture, and which place and unit were chosen. Answers that have pictures name
them, see `views`.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgraphs.extras import install_extra
from tfgraphs.pictures import images, samples
from tfgraphs.studio import look_drawings
from tfgraphs.studio.commands import origin, shown_name
from tfgraphs.studio.jobs import Worker
from tfgraphs.studio.networks import Networks, Responses
from tfgraphs.studio.previews import exact, preview
from tfgraphs.studio.states import Question, State, StateError, read_choice, read_count, read_number, read_text
from tfgraphs.studio.tables import write_table
from tfgraphs.studio.uploads import Uploads
from tfgraphs.studio.views import Views

if TYPE_CHECKING:
    import numpy as np

    from tfgraphs.backbones import Backbone
    from tfgraphs.backbones.looking.classes import Guess

STRONGEST = 15  # units, as on the sheet of `visualize activations`
CLASSES = 5
_DEFAULT = "squeezenet"
_FIRST_PICTURE = "sample:cat"
_EXPORTS = ("kernels", "responses", "unit", "units", "classes")


@dataclass(frozen=True)
class _Choice:
    """The network and layer that were chosen, the network without weights."""

    network: str
    structure: "Backbone"
    layer: str

    @property
    def kernels(self) -> int:
        """How many kernels the layer has; raises LayerError if it has none."""
        from tfgraphs.backbones.looking.kernels import convolution_of

        return self.structure.view(convolution_of(self.structure, self.layer).name).channels


class LookTab:
    """See `server.Tab`.

    Args:
        start: starts TensorFlow, if it has not been started.
        results: folder for what is exported.
        uploads: pictures that people brought.
        views: takes pictures to look at.
        networks: that can be chosen; by default those on this machine.
    """

    name = "look"

    def __init__(
        self,
        start: Callable[[], None],
        results: Path,
        uploads: Uploads,
        views: Views,
        networks: Networks | None = None,
    ) -> None:
        self._start, self._results, self._uploads, self._views = start, results, uploads, views
        self._networks = networks or Networks()
        self.questions: Mapping[str, Question] = {
            "structure": self.structure,
            "kernels": self.kernels,
            "responses": self.responses,
            "place": self.place,
            "unit": self.unit,
            "classes": self.classes,
            "command": self.command,
            "export": self.export,
        }
        self.works: Mapping[str, Worker] = {}

    def structure(self, state: State) -> dict[str, Any]:
        """Draws a network, for which its weights are not read.

        Args:
            state: of all questions: network; layer; picture, the key of one that was brought, or sample:NAME; place,
                [x, y] as shares of the picture; unit, a channel; first, the first kernel to show.
        """
        choice = self._choice(state)
        known = [*samples.installed(samples.PHOTOGRAPHS), *samples.installed(samples.PAINTINGS)]
        return {
            "networks": list(self._networks.structures()),
            "network": choice.network,
            "layer": choice.layer,
            "layers": list(choice.structure.layers),
            "drawing": look_drawings.network(look_drawings.blocks(choice.structure), choice.network),
            "picture": _FIRST_PICTURE if _FIRST_PICTURE in known else known[0],
        }

    def kernels(self, state: State) -> dict[str, Any]:
        """Draws kernels of the layer, or says why it has none."""
        choice = self._choice(state)
        from tfgraphs.backbones import LayerError

        try:
            count = choice.kernels
        except LayerError as error:
            return {"missing": str(error)}
        pixels, shown = self._draw_kernels(choice, state)
        first = min(read_count(state, "first", 0, 0, 1 << 20), count - 1)
        return {"view": self._views.add(exact(pixels), ".png"), "first": first, "shown": shown, "count": count}

    def responses(self, state: State) -> dict[str, Any]:
        """Draws where the strongest units of the layer respond in the picture, or says why it has no places."""
        choice, path = self._choice(state), self._picture(state)
        if not choice.structure.view(choice.layer).receptive_field:
            return {"missing": f"{choice.layer} is one value for the whole picture: choose a layer before it"}
        from tfgraphs.backbones.looking.sheets import small_map

        responses = self._networks.responses(choice.network, choice.layer, path)
        strongest = [
            {
                "channel": one.channel,
                "strength": one.strength,
                "largest": one.largest,
                "view": self._views.add(preview(small_map(_heat_map(responses, one.channel)))),
            }
            for one in responses.found[:STRONGEST]
        ]
        height, width = responses.pixels.shape[:2]
        return {
            "view": self._views.add(preview(responses.pixels)),
            "size": [width, height],
            "positions": list(responses.positions),
            "channels": len(responses.found),
            "strongest": strongest,
        }

    def place(self, state: State) -> dict[str, Any]:
        """Tells which units respond at a place of the picture, the strongest first, and what they see of it."""
        responses = self._responses(state)
        row, column = responses.position(*_read_place(state))
        units = responses.at(row, column)
        return {
            "row": row,
            "column": column,
            "place": list(responses.place(row, column)),
            "square": responses.square(row, column),
            "units": [[channel, value] for channel, value in units[:STRONGEST] if value > 0],
            "responding": sum(value > 0 for _, value in units),
            "channels": len(units),
        }

    def unit(self, state: State) -> dict[str, Any]:
        """Draws where in the picture a unit responds."""
        responses = self._responses(state)
        channel = _read_unit(state, responses)
        one = responses.by_channel[channel]
        return {
            "view": self._views.add(preview(_heat_map(responses, channel))),
            "channel": channel,
            "strength": one.strength,
            "largest": one.largest,
        }

    def classes(self, state: State) -> dict[str, Any]:
        """Tells the most probable classes of the picture, or why the network has none."""
        choice = self._choice(state)
        if _class_layer(choice.structure) is None:
            return {"missing": f"the weights of {choice.network} on this machine end before its classes"}
        guesses = self._classify(state)
        return {"classes": [[guess.name, guess.number, guess.probability] for guess in guesses]}

    def command(self, state: State) -> dict[str, str]:
        """Returns the commands that show the same."""
        choice = self._choice(state)
        from tfgraphs.backbones import LayerError

        network = [] if choice.network == _DEFAULT else [f"--backbone={choice.network}"]
        layer, key = f"--layer={choice.layer}", read_text(state, "picture")
        picture = key and shown_name(key, "photo")
        commands = [["layers", *network]]
        try:
            channels = _range(state, choice)
            only = [] if channels is None else [f"--channels={channels[0]}-{channels[-1]}"]
            commands.append(["kernels", *network, layer, *only])
        except LayerError:
            pass
        if picture and choice.structure.view(choice.layer).receptive_field:
            unit = [] if state.get("unit") is None else [f"--channel={read_count(state, 'unit', 0, 0, 1 << 20)}"]
            commands.append(["activations", picture, *network, layer, *unit])
        if picture and _class_layer(choice.structure):
            commands.append(["classify", picture, *network])
        return {"command": "\n".join(shlex.join(["bin/visualize", *words]) for words in commands)}

    def export(self, state: State) -> dict[str, str]:
        """Writes what is shown as a table or picture, and returns the name of the file.

        Args:
            state: also with what: kernels or responses, sheets; unit, a heat map; units, the table of units at the
                place; classes, the table of classes.
        """
        what = read_choice(state, "what", _EXPORTS, "kernels")
        choice = self._choice(state)
        if what == "kernels":
            pixels, _ = self._draw_kernels(choice, state)
            first = str(read_count(state, "first", 0, 0, 1 << 20))
            return self._save("kernels", [choice.network, choice.layer, "kernels", first], pixels, state)
        picture = _stem(read_text(state, "picture"))
        if what == "classes":
            rows = [(guess.name, guess.number, repr(guess.probability)) for guess in self._classify(state)]
            return self._table([picture, choice.network, "classes"], ("class", "number", "probability"), rows)
        responses = self._responses(state)
        if what == "units":
            row, column = responses.position(*_read_place(state))
            units = [(channel, repr(value)) for channel, value in responses.at(row, column)]
            name = [picture, choice.layer, "row", str(row), "column", str(column)]
            return self._table(name, ("channel", "activation"), units)
        from tfgraphs.backbones.looking.sheets import response_sheet

        found, name = responses.found[:STRONGEST], [picture, choice.layer]
        if what == "unit":
            channel = _read_unit(state, responses)
            found, name = [responses.by_channel[channel]], [*name, str(channel)]
        sheet = response_sheet(self._networks.load(choice.network), choice.layer, responses.pixels, found)
        return self._save("activations", name, sheet, state)

    def _choice(self, state: State) -> _Choice:
        """Reads network and layer; starts TensorFlow."""
        self._start()
        from tfgraphs.backbones.looking.kernels import first_convolution

        structures = self._networks.structures()
        if not structures:
            raise StateError(f"no network is on this machine: {install_extra('offline')}")
        name = read_choice({"network": state.get("network") or next(iter(structures))}, "network", structures, "")
        structure = structures[name]
        layer = read_text(state, "layer", most=200)
        if layer:
            structure.check(layer)
        else:
            first = first_convolution(structure)
            layer = next(block.name for block in look_drawings.blocks(structure) if first in block.layers)
        return _Choice(name, structure, layer)

    def _picture(self, state: State) -> Path:
        key = read_text(state, "picture", most=200)
        if not key:
            raise StateError("choose a picture first")
        return self._uploads.path(key)

    def _responses(self, state: State) -> Responses:
        choice = self._choice(state)
        return self._networks.responses(choice.network, choice.layer, self._picture(state))

    def _draw_kernels(self, choice: _Choice, state: State) -> "tuple[np.ndarray, int]":
        from tfgraphs.backbones.looking.sheets import kernel_sheet

        channels = _range(state, choice)
        drawn = kernel_sheet(self._networks.load(choice.network), choice.layer, channels)
        return drawn.pixels, drawn.shown

    def _classify(self, state: State) -> "list[Guess]":
        choice, path = self._choice(state), self._picture(state)
        from tfgraphs.backbones.looking.classes import as_in_training, classify

        return classify(self._networks.load(choice.network), as_in_training(images.load(path).pixels), CLASSES)

    def _save(self, command: str, name: Iterable[str], pixels: "np.ndarray", state: State) -> dict[str, str]:
        choice = self._choice(state)
        flags: dict[str, object] = {"backbone": choice.network, "layer": choice.layer}
        if command == "activations":
            flags["input"] = shown_name(read_text(state, "picture"), "photo")
        path = self._results / f"{_file_name(name)}.png"
        images.save(path, images.Picture(pixels), origin(f"visualize {command}", flags))
        return {"result": path.name}

    def _table(self, name: Iterable[str], head: Sequence[str], rows: Iterable[Sequence[object]]) -> dict[str, str]:
        return {"result": write_table(self._results / f"{_file_name(name)}.csv", [head, *rows])}


def _range(state: State, choice: _Choice) -> range | None:
    """Returns the kernels to draw, None for those that are drawn by default; raises LayerError if there are none."""
    from tfgraphs.backbones.looking.sheets import MOST_KERNELS

    first, count = read_count(state, "first", 0, 0, 1 << 20), choice.kernels
    if not first:
        return None
    first = min(first, count - 1)
    return range(first, min(count, first + MOST_KERNELS))


def _heat_map(responses: Responses, channel: int) -> "np.ndarray":
    from tfgraphs.backbones.looking.heat_maps import heat_map

    return heat_map(responses.pixels, responses.by_channel[channel].places, responses.stride)


def _class_layer(structure: "Backbone") -> str | None:
    from tfgraphs.backbones import LayerError
    from tfgraphs.backbones.looking.classes import class_layer

    try:
        return class_layer(structure)
    except LayerError:
        return None


def _read_place(state: State) -> tuple[float, float]:
    place = state.get("place")
    if not isinstance(place, list) or len(place) != 2:
        raise StateError("place has to be [x, y], shares of the picture")
    x, y = (read_number({"place": one}, "place", 0, 0, 1) for one in place)
    return x, y


def _read_unit(state: State, responses: Responses) -> int:
    return read_count(state, "unit", 0, 0, len(responses.found) - 1)


def _stem(picture: str) -> str:
    return picture.removeprefix(samples.PREFIX)[:16]


def _file_name(parts: Iterable[str]) -> str:
    return re.sub(r"[^\w-]", "_", "_".join(parts), flags=re.ASCII)
