"""What a painting is compared with at one size: the photograph's activations and the paintings' statistics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.backbones.tiles import EVERYTHING, Look, Part, Tiles
from tfgraphs.graphs.own_gradients import custom_gradient
from tfgraphs.neural_style.lattice import lattice, spacing, thinned
from tfgraphs.neural_style.losses import FORMS, content_sums
from tfgraphs.neural_style.regions import Region, Style
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.statistics import STATISTICS, Sums
from tfgraphs.pictures.images import fit, resize

SMALLEST_SIDE = 32  # of a painting, in pixels
MARGIN, SHIFTS = 16, 8  # pixels mirrored around the picture, and how many ways there are to shift it inside them

Masks = Mapping[str, tf.Tensor]


@dataclass(frozen=True, eq=False)
class Place:
    """What is compared with at one region of the photograph.

    Attributes:
        share: of the style loss.
        targets: for each layer the sums of the paintings that are blended there.
        masks: for each layer how much each of its positions belongs to the region, for every shift: [SHIFTS, height,
            width]. None: all of it.
    """

    share: float
    targets: Mapping[str, Sums]
    masks: Masks | None


class Targets:
    """All that is computed once for a size, and once for a photograph, for every shift that a step may draw.

    Args:
        size: height and width of the photographs in pixels.
        regions: which paintings go where.
        backbone: the network that looks.
        settings: see `StyleSettings`.

    Raises:
        StyleError: the style cannot be compared in tiles.
        TileError: the picture cannot be looked at in such tiles.
    """

    def __init__(
        self, size: tuple[int, int], regions: Sequence[Region], backbone: Backbone, settings: StyleSettings
    ) -> None:
        self._form, self._statistic = FORMS[settings.loss], STATISTICS[settings.statistic]
        self._backbone, self._settings = backbone, settings
        self._content_layer, weights = settings.layers(backbone)
        self._content_weight, _ = settings.weights()
        self._weights = {layer: weight / sum(weights.values()) for layer, weight in weights.items()}
        self._layers = list(dict.fromkeys([self._content_layer, *weights]))
        height, width = size
        self._every = {
            layer: int(spacing(settings.spacing(), height * width / backbone.view(layer).stride ** 2))
            for layer in weights
        }
        self._tiles = self._tiled(height, width)
        self._photograph = tf.Variable(tf.zeros([1, height, width, 3]), trainable=False)
        self._content = None if self._tiles else tf.Variable(self._content_of_all_shifts(), trainable=False)
        longest = max(height, width) * settings.style_scale
        self._places = []
        for region in regions:
            painted = [(style.weight, self._described(style, longest)) for style in region.styles]
            targets = {
                layer: self._statistic.together([(weight, sums[layer]) for weight, sums in painted])
                for layer in weights
            }
            masks = None if region.where is None else self._masks(region.where, (height, width))
            share = 1.0 if region.where is None else float(np.mean(region.where))
            self._places.append(Place(region.weight * share, targets, masks))

    def show(self, content: np.ndarray) -> None:
        """Brings the photograph to paint, at this size, float32 [height, width, 3], RGB in 0..1."""
        self._photograph.assign(content[None])
        if self._content is not None:
            self._content.assign(self._content_of_all_shifts())

    def terms(self, picture: tf.Tensor, step: tf.Tensor, shift: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the content and each layer of the style contribute to the loss.

        Args:
            picture: [1, height, width, 3] of the size of the photograph.
            step: int64 scalar, a random number.
            shift: int32 scalar, where the picture is looked at, see `shifted`.
        """
        if self._tiles is None:
            return self._weighed(self._sums([shifted(picture, shift)], EVERYTHING, step, shift), step)
        return self._in_tiles(self._tiles, picture, step, shift)

    def _in_tiles(self, tiles: Tiles, picture: tf.Tensor, step: tf.Tensor, shift: tf.Tensor) -> dict[str, tf.Tensor]:
        """The same, exactly, of a picture that is looked at in tiles twice.

        The loss is a function of sums over all tiles. The first look gives these, and with them the slope of the loss
        by each; the second the gradient of the sums, tile by tile, weighed with these slopes. It is the gradient of all
        terms together, as none of them is used alone.
        """
        photograph = tf.convert_to_tensor(self._photograph)

        def look(seen: list[tf.Tensor], part: Part) -> Sums:
            return self._sums(seen, part, step, shift)

        @custom_gradient
        def all_terms(picture: tf.Tensor) -> tuple[list[tf.Tensor], Callable[..., tf.Tensor]]:
            sums = tiles.total([picture, photograph], look, corner(shift))
            with tf.GradientTape() as tape:
                tape.watch(sums)
                terms = list(self._weighed(sums, step).values())
            slopes = tape.gradient(terms, sums, unconnected_gradients="zero")

            def gradient(*upstream: tf.Tensor) -> tf.Tensor:
                def weighed(seen: list[tf.Tensor], part: Part) -> Sums:
                    own = look(seen, part)
                    products = [tf.reduce_sum(slope * one) for slope, one in zip(slopes, own, strict=True)]
                    return [tf.add_n(products)]

                _, slope = tiles.total_and_gradient([picture, photograph], weighed, corner(shift))
                return upstream[0] * slope

            return terms, gradient

        return dict(zip(self._names(), all_terms(tf.convert_to_tensor(picture)), strict=True))

    def _names(self) -> list[str]:
        return ["content", *(f"style/{layer}" for layer in self._weights)]

    def _sums(self, seen: list[tf.Tensor], part: Part, step: tf.Tensor, shift: tf.Tensor) -> Sums:
        """What the positions of a part add to everything that the loss is made of: first content, then places.

        Args:
            seen: a tile of the picture, and that of the photograph where its activations are not there already.
        """
        activations = self._backbone(seen[0], self._layers)
        cores = {layer: part.core(activation, layer) for layer, activation in activations.items()}
        with tf.name_scope("content"):
            if self._content is None:
                found = self._backbone(seen[1], [self._content_layer])[self._content_layer]
                target = part.core(found, self._content_layer)
            else:
                target = self._content[shift, tf.newaxis]
            sums = content_sums(cores[self._content_layer], target)
        with tf.name_scope("style"):
            for place in self._places:
                for layer in self._weights:
                    mask = None
                    if place.masks is not None:
                        mask = part.cut(place.masks[layer][shift, tf.newaxis], layer, activations[layer])
                    core = cores[layer]
                    if self._every[layer] > 1:
                        places = lattice(self._every[layer], part.first(layer), tf.shape(core)[1:3], step)
                        core = thinned(core, places)
                        mask = None if mask is None else thinned(mask[..., tf.newaxis], places)[..., 0]
                    sums += self._statistic.sums(core, mask, step)
        return sums

    def _weighed(self, sums: Sums, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """The terms of the loss, from all sums."""
        with tf.name_scope("content"):
            terms = [self._content_weight * self._form.content(sums[:2])]
        own, errors = sums[2:], dict[str, list[tf.Tensor]]()
        with tf.name_scope("style"):
            for place in self._places:
                for layer, target in place.targets.items():
                    own, found = own[len(target) :], own[: len(target)]
                    error = self._form.style(self._statistic.of(found, step), self._statistic.of(target, step))
                    errors.setdefault(layer, []).append(place.share * error)
            terms += [weight * tf.add_n(errors[layer]) for layer, weight in self._weights.items()]
        return dict(zip(self._names(), terms, strict=True))

    def _tiled(self, height: int, width: int) -> Tiles | None:
        """Tiles over a picture of a size and its margin, if it is to be looked at in tiles."""
        tile_size = self._settings.tile(self._backbone, (height, width))
        if not tile_size:
            return None
        tiles = Tiles(self._backbone, self._layers, tile_size, frame=MARGIN + SHIFTS - 1)
        tiles.lay(height + 2 * MARGIN, width + 2 * MARGIN)
        return tiles

    def _content_of_all_shifts(self) -> tf.Tensor:
        """The photograph's activations at the layer of the content: [SHIFTS, height, width, channels]."""
        layer, photograph = self._content_layer, tf.convert_to_tensor(self._photograph)
        return tf.concat(
            [self._backbone(shifted(photograph, shift), [layer])[layer] for shift in range(SHIFTS)], axis=0
        )

    def _described(self, style: Style, longest: float) -> dict[str, Sums]:
        """The sums of a painting, seen as the picture is: mirrored at its borders, on average over all shifts."""
        pixels = tf.constant(scaled_style(style.pixels, longest)[None])
        height, width = pixels.shape[1:3]
        tiles, masks = self._tiled(height, width), None
        if style.mask is not None:
            masks = self._masks(style.mask, (height, width))
        look = self._look_at_painting(masks)

        def seen(shift: tf.Tensor) -> Sums:
            if tiles:
                return tiles.total([pixels], look(shift), corner(shift))
            return look(shift)([shifted(pixels, shift)], EVERYTHING)

        seen = tf.function(seen) if tiles else seen
        parts = [(1 / SHIFTS, seen(tf.constant(shift))) for shift in range(SHIFTS)]
        each = len(parts[0][1]) // len(self._weights)
        return {
            layer: self._statistic.together(
                [(share, sums[each * number : each * (number + 1)]) for share, sums in parts]
            )
            for number, layer in enumerate(self._weights)
        }

    def _look_at_painting(self, masks: Masks | None) -> Callable[[tf.Tensor], Look]:
        """Of each shift what it sees in tiles of a painting: the sums of all layers, one after the other."""

        def at(shift: tf.Tensor) -> Look:
            def look(seen: list[tf.Tensor], part: Part) -> Sums:
                sums = []
                for layer, activation in self._backbone(seen[0], self._weights).items():
                    mask = None if masks is None else part.cut(masks[layer][shift, tf.newaxis], layer, activation)
                    sums += self._statistic.sums(part.core(activation, layer), mask, tf.cast(shift, tf.int64))
                return sums

            return look

        return at

    def _masks(self, mask: np.ndarray, size: tuple[int, int]) -> Masks:
        """How much of a mask lies around each position of each layer of the style, see `Place`."""
        height, width = size
        whole = tf.constant(resize(mask[..., None], size)[None].clip(0, 1))
        shown = tf.TensorSpec([1, height + 2 * MARGIN, width + 2 * MARGIN, 3], tf.float32)
        graph = tf.function(self._backbone.__call__).get_concrete_function(shown, list(self._weights))
        sizes = {layer: activation.shape[1:3] for layer, activation in graph.structured_outputs.items()}
        return {
            layer: tf.concat(
                [
                    tf.image.resize(shifted(whole, shift), positions, "area", preserve_aspect_ratio=False)[..., 0]
                    for shift in range(SHIFTS)
                ],
                axis=0,
            )
            for layer, positions in sizes.items()
        }


def scaled_style(style: np.ndarray, longest: float) -> np.ndarray:
    """The painting with its longer side reduced to `longest`, or as far as its shorter side allows."""
    height, width = style.shape[:2]
    least = SMALLEST_SIDE * max(height, width) / min(height, width)
    return resize(style, fit((height, width), round(max(longest, least))))


def corner(shift: int | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Where the picture begins, down and across, among the pixels mirrored around it, see `shifted`."""
    return MARGIN - shift, MARGIN - (3 * shift) % SHIFTS


def shifted(pictures: tf.Tensor, shift: int | tf.Tensor) -> tf.Tensor:
    """Mirrors MARGIN pixels around [batch, h, w, c] on average, with the picture in one of SHIFTS places inside.

    The first layers of a network look at every second or fourth pixel. A picture that always lies the same way under
    that lattice takes it on as a pattern; shifts by 0..7 pixels up and 0, 3, 6, 1, ... to the left meet each of its
    rows and columns once. The mirrored margin makes the borders as well seen as the middle.
    """
    top, left = corner(shift)
    frame = [[0, 0], [top, 2 * MARGIN - top], [left, 2 * MARGIN - left], [0, 0]]
    batch, *sides, channels = pictures.shape
    sides = [None if side is None else side + 2 * MARGIN for side in sides]
    return tf.ensure_shape(tf.pad(pictures, frame, "REFLECT"), [batch, *sides, channels])
