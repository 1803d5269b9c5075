"""Objectives of pictures that are looked at in tiles: each term that depends on single positions is a sum over them."""

from collections.abc import Callable

import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.backbones.tiles import Part, TileError, Tiles
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.graphs.own_gradients import custom_gradient

Values = dict[str, tf.Tensor]


class TiledObjective:
    """An objective of pictures of any size, whose gradient is computed in tiles.

    Args:
        backbone: the network.
        objective: all terms of which depend on single positions.
        tile_size: longest side of a tile in pixels.

    Raises:
        TileError: the objective needs the whole picture, or the tiles would be too small.
    """

    def __init__(self, backbone: Backbone, objective: Objective, tile_size: int) -> None:
        for _, term in objective.terms:
            if not term.local:
                raise TileError(f"{term.name} needs the whole picture, which cannot be looked at in tiles")
        self._backbone, self._objective = backbone, objective
        self._tiles = Tiles(backbone, objective.layers, tile_size)

    def lay(self, height: int, width: int) -> int:
        """Lays tiles over pictures of a size, and tells how many."""
        return self._tiles.lay(height, width)

    def look(self, picture: tf.Tensor) -> tuple[tf.Tensor, Values]:
        """The objective and what each term contributes, of a picture [1, height, width, 3] of the size laid for."""
        names = list(dict.fromkeys(term.name for _, term in self._objective.terms))

        @custom_gradient
        def look(whole: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            shown, gradient = self._tiles.total_and_gradient([whole], self._shares)
            return tf.stack(shown), lambda upstream: upstream[0] * gradient

        contributions = look(picture)
        value = tf.reduce_sum(contributions)
        return value, dict(zip(names, tf.unstack(contributions, len(names)), strict=True))

    def _shares(self, tiles: list[tf.Tensor], part: Part) -> list[tf.Tensor]:
        """What the positions of a tile's core add to the objective, by terms."""
        activations = self._backbone(tiles[0], self._objective.layers)
        shown = dict[str, tf.Tensor]()
        for weight, term in self._objective.terms:
            response = term.response(activations[term.layer])
            positions = self._tiles.positions(term.layer, tf.shape(response)[1:3])
            share = weight / tf.cast(tf.reduce_prod(positions), tf.float32)
            own = share * tf.reduce_sum(part.core(response, term.layer))
            shown[term.name] = shown[term.name] + own if term.name in shown else own
        return list(shown.values())
