"""Pictures that do not fit into memory whole: sums over the positions of layers, and their gradients, piece by piece.

Each position of a layer belongs to the core of one tile, which reaches over its core by a margin as wide as what its
positions see: so they are what they are of the whole picture. What is a sum over positions is the sum of what the
cores give, and its gradient the sum of theirs, each as large as its tile: where tiles overlap, gradients are added.
Tiles of one size begin at multiples of the network's stride and are as large as the picture modulo that stride, so
that all positions lie where they lie in the whole picture, and the zeros that convolutions add at its borders are
added there only.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.errors import TfgraphsError
from tfgraphs.graphs.compiled import not_inlined


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


def cover(side: int, tile: int, margin: int, stride: int, least: int = 1) -> Cover:
    """Covers an axis with as few tiles of at most `tile` pixels as there can be, none larger than it needs to be.

    Args:
        side: of the picture.
        tile: longest side of a tile; see `smallest_tile`.
        margin: in pixels, a multiple of `stride`, that cores keep from borders inside.
        stride: of the network, in pixels.
        least: shortest side of a tile in pixels, where there are several.
    """
    if side <= tile:
        return Cover(side, side, (0,), (0, side))
    largest = tile - (tile - side) % stride
    count = math.ceil((side - largest) / ((largest - 2 * margin) // stride * stride)) + 1
    shared = max(math.ceil((side + (count - 1) * 2 * margin) / count), least)  # tiles of this side would just do
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


@dataclass(frozen=True)
class Part:
    """The positions of a picture that one look at it counts.

    Attributes:
        slices: maps a layer's name, and how many positions down and across an activation of a tile has, to the core's
            place in it, and to that in the activation of the whole picture.
    """

    slices: Callable[[str, tf.Tensor], tuple[tuple[slice, slice], tuple[slice, slice]]] | None = None

    def core(self, activation: tf.Tensor, layer: str) -> tf.Tensor:
        """The positions of an activation of the tile, [batch, height, width, ...], that no other tile counts."""
        if self.slices is None:
            return activation
        own, _ = self.slices(layer, tf.shape(activation)[1:3])
        return activation[(slice(None), *own)]

    def cut(self, whole: tf.Tensor, layer: str, activation: tf.Tensor) -> tf.Tensor:
        """The same positions of something that is there for all positions of the whole picture."""
        if self.slices is None:
            return whole
        _, place = self.slices(layer, tf.shape(activation)[1:3])
        return whole[(slice(None), *place)]

    def first(self, layer: str) -> tf.Tensor:
        """The number of the core's first position in the whole picture, down and across: int32 [2]."""
        if self.slices is None:
            return tf.zeros([2], tf.int32)
        _, place = self.slices(layer, tf.zeros([2], tf.int32))
        return tf.stack([axis.start for axis in place])


EVERYTHING = Part()

Look = Callable[[list[tf.Tensor], Part], list[tf.Tensor]]
"""Maps tiles of pictures, [1, height, width, channels] each, and what of them counts, to sums over positions."""


class Tiles:
    """Looks at pictures in tiles, with one graph for pictures of all sizes.

    Args:
        backbone: the network.
        layers: those that are looked at.
        tile_size: longest side of a tile in pixels.
        frame: by how many pixels at most pictures are mirrored at each of their borders, see `total`.

    Raises:
        TileError: a layer needs the whole picture, or the tiles would be too small.
    """

    def __init__(self, backbone: Backbone, layers: Iterable[str], tile_size: int, frame: int = 0) -> None:
        views = {layer: backbone.view(layer) for layer in layers}
        for layer, view in views.items():
            if not view.receptive_field:
                raise TileError(f"{layer} needs the whole picture, which cannot be looked at in tiles")
        self._strides = {layer: view.stride for layer, view in views.items()}
        self._stride = math.lcm(*self._strides.values())
        reach = max(max(view.before, view.after - view.stride) for view in views.values())
        self._margin = math.ceil(reach / self._stride) * self._stride
        self._least = 2 * frame + 1  # a tile holds all that is mirrored in it
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
        self._down, self._across = (tf.Variable([[0, 0, 0]], shape=[None, 3], trainable=False) for _ in range(2))
        self._tile = tf.Variable([1, 1], trainable=False)
        self._size = tf.Variable([1, 1], trainable=False)

    def lay(self, height: int, width: int) -> int:
        """Lays tiles over pictures of a size, and tells how many."""
        covers = [cover(side, self._tile_size, self._margin, self._stride, self._least) for side in (height, width)]
        for axis, variable in zip(covers, (self._down, self._across), strict=True):
            variable.assign(list(zip(axis.starts, axis.edges, axis.edges[1:], strict=False)))
        self._tile.assign([axis.tile for axis in covers])
        self._size.assign([height, width])
        return math.prod(len(axis.starts) for axis in covers)

    def positions(self, layer: str, tile: tf.Tensor) -> tf.Tensor:
        """How many positions a layer has down and across the whole picture, from how many it has in a tile."""
        return tile + (self._size - self._tile) // self._strides[layer]

    def total(
        self, pictures: Sequence[tf.Tensor], look: Look, corner: tuple[tf.Tensor, tf.Tensor] | None = None
    ) -> list[tf.Tensor]:
        """What all tiles of some pictures add up to.

        Args:
            pictures: [1, height, width, channels] each, of one size: that laid for, or smaller.
            look: see `Look`.
            corner: int32 scalars, where the pictures begin, down and across, in the size laid for. What it has
                around them are the pictures mirrored.
        """
        sums, _ = self._all(pictures, look, corner, with_gradient=False)
        return sums

    def total_and_gradient(
        self, pictures: Sequence[tf.Tensor], look: Look, corner: tuple[tf.Tensor, tf.Tensor] | None = None
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """The same, and the gradient of the sum of it all with respect to the first picture."""
        return self._all(pictures, look, corner, with_gradient=True)

    def _all(
        self,
        pictures: Sequence[tf.Tensor],
        look: Look,
        corner: tuple[tf.Tensor, tf.Tensor] | None,
        with_gradient: bool,
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        down, across = self._down.read_value(), self._across.read_value()
        _, height, width, _ = tf.unstack(tf.shape(pictures[0]))
        high, wide = tf.unstack(self._tile, 2)
        top, left = corner or (0, 0)
        channels = pictures[0].shape[-1]

        @not_inlined
        def see(
            pieces: list[tf.Tensor], frame: tf.Tensor, row: tf.Tensor, column: tf.Tensor
        ) -> tuple[list[tf.Tensor], tf.Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(pieces[0])
                tiles = [_framed(piece, frame) for piece in pieces] if corner else pieces
                own = look(tiles, Part(lambda layer, tile: self._core(layer, tile, row, column)))
            return own, tape.gradient(own, pieces[0]) if with_gradient else pieces[0][:, :, :0]

        place, frame = tf.TensorSpec([3], tf.int32), tf.TensorSpec([4, 2], tf.int32)
        specs = [tf.TensorSpec([1, None, None, picture.shape[-1]], picture.dtype) for picture in pictures]
        see = see.get_concrete_function(specs, frame, place, place)
        none = [tf.zeros(own.shape, own.dtype) for own in see.structured_outputs[0]]

        def strip(row: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor]:
            """A row of tiles."""
            rows, above = _inside(row[0] - top, high, height)

            def one(column: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor]:
                columns, before = _inside(column[0] - left, wide, width)
                pieces = [picture[:, rows, columns] for picture in pictures]
                return see(pieces, tf.stack([[0, 0], above, before, [0, 0]]), row, column)

            begins = tf.maximum(across[:, 0] - left, 0)
            return _side_by_side(
                across, begins, one, none, tf.zeros([1, rows.stop - rows.start, 0, channels]), 2, with_gradient
            )

        begins = tf.maximum(down[:, 0] - top, 0)
        return _side_by_side(down, begins, strip, none, tf.zeros([1, 0, width, channels]), 1, with_gradient)

    def _core(
        self, layer: str, tile: tf.Tensor, row: tf.Tensor, column: tf.Tensor
    ) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Where a layer has a tile's core: among the positions of the tile, and among those of the whole picture."""
        stride, own, whole = self._strides[layer], [], []
        for axis, place in enumerate((row, column)):
            start, begin, end = tf.unstack(place, 3)
            first = (begin - start) // stride
            last = tf.where(end == self._size[axis], tile[axis], (end - start) // stride)
            own.append(slice(first, last))
            whole.append(slice(first + start // stride, last + start // stride))
        return (own[0], own[1]), (whole[0], whole[1])


def _framed(piece: tf.Tensor, frame: tf.Tensor) -> tf.Tensor:
    """Mirrors some pixels around it."""
    return tf.ensure_shape(tf.pad(piece, frame, "REFLECT"), [1, None, None, piece.shape[-1]])


def _inside(start: tf.Tensor, tile: tf.Tensor, side: tf.Tensor) -> tuple[slice, list[tf.Tensor]]:
    """What of a tile that starts somewhere lies inside a picture, and how much of it before and after that."""
    begin, end = tf.maximum(start, 0), tf.minimum(start + tile, side)
    return slice(begin, end), [begin - start, start + tile - end]


def _side_by_side(
    places: tf.Tensor,
    begins: tf.Tensor,
    piece: Callable[[tf.Tensor], tuple[list[tf.Tensor], tf.Tensor]],
    none: list[tf.Tensor],
    blank: tf.Tensor,
    axis: int,
    with_gradient: bool,
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Adds up what pieces contribute and joins their gradients, which are added where pieces overlap.

    Joining copies whole rows of memory. That takes a tenth of the time of assigning to slices of a variable.

    Args:
        places: int32 [pieces, 3], of each.
        begins: int32 [pieces], where on the axis the gradient of each begins.
        piece: gives the contributions and the gradient of the piece at a place.
        none: contributions of nothing.
        blank: a gradient that has no pixels on the axis.
        axis: along which pieces lie.
        with_gradient: whether there are gradients to join.
    """

    def join(
        number: tf.Tensor, sums: list[tf.Tensor], before: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        own, after = piece(places[number])
        sums = [one + other for one, other in zip(sums, own, strict=True)]
        if not with_gradient:
            return number + 1, sums, before
        shared = tf.shape(before)[axis] - begins[number]
        first, overlapped = tf.split(before, [begins[number], shared], axis)
        overlapping, last = tf.split(after, [shared, tf.shape(after)[axis] - shared], axis)
        return number + 1, sums, tf.concat([first, overlapped + overlapping, last], axis)

    _, sums, gradient = tf.while_loop(
        lambda number, *_: number < tf.shape(places)[0],
        join,
        (tf.constant(0), none, blank),
        shape_invariants=(
            tf.TensorShape([]),
            [one.shape for one in none],
            tf.TensorShape([1, None, None, blank.shape[-1]]),
        ),
        parallel_iterations=1,
    )
    return sums, gradient
