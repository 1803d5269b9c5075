"""Sums over the positions of layers, and their gradients, for pictures too large for the memory: tile by tile.

Each position of a layer is counted in the core of exactly one tile. Tiles reach over their cores by a margin as wide as
the receptive field, so that activations in a core are those of the whole picture. A sum over positions is the sum over
the cores; its gradient is the sum of the gradients of the tiles, each as large as its tile: where tiles overlap,
gradients are added. All tiles have one size, begin at multiples of the network's stride, and are as large as the
picture modulo that stride. So positions lie where they lie in the whole picture, and convolutions add zeros only at the
borders of the picture.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.errors import TfgraphsError
from tfgraphs.graphs.compiled import not_inlined


class TileError(TfgraphsError):
    """A picture cannot be computed in tiles."""


Place = tuple[int, int, int]
"""Where on an axis of the picture a tile begins, and where its core begins and ends."""


def cover_axis(side: int, tile: int, margin: int, stride: int, least: int = 1) -> tuple[int, list[Place]]:
    """Covers an axis with as few tiles of at most `tile` pixels as possible, none larger than necessary.

    Args:
        side: of the picture in pixels.
        tile: longest side of a tile; see `smallest_tile`.
        margin: distance of cores from the borders of tiles inside the picture, in pixels; a multiple of `stride`.
        stride: of the network, in pixels.
        least: shortest side of a tile in pixels, where there are several.

    Returns:
        The side of all tiles, and their places.
    """
    if side <= tile:
        return side, [(0, 0, side)]
    largest = tile - (tile - side) % stride
    count = math.ceil((side - largest) / ((largest - 2 * margin) // stride * stride)) + 1
    shared = max(math.ceil((side + (count - 1) * 2 * margin) / count), least)  # side of tiles that just suffice
    tile = min(largest, shared + stride + (side - shared) % stride)
    spaces = (side - tile) // stride
    starts = [spaces * number // (count - 1) * stride for number in range(count)]
    middles = [(before + tile + after) // 2 // stride * stride for before, after in pairwise(starts)]  # of overlaps
    return tile, list(zip(starts, [0, *middles], [*middles, side], strict=True))


def smallest_tile(margin: int, stride: int) -> int:
    """Side of the smallest tile with a core, whatever the picture's size."""
    return 2 * margin + 3 * stride


@dataclass(frozen=True)
class Part:
    """The positions of a picture that one tile counts: those of its core.

    `slices` maps a layer's name, and the numbers of positions down and across in an activation of the tile, to the
    slices of the core in that activation and in the activation of the whole picture; `positions` maps them to the
    numbers of positions of the whole picture. Both are None for a picture that is computed at once.
    """

    slices: Callable[[str, tf.Tensor], tuple[list[slice], list[slice]]] | None = None
    positions: Callable[[str, tf.Tensor], tf.Tensor] | None = None

    def core(self, activation: tf.Tensor, layer: str) -> tf.Tensor:
        """Selects the core of an activation of the tile, [batch, height, width, ...]."""
        if self.slices is None:
            return activation
        in_tile, _ = self.slices(layer, tf.shape(activation)[1:3])
        return activation[(slice(None), *in_tile)]

    def cut(self, whole: tf.Tensor, layer: str, activation: tf.Tensor) -> tf.Tensor:
        """Selects the same positions of `whole`, [batch, height, width, ...], with values for the whole picture."""
        if self.slices is None:
            return whole
        _, in_picture = self.slices(layer, tf.shape(activation)[1:3])
        return whole[(slice(None), *in_picture)]

    def first(self, layer: str) -> tf.Tensor:
        """Row and column of the core's first position among those of the whole picture, int32 [2]."""
        if self.slices is None:
            return tf.zeros([2], tf.int32)
        _, in_picture = self.slices(layer, tf.zeros([2], tf.int32))
        return tf.stack([axis.start for axis in in_picture])

    def whole(self, layer: str, activation: tf.Tensor) -> tf.Tensor:
        """Numbers of positions down and across the whole picture, int32 [2], from the activation of the tile."""
        sides = tf.shape(activation)[1:3]
        return sides if self.positions is None else self.positions(layer, sides)


EVERYTHING = Part()

Sums = Any
"""A tensor, or a list, tuple or dictionary of such sums."""

SumsOfPart = Callable[[list[tf.Tensor], Part], Sums]
"""Maps tiles of pictures, [1, height, width, channels] each, and the part to count to sums over its positions."""

Corner = tuple[int | tf.Tensor, int | tf.Tensor]
"""Row and column, int32 scalars."""


class Tiles:
    """Computes sums over positions in tiles, with one graph for pictures of all sizes.

    Args:
        backbone: the network.
        layers: those whose positions are counted.
        tile_size: longest side of a tile in pixels.
        frame: largest number of pixels by which pictures are mirrored at each border, see `total_and_gradient`.

    Raises:
        TileError: a layer needs the whole picture, or the tiles would be too small.
    """

    def __init__(self, backbone: Backbone, layers: Iterable[str], tile_size: int, frame: int = 0) -> None:
        views = {layer: backbone.view(layer) for layer in layers}
        for layer, view in views.items():
            if not view.receptive_field:
                raise TileError(f"{layer} needs the whole picture: it cannot be computed in tiles")
        self._strides = {layer: view.stride for layer, view in views.items()}
        self._stride = math.lcm(*self._strides.values())
        reach = max(max(view.before, view.after - view.stride) for view in views.values())
        self._margin = math.ceil(reach / self._stride) * self._stride
        self._least = 2 * frame + 1  # a tile contains all that is mirrored in it
        least = max(
            smallest_tile(self._margin, self._stride),
            self._least + self._stride,
            *(view.smallest for view in views.values()),
        )
        if tile_size < least:
            raise TileError(
                f"tiles of {tile_size} px are too small for {', '.join(views)} of {backbone.name}: give at least "
                f"{least}"
            )
        self._tile_size = tile_size
        self._down, self._across = (
            tf.Variable([[0, 0, 0]], shape=[None, 3], trainable=False, name=name) for name in ("down", "across")
        )
        self._tile = tf.Variable([1, 1], trainable=False, name="tile")
        self._size = tf.Variable([1, 1], trainable=False, name="size")

    def cover(self, height: int, width: int) -> int:
        """Covers pictures of a size with tiles, and returns their number."""
        (tile_height, down), (tile_width, across) = (
            cover_axis(side, self._tile_size, self._margin, self._stride, self._least) for side in (height, width)
        )
        self._down.assign(down)
        self._across.assign(across)
        self._tile.assign([tile_height, tile_width])
        self._size.assign([height, width])
        return len(down) * len(across)

    def positions(self, layer: str, tile: tf.Tensor) -> tf.Tensor:
        """Numbers of positions of a layer down and across the whole picture, from those in a tile, int32 [2]."""
        return tile + (self._size - self._tile) // self._strides[layer]

    def total_and_gradient(
        self,
        pictures: Sequence[tf.Tensor],
        sums_of_part: SumsOfPart,
        corner: Corner | None = None,
        with_gradient: bool = True,
    ) -> tuple[Sums, tf.Tensor]:
        """Adds up the sums of all tiles, and the gradients of these sums with respect to the first picture.

        Args:
            pictures: [1, height, width, channels] each, of one size: the covered one, or a smaller one.
            sums_of_part: see `SumsOfPart`.
            corner: where the pictures begin in the covered size. Around them they are mirrored.
            with_gradient: False: no gradient is computed, and the one returned is empty.
        """
        down, across = self._down.read_value(), self._across.read_value()
        _, height, width, _ = tf.unstack(tf.shape(pictures[0]))
        tile_height, tile_width = tf.unstack(self._tile, 2)
        top, left = corner or (0, 0)
        channels = pictures[0].shape[-1]
        specs = [tf.TensorSpec([1, None, None, picture.shape[-1]], picture.dtype) for picture in pictures]

        @not_inlined
        def compute_tile(
            pieces: list[tf.Tensor], frame: tf.Tensor, row: tf.Tensor, column: tf.Tensor
        ) -> tuple[Sums, tf.Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(pieces[0])
                tiles = pieces
                if corner:
                    mirrored = (tf.pad(piece, frame, "REFLECT") for piece in pieces)
                    tiles = [tf.ensure_shape(tile, spec.shape) for tile, spec in zip(mirrored, specs, strict=True)]
                sums = sums_of_part(
                    tiles, Part(lambda layer, tile: self._core(layer, tile, row, column), self.positions)
                )
            return sums, tape.gradient(sums, pieces[0]) if with_gradient else pieces[0][:, :, :0]

        place, frame = tf.TensorSpec([3], tf.int32), tf.TensorSpec([4, 2], tf.int32)
        compute_tile = compute_tile.get_concrete_function(specs, frame, place, place)
        sums, _ = compute_tile.structured_outputs
        zeros = tf.nest.map_structure(lambda total: tf.zeros(total.shape, total.dtype), sums)

        def compute_row(row: tf.Tensor) -> tuple[Sums, tf.Tensor]:
            rows, above = _clip(row[0] - top, tile_height, height)

            def compute_column(column: tf.Tensor) -> tuple[Sums, tf.Tensor]:
                columns, before = _clip(column[0] - left, tile_width, width)
                pieces = [picture[:, rows, columns] for picture in pictures]
                return compute_tile(pieces, tf.stack([[0, 0], above, before, [0, 0]]), row, column)

            begins = tf.maximum(across[:, 0] - left, 0)
            blank = tf.zeros([1, rows.stop - rows.start, 0, channels])
            return _add_pieces(across, begins, compute_column, zeros, blank, 2, with_gradient)

        begins = tf.maximum(down[:, 0] - top, 0)
        return _add_pieces(down, begins, compute_row, zeros, tf.zeros([1, 0, width, channels]), 1, with_gradient)

    def _core(self, layer: str, tile: tf.Tensor, row: tf.Tensor, column: tf.Tensor) -> tuple[list[slice], list[slice]]:
        """The slices of a tile's core among the positions of the tile, and among those of the whole picture."""
        stride, in_tile, in_picture = self._strides[layer], [], []
        for axis, place in enumerate((row, column)):
            start, begin, end = tf.unstack(place, 3)
            first = (begin - start) // stride
            last = tf.where(end == self._size[axis], tile[axis], (end - start) // stride)
            in_tile.append(slice(first, last))
            in_picture.append(slice(first + start // stride, last + start // stride))
        return in_tile, in_picture


def _clip(start: tf.Tensor, tile: tf.Tensor, side: tf.Tensor) -> tuple[slice, list[tf.Tensor]]:
    """Clips a tile to a picture: the slice of the picture, and the pixels of the tile before and after it."""
    begin, end = tf.maximum(start, 0), tf.minimum(start + tile, side)
    return slice(begin, end), [begin - start, start + tile - end]


def _add_pieces(
    places: tf.Tensor,
    begins: tf.Tensor,
    compute_piece: Callable[[tf.Tensor], tuple[Sums, tf.Tensor]],
    zeros: Sums,
    blank: tf.Tensor,
    axis: int,
    with_gradient: bool,
) -> tuple[Sums, tf.Tensor]:
    """Adds up the sums of pieces and joins their gradients, which are added where pieces overlap.

    The gradient of each piece begins at one of `begins`, int32 [pieces], on the axis; `zeros` and `blank` are the sums
    and the gradient of no pieces. Joining copies whole rows of memory, in a tenth of the time of assigning to slices of
    a variable.
    """

    def add_piece(number: tf.Tensor, sums: Sums, before: tf.Tensor) -> tuple[tf.Tensor, Sums, tf.Tensor]:
        addends, after = compute_piece(places[number])
        sums = tf.nest.map_structure(tf.add, sums, addends)
        if not with_gradient:
            return number + 1, sums, before
        shared = tf.shape(before)[axis] - begins[number]
        first, overlapped = tf.split(before, [begins[number], shared], axis)
        overlapping, last = tf.split(after, [shared, tf.shape(after)[axis] - shared], axis)
        return number + 1, sums, tf.concat([first, overlapped + overlapping, last], axis)

    _, sums, gradient = tf.while_loop(
        lambda number, *_: number < tf.shape(places)[0],
        add_piece,
        (tf.constant(0), zeros, blank),
        shape_invariants=(
            tf.TensorShape([]),
            tf.nest.map_structure(lambda total: total.shape, zeros),
            tf.TensorShape([1, None, None, blank.shape[-1]]),
        ),
        parallel_iterations=1,
    )
    return sums, gradient
