"""Objectives computed in tiles: each term is a sum over positions, of which each tile has its share."""

import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.tiles import Part, TileError, Tiles
from tfgraphs.deepdream.objectives import Objective, Terms


class TiledObjective:
    """An objective whose value and gradient are computed in tiles, with one graph for pictures of all sizes.

    Args:
        objective: all terms of which are local.
        backbone: the network.
        tile_size: longest side of a tile in pixels.

    Raises:
        TileError: the objective needs the whole picture, or the tiles would be too small.
    """

    def __init__(self, objective: Objective, backbone: Backbone, tile_size: int) -> None:
        for _, term in objective.terms:
            if not term.local:
                raise TileError(f"{term.name} needs the whole picture: it cannot be computed in tiles")
        self._objective, self._backbone = objective, backbone
        self._names = list(dict.fromkeys(term.name for _, term in objective.terms))
        self._tiles = Tiles(backbone, objective.layers, tile_size)

    def cover(self, height: int, width: int) -> int:
        """Places tiles over pictures of a size; returns how many."""
        return self._tiles.cover(height, width)

    def terms(self, picture: tf.Tensor) -> Terms:
        """Returns the terms of the objective, whose sum has its gradient.

        Args:
            picture: float32 [1, height, width, 3] of the size given to `cover`.
        """
        values, gradient = tf.nest.map_structure(
            tf.stop_gradient, self._tiles.total_and_gradient([picture], self._tile_terms)
        )
        linear = tf.tensordot(gradient, picture, 4)
        values[0] += linear - tf.stop_gradient(linear)  # adds 0, and the gradient that the tiles computed
        return dict(zip(self._names, values, strict=True))

    def _tile_terms(self, tiles: list[tf.Tensor], part: Part) -> list[tf.Tensor]:
        """Returns what the positions in a tile's core add to each term."""
        activations = self._backbone(tiles[0], self._objective.layers)
        terms: Terms = {}
        for weight, term in self._objective.terms:
            response = term.response(activations[term.layer])
            positions = self._tiles.positions(term.layer, tf.shape(response)[1:3])
            share = weight / tf.cast(tf.reduce_prod(positions), tf.float32)
            value = share * tf.reduce_sum(part.core(response, term.layer))
            terms[term.name] = terms[term.name] + value if term.name in terms else value
        return list(terms.values())
