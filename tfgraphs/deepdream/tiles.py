"""Pictures that do not fit into memory whole: values and gradients piece by piece.

Each position of a layer belongs to the core of one tile, which reaches over its core by a margin as wide as what its
positions see: so they are what they are of the whole picture. An objective is a sum over positions, so its gradient is
the sum of those of the cores, each as large as its tile: where tiles overlap, gradients are added. Tiles of one size
begin at multiples of the network's stride and are as large as the picture modulo that stride, so that all positions
lie where they lie in the whole picture, and the zeros that convolutions add at its borders are added there only.
"""

import math
from collections.abc import Callable
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
        self._down, self._across = (tf.Variable([[0, 0, 0]], shape=[None, 3], trainable=False) for _ in range(2))
        self._tile = tf.Variable([1, 1], trainable=False)
        self._size = tf.Variable([1, 1], trainable=False)

    def lay(self, height: int, width: int) -> int:
        """Lays tiles over pictures of a size, and tells how many."""
        covers = [cover(side, self._tile_size, self._margin, self._stride) for side in (height, width)]
        for axis, variable in zip(covers, (self._down, self._across), strict=True):
            variable.assign(list(zip(axis.starts, axis.edges, axis.edges[1:], strict=False)))
        self._tile.assign([axis.tile for axis in covers])
        self._size.assign([height, width])
        return math.prod(len(axis.starts) for axis in covers)

    def look(self, picture: tf.Tensor) -> tuple[tf.Tensor, Values]:
        """The objective and what each term contributes, of a picture [1, height, width, 3] of the size laid for."""
        names = list(dict.fromkeys(term.name for _, term in self._objective.terms))

        @tf.custom_gradient
        def look(whole: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            shown, gradient = self._all(whole, len(names))
            return shown, lambda upstream: upstream[0] * gradient

        contributions = look(picture)
        value = tf.reduce_sum(contributions)
        return value, dict(zip(names, tf.unstack(contributions, len(names)), strict=True))

    def _all(self, picture: tf.Tensor, terms: int) -> tuple[tf.Tensor, tf.Tensor]:
        """What each term contributes, and the gradient of their sum."""
        down, across = self._down.read_value(), self._across.read_value()
        high, wide = tf.unstack(self._tile, 2)

        @apart
        def look(tile: tf.Tensor, row: tf.Tensor, column: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(tile)
                own = self._shares(self._backbone(tile, self._objective.layers), row, column)
            return own, tape.gradient(own, tile)

        def strip(row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            """A row of tiles."""

            def one(column: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                top, left = row[0], column[0]
                return look(picture[:, top : top + high, left : left + wide], row, column)

            return _side_by_side(across, one, tf.zeros([1, high, 0, 3]), terms, axis=2)

        return _side_by_side(down, strip, tf.zeros([1, 0, self._size[1], 3]), terms, axis=1)

    def _shares(self, activations: Values, row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        """What the positions of a tile's core add to the objective, by terms."""
        shown = dict[str, tf.Tensor]()
        for weight, term in self._objective.terms:
            response = term.response(activations[term.layer])[0]
            stride, tile = self._strides[term.layer], tf.shape(response)
            positions = tile + (self._size - self._tile) // stride  # of the whole picture
            share = weight / tf.cast(tf.reduce_prod(positions), tf.float32)
            own = share * tf.reduce_sum(self._core(response, row, column, stride))
            shown[term.name] = shown[term.name] + own if term.name in shown else own
        return tf.stack(list(shown.values()))

    def _core(self, response: tf.Tensor, row: tf.Tensor, column: tf.Tensor, stride: int) -> tf.Tensor:
        """The positions of a tile that no other tile counts."""
        slices = []
        for axis, place in enumerate((row, column)):
            start, begin, end = tf.unstack(place, 3)
            last = tf.where(end == self._size[axis], tf.shape(response)[axis], (end - start) // stride)
            slices.append(slice((begin - start) // stride, last))
        return response[tuple(slices)]


def _side_by_side(
    places: tf.Tensor, piece: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]], none: tf.Tensor, terms: int, axis: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Adds up what pieces contribute and joins their gradients, which are added where pieces overlap.

    Joining copies whole rows of memory. That takes a tenth of the time of assigning to slices of a variable.

    Args:
        places: int32 [pieces, 3], each beginning with where on the axis the piece begins.
        piece: gives the contributions, [terms], and the gradient of the piece at a place.
        none: a gradient that has no pixels on the axis.
        terms: number of contributions.
        axis: along which pieces lie.
    """

    def join(number: tf.Tensor, shown: tf.Tensor, before: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        own, after = piece(places[number])
        start = places[number][0]
        shared = tf.shape(before)[axis] - start
        first, overlapped = tf.split(before, [start, shared], axis)
        overlapping, last = tf.split(after, [shared, tf.shape(after)[axis] - shared], axis)
        return number + 1, shown + own, tf.concat([first, overlapped + overlapping, last], axis)

    _, shown, gradient = tf.while_loop(
        lambda number, *_: number < tf.shape(places)[0],
        join,
        (tf.constant(0), tf.zeros([terms]), none),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([terms]), tf.TensorShape([1, None, None, 3])),
        parallel_iterations=1,
    )
    return shown, gradient
