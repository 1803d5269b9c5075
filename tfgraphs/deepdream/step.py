"""The step of a dream: jitter, objective, gradient, normalisation, ascent."""

import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.tiles import Part, TileError, Tiles
from tfgraphs.deepdream.gradients import NORMALIZATIONS, smooth
from tfgraphs.deepdream.objectives import Objective, Terms, total
from tfgraphs.deepdream.settings import DreamSettings
from tfgraphs.deepdream.transforms import jitter
from tfgraphs.graphs.scopes import scope
from tfgraphs.pictures.colors import Pixels, is_grey


class DreamStep:
    """One step of gradient ascent on an objective of a picture x.

        value = objective(backbone(roll(x, shift)))      shift uniform in -jitter..jitter, another in each step
        g = normalize(smooth(d value / d x))             see `gradients`; of grey pictures without chroma
        x <- clip(x + step_size * g, 0, 1)

    Commands hand `loss` and `direction` to `minimize`, whose optimizer takes the step; calling this takes it by itself.

    Attributes:
        tiles: those in which the objective is computed; None for the whole picture at once.

    Raises:
        TileError: the objective needs the whole picture, or the tiles would be too small.
    """

    def __init__(self, objective: Objective, backbone: Backbone, settings: DreamSettings) -> None:
        self._objective, self._backbone = objective, backbone
        self._jitter, self._seed = jitter(settings.jitter), settings.seed
        self._grey = True if settings.grey is None and backbone.sees_greys else settings.grey
        self._chroma, self._blur, self._chroma_blur = settings.chroma, settings.blur, settings.chroma_blur
        self._normalize = NORMALIZATIONS[settings.normalize]
        self.tiles = None
        if settings.tile_size:
            for _, term in objective.terms:
                if not term.local:
                    raise TileError(f"{term.name} needs the whole picture: it cannot be computed in tiles")
            self.tiles = Tiles(backbone, objective.layers, settings.tile_size)

    def loss(self, picture: tf.Tensor, step: tf.Tensor, full_size: tf.Tensor) -> tuple[tf.Tensor, Terms]:
        """Returns minus the objective, and its terms.

        Args:
            picture: float32 [batch, height, width, 3], RGB in 0..1.
            step: number of the step, from which the shift is drawn.
            full_size: height and width of the picture of which this is an octave.
        """
        with scope("transforms"):
            shifted = self._jitter(picture, self._seed, step)
        if self.tiles:
            with scope("tiles"):
                terms = self.tiled_terms(shifted)
        else:
            activations = self._backbone(shifted, self._objective.layers)
            with scope("objective"):
                terms = self._objective.at_scale(tf.shape(picture)[1:3] / full_size).terms_of(activations)
        with scope("total"):
            value, terms = total(terms)
            return -value, terms

    def __call__(self, picture: tf.Tensor, step: tf.Tensor, step_size: tf.Tensor, full_size: tf.Tensor) -> tf.Tensor:
        """Returns the picture after the step; args as of `loss`."""
        with tf.GradientTape() as tape:
            tape.watch(picture)
            loss, _ = self.loss(picture, step, full_size)
        direction = self.direction(tape.gradient(loss, picture), self.is_grey(picture))
        return tf.clip_by_value(picture - step_size * direction, 0.0, 1.0)

    def is_grey(self, picture: Pixels) -> bool | tf.Tensor:
        """Returns whether a dream about a picture, [..., 3], changes red, green and blue alike."""
        return is_grey(picture) if self._grey is None else self._grey

    def direction(self, gradient: tf.Tensor, grey: bool | tf.Tensor) -> tf.Tensor:
        """Smooths and normalises the gradient of a picture; `grey` is the result of `is_grey`."""
        chroma = tf.where(grey, 0.0, self._chroma)
        return self._normalize(smooth(gradient, chroma, self._blur, self._chroma_blur))

    def tiled_terms(self, picture: tf.Tensor) -> Terms:
        """Returns the terms for a picture, [1, height, width, 3], of the size that the tiles cover, with a gradient.

        Each term is a mean over positions, of which each tile has its share.
        """
        tiles = self.tiles
        assert tiles is not None

        def terms_of_part(pictures: list[tf.Tensor], part: Part) -> Terms:
            def share(response: tf.Tensor, layer: str) -> tf.Tensor:
                positions = tiles.positions(layer, tf.shape(response)[1:3])
                return 1 / tf.cast(tf.reduce_prod(positions), tf.float32) * tf.reduce_sum(part.core(response, layer))

            return self._objective.terms_of(self._backbone(pictures[0], self._objective.layers), share)

        computed = tiles.total_and_gradient([picture], terms_of_part)
        terms, gradient = tf.nest.map_structure(tf.stop_gradient, computed)
        linear = tf.tensordot(gradient, picture, 4)
        terms[next(iter(terms))] += linear - tf.stop_gradient(linear)  # adds 0, and the gradient of the tiles
        return terms
