"""Pictures that do not fit into memory whole: values and gradients piece by piece.

Each position of a layer belongs to the core of one tile, which reaches over its core by a margin as wide as what its
positions see: so they are what they are of the whole picture. An objective is a sum over positions, so its gradient is
the sum of those of the cores, each as large as its tile: where tiles overlap, gradients are added. Tiles of one size
begin at multiples of the network's stride and are as large as the picture modulo that stride, so that all positions
lie where they lie in the whole picture, and the zeros that convolutions add at its borders are added there only.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.compiled import apart
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.errors import TfgraphsError

Values = dict[str, tf.Tensor]


class TileError(TfgraphsError):
    """A picture cannot be looked at in tiles."""


@dataclass(frozen=True)
class Cover:
    """How tiles cover one axis of a picture, in pixels.

    Attributes:
        side: of the picture.
        tile: side of every tile.
        starts: where each begins.
        edges: where the core of each begins, and where the last one ends.
    """

    side: int
    tile: int
    starts: tuple[int, ...]
    edges: tuple[int, ...]


def cover(side: int, tile: int, margin: int, stride: int) -> Cover:
    """Covers an axis with as few tiles of at most `tile` pixels as there can be, none larger than it needs to be.

    Args:
        side: of the picture.
        tile: longest side of a tile; see `smallest_tile`.
        margin: in pixels, a multiple of `stride`, that cores keep from borders inside.
        stride: of the network, in pixels.
    """
    if side <= tile:
        return Cover(side, side, (0,), (0, side))
    largest = tile - (tile - side) % stride
    count = math.ceil((side - largest) / ((largest - 2 * margin) // stride * stride)) + 1
    shared = math.ceil((side + (count - 1) * 2 * margin) / count)  # tiles of this side would just do
    tile = min(largest, shared + stride + (side - shared) % stride)
    spaces = (side - tile) // stride
    starts = tuple(spaces * number // (count - 1) * stride for number in range(count))
    middles = [
        (before + tile + after) // 2 // stride * stride for before, after in pairwise(starts)
    ]  # of what two neighbours have in common
    return Cover(side, tile, starts, (0, *middles, side))


def smallest_tile(margin: int, stride: int) -> int:
    """Side of the smallest tile that has a core at all, whatever the picture's size."""
    return 2 * margin + 3 * stride


class Tiles:
    """Looks at pictures in tiles, with one graph for pictures of all sizes.

    Args:
        backbone: the network.
        objective: all terms of which depend on single positions.
        tile_size: longest side of a tile in pixels.

    Raises:
        TileError: the objective needs the whole picture, or the tiles would be too small.
    """

    def __init__(self, backbone: Backbone, objective: Objective, tile_size: int) -> None:
        views = {layer: backbone.view(layer) for layer in objective.layers}
        for _, term in objective.terms:
            if not term.local or not views[term.layer].receptive_field:
                raise TileError(f"{term.name} needs the whole picture, which cannot be looked at in tiles")
        self._backbone, self._objective = backbone, objective
        self._strides = {layer: view.stride for layer, view in views.items()}
        self._stride = math.lcm(*self._strides.values())
        reach = max(max(view.before, view.after - view.stride) for view in views.values())
        self._margin = math.ceil(reach / self._stride) * self._stride
        least = max(smallest_tile(self._margin, self._stride), *(view.smallest for view in views.values()))
        if tile_size < least:
            raise TileError(
                f"tiles of {tile_size} px are too small for {', '.join(objective.layers)} of {backbone.name}: give at "
                f"least {least}"
            )
        self._tile_size = tile_size
        self._gradient = tf.Variable(tf.zeros([1, 1, 1, 3]), shape=[1, None, None, 3], trainable=False)
        self._places = tf.Variable(tf.zeros([1, 6], tf.int32), shape=[None, 6], trainable=False)
        self._tile = tf.Variable([1, 1], trainable=False)
        self._size = tf.Variable([1, 1], trainable=False)

    def lay(self, height: int, width: int) -> int:
        """Lays tiles over pictures of a size, and tells how many."""
        down, across = (cover(side, self._tile_size, self._margin, self._stride) for side in (height, width))
        places = [
            (top, left, core_top, core_left, core_bottom, core_right)
            for top, (core_top, core_bottom) in zip(down.starts, pairwise(down.edges), strict=True)
            for left, (core_left, core_right) in zip(across.starts, pairwise(across.edges), strict=True)
        ]
        self._places.assign(places)
        self._tile.assign([down.tile, across.tile])
        self._size.assign([height, width])
        self._gradient.assign(tf.zeros([1, height, width, 3]))
        return len(places)

    def look(self, picture: tf.Tensor) -> tuple[tf.Tensor, Values]:
        """The objective and what each term contributes, of a picture [1, height, width, 3] of the size laid for."""
        names = list(dict.fromkeys(term.name for _, term in self._objective.terms))

        @tf.custom_gradient
        def look(whole: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            shown = self._all(whole, len(names))
            return shown, lambda upstream: upstream[0] * self._gradient.read_value()

        contributions = look(picture)
        value = tf.reduce_sum(contributions)
        return value, dict(zip(names, tf.unstack(contributions, len(names)), strict=True))

    def _all(self, picture: tf.Tensor, terms: int) -> tf.Tensor:
        """Puts the gradient together and returns what each term contributes."""
        places, (high, wide) = self._places.read_value(), tf.unstack(self._tile, 2)
        self._gradient.assign(tf.zeros_like(self._gradient))

        @apart
        def look(tile: tf.Tensor, place: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(tile)
                own = self._shares(self._backbone(tile, self._objective.layers), place)
            return own, tape.gradient(own, tile)

        def one(number: tf.Tensor, shown: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            place = tf.unstack(places[number], 6)
            rows, columns = slice(place[0], place[0] + high), slice(place[1], place[1] + wide)
            own, gradient = look(picture[:, rows, columns], place)
            before = self._gradient[:, rows, columns]
            self._gradient[:, rows, columns].assign(before + gradient)
            return number + 1, shown + own

        start = (tf.constant(0), tf.zeros([terms]))
        _, shown = tf.while_loop(lambda number, _: number < tf.shape(places)[0], one, start, parallel_iterations=1)
        return shown

    def _shares(self, activations: Values, place: Sequence[tf.Tensor]) -> tf.Tensor:
        """What the positions of a tile's core add to the objective, by terms."""
        shown = dict[str, tf.Tensor]()
        for weight, term in self._objective.terms:
            response = term.response(activations[term.layer])[0]
            stride, tile = self._strides[term.layer], tf.shape(response)
            positions = tile + (self._size - self._tile) // stride  # of the whole picture
            share = weight / tf.cast(tf.reduce_prod(positions), tf.float32)
            own = share * tf.reduce_sum(self._core(response, place, stride))
            shown[term.name] = shown[term.name] + own if term.name in shown else own
        return tf.stack(list(shown.values()))

    def _core(self, response: tf.Tensor, place: Sequence[tf.Tensor], stride: int) -> tf.Tensor:
        """The positions of a tile that no other tile counts."""
        top, left, core_top, core_left, core_bottom, core_right = place
        height, width = tf.unstack(self._size, 2)
        end = tf.shape(response)
        bottom = tf.where(core_bottom == height, end[0], (core_bottom - top) // stride)
        right = tf.where(core_right == width, end[1], (core_right - left) // stride)
        return response[(core_top - top) // stride : bottom, (core_left - left) // stride : right]
