"""Networks that are kept loaded, and their responses to pictures: what pointing at a picture asks for again and again.

A layer is computed once for a picture; what is asked afterwards is read from its activations.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfgraphs.pictures import images
from tfgraphs.studio.recent import Recent

if TYPE_CHECKING:
    from tfgraphs.backbones import Backbone
    from tfgraphs.backbones.looking.heat_maps import Response

SIZE = 640  # px of the longer side of pictures, as `visualize activations` takes them
_NETWORKS, _LAYERS = 2, 4  # that are kept


@dataclass(frozen=True)
class Responses:
    """The responses of a layer to a picture.

    Attributes:
        pixels: the picture as the network saw it, [height, width, 3] in 0..1.
        stride: pixels from one position of the layer to the next.
        field: side of its receptive field in pixels, 0 for the whole picture.
        found: of all channels, the strongest first.
    """

    pixels: np.ndarray
    stride: int
    field: int
    found: "list[Response]"

    @cached_property
    def by_channel(self) -> "dict[int, Response]":
        """The same by channel."""
        return {response.channel: response for response in self.found}

    @property
    def positions(self) -> tuple[int, int]:
        """How many positions the layer has down and across."""
        down, across = self.found[0].places.shape
        return int(down), int(across)

    def position(self, x: float, y: float) -> tuple[int, int]:
        """Returns row and column of the position of the layer at a place of the picture, of which x and y are 0..1."""
        from tfgraphs.backbones.looking.heat_maps import position_at

        sides = self.pixels.shape[:2]
        pixels = (min(int(share * side), side - 1) for share, side in zip((y, x), sides, strict=True))
        row, column = (
            position_at(pixel, side, count, self.stride)
            for pixel, side, count in zip(pixels, sides, self.positions, strict=True)
        )
        return row, column

    def place(self, row: int, column: int) -> tuple[float, float]:
        """Returns the middle of a position, x and y as shares of the picture."""
        from tfgraphs.backbones.looking.heat_maps import margin

        down, across = (
            ((number + 0.5) * self.stride - margin(side, count, self.stride)) / side
            for number, side, count in zip((row, column), self.pixels.shape, self.positions, strict=False)
        )
        return across, down

    def square(self, row: int, column: int) -> tuple[float, float, float, float] | None:
        """Returns about what a position sees: left, top, width, height as shares; None if that is the whole picture."""
        if not self.field:
            return None
        (x, y), (height, width) = self.place(row, column), self.pixels.shape[:2]
        across, down = self.field / width, self.field / height
        left, top = max(0.0, x - across / 2), max(0.0, y - down / 2)
        return left, top, min(1.0, x + across / 2) - left, min(1.0, y + down / 2) - top

    def at(self, row: int, column: int) -> list[tuple[int, float]]:
        """Returns all channels and their activations at a position, the largest first."""
        values = np.array([response.places[row, column] for response in self.found])
        return [(self.found[one].channel, float(values[one])) for one in np.argsort(-values, kind="stable")]


class Networks:
    """Networks whose weights are on this machine, the last ones loaded, and their last responses.

    Args:
        structures: finds the networks, without weights, by name; by default `backbones.installed`.
        load: loads one; by default `backbones.load`.
    """

    def __init__(
        self,
        structures: "Callable[[], Mapping[str, Backbone]] | None" = None,
        load: "Callable[[str], Backbone] | None" = None,
    ) -> None:
        self._find, self._load = structures, load
        self._structures: Mapping[str, Backbone] = {}
        self._loaded = Recent[str, "Backbone"](_NETWORKS)
        self._responses = Recent[tuple[str, str, Path], Responses](_LAYERS)
        self._lock, self._finding = threading.RLock(), threading.Lock()  # a network may take seconds to load

    def structures(self) -> "Mapping[str, Backbone]":
        """Returns the structures of all networks by name; they are sought once."""
        from tfgraphs import backbones

        with self._finding:
            self._structures = self._structures or (self._find or backbones.installed)()
            return self._structures

    def load(self, name: str) -> "Backbone":
        """Loads a network, or returns it as it was loaded before."""
        from tfgraphs import backbones

        with self._lock:
            return self._loaded.get_or_make(name, lambda: (self._load or backbones.load)(name))

    def responses(self, name: str, layer: str, picture: Path) -> Responses:
        """Computes the responses of a layer to a picture, as `visualize activations` does.

        Raises:
            LayerError: there is no such layer, it has no places, or the picture is too small for it.
            ImageError: the file is no picture.
        """
        with self._lock:
            return self._responses.get_or_make(
                (name, layer, picture), lambda: _compute(self.load(name), layer, picture)
            )


def _compute(backbone: "Backbone", layer: str, path: Path) -> Responses:
    from tfgraphs.backbones.looking.heat_maps import responses

    picture = images.load(path, SIZE)
    pixels = images.middle(picture.pixels, backbone.nearest_size([layer], picture.size))
    view = backbone.view(layer)
    return Responses(pixels, view.stride, view.receptive_field, responses(backbone, layer, pixels))
