"""The octaves of a picture at which style is compared: the picture itself, its half, its quarter.

The layers of a network see a few dozen pixels. In smaller copies of the picture they see longer strokes and larger
shapes; Snelgrove (High-Resolution Multi-Scale Neural Texture Synthesis, SIGGRAPH Asia 2017) compares textures so.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.tiles import EVERYTHING, Part, SumsOfPart, Tiles
from tfgraphs.graphs.own_gradients import custom_gradient
from tfgraphs.graphs.scopes import scope
from tfgraphs.neural_style.regions import Region, Style
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.shifts import MARGIN, SHIFTS, lattice_offset, mirror_and_shift, picture_offset
from tfgraphs.neural_style.statistics import Sums, sample_features, subsample
from tfgraphs.neural_style.style_loss import PALETTE, LayerSums, StyleTransferLoss, content_sums, palette_sums
from tfgraphs.optimize.losses import Loss, weighted_sum
from tfgraphs.pictures.images import resize

SMALLEST_OCTAVE = 48  # shortest side of pictures and paintings in an octave but the first, in pixels

Size = tf.Tensor | tuple[int, ...]
"""Height and width, as a tensor int32 [2] or as numbers."""

Masks = Mapping[str, tf.Tensor]
"""For each style layer how much its positions count, for every shift: [SHIFTS, height, width]; PALETTE: [1, ...]."""


def octave(pictures: tf.Tensor, number: int, shift: int | tf.Tensor) -> tf.Tensor:
    """Reduces pictures, [batch, height, width, channels], to 1 / 2^number of their size, rounded up.

    Each pixel is the mean of a square of 2^number pixels. The shift says how the squares lie, so that they leave no
    pattern; the rest of those at the borders is mirrored.
    """
    if not number:
        return pictures
    side = 2**number
    with scope(octave_scope(number)):
        down, across = (offset % side for offset in lattice_offset(shift))
        frame = [[0, 0], [down, side - 1 - down], [across, side - 1 - across], [0, 0]]
        reduced = tf.nn.avg_pool2d(tf.pad(pictures, frame, "SYMMETRIC"), side, side, "VALID")
    batch, *sides, channels = pictures.shape
    sides = [None if length is None else octave_side(length, number) for length in sides]
    return tf.ensure_shape(reduced, [batch, *sides, channels])


def octave_scope(number: int) -> str:
    """The scope of an octave in the loss; that of the picture itself has none."""
    return f"octave_{number}" if number else ""


def octave_side(side: int, number: int) -> int:
    """The side of an octave of a picture with a side of so many pixels: side / 2^number, rounded up."""
    return -(-side // 2**number)


def octave_shares(size: Size, paintings: Sequence[Size], octaves: int) -> tf.Tensor:
    """The shares of the octaves in the style loss, float32 [octaves]: 2^-o / sum_k 2^-k, and 0 of those too small.

    Args:
        size: height and width of the picture in pixels.
        paintings: the same of the paintings, as they are compared with it.
        octaves: the number of octaves.
    """
    numbers = tf.range(octaves)
    exists = (tf.reduce_min([size, *paintings]) // 2**numbers >= SMALLEST_OCTAVE) | (numbers == 0)
    shares = 0.5 ** tf.cast(numbers, tf.float32) * tf.cast(exists, tf.float32)
    return shares / tf.reduce_sum(shares)


class RegionTarget(NamedTuple):
    """What is compared with in one region of the photograph; without masks all positions belong to it."""

    share_of_loss: float
    statistics: LayerSums
    masks: Masks | None


class Octave:
    """Compares pictures of one size with a photograph's content and the paintings of some regions.

    Args:
        size: height and width of the pictures.
        regions: their paintings, of the size at which they are compared with the picture in the first octave.
        loss: how activations are compared.
        backbone, settings: as of `Targets`.
        number: which octave it is.

    Attributes:
        tiles: those in which pictures are computed; None for the whole picture at once.

    Raises: as of `Targets`.
    """

    def __init__(
        self,
        size: tuple[int, int],
        regions: Sequence[Region],
        loss: StyleTransferLoss,
        backbone: Backbone,
        settings: StyleSettings,
        number: int,
    ) -> None:
        self._loss, self._backbone, self._settings, self._number = loss, backbone, settings, number
        self._strides = {layer: int(loss.stride(layer, size[0] * size[1])) for layer in loss.style_weights}
        self.tiles = self._tiles_of(size)
        self._regions = [self._target(region, size) for region in regions]

    def style(self, picture: tf.Tensor, step: tf.Tensor, shift: tf.Tensor) -> Loss:
        """The style loss of a picture [1, height, width, 3]; `step`, int64, draws positions."""
        with scope(octave_scope(self._number)):
            _, sums = self._sums([picture], step, shift, lambda *_: [])
        return self._styles(sums)

    def content_and_style(
        self, picture: tf.Tensor, photograph: tf.Tensor, content: tf.Tensor | None, step: tf.Tensor, shift: tf.Tensor
    ) -> tuple[Loss, Loss]:
        """The content loss and the style loss of a picture, in one pass through the network.

        Args:
            picture, step, shift: as of `style`.
            photograph: [1, height, width, 3].
            content: its activations for every shift, [SHIFTS, height, width, channels]; None: they are computed.
        """
        layer = self._loss.content_layer

        def compare(activations: Mapping[str, tf.Tensor], pictures: list[tf.Tensor], part: Part) -> Sums:
            with scope("content"):
                if content is None:
                    target = part.core(self._backbone(pictures[1], [layer])[layer], layer)
                else:
                    target = content[shift, tf.newaxis]
                return content_sums(part.core(activations[layer], layer), target)

        pictures = [picture, photograph] if content is None else [picture]
        compared, sums = self._sums(pictures, step, shift, compare)
        return self._loss.content(compared), self._styles(sums)

    def _styles(self, sums: Sequence[LayerSums]) -> Loss:
        """The sum of the style losses of all regions, from their sums."""
        styles = [self._loss.style(one, region.statistics) for region, one in zip(self._regions, sums, strict=True)]
        return weighted_sum([region.share_of_loss for region in self._regions], styles).within(
            octave_scope(self._number)
        )

    def _sums(
        self,
        pictures: list[tf.Tensor],
        step: tf.Tensor,
        shift: tf.Tensor,
        compare_content: Callable[[Mapping[str, tf.Tensor], list[tf.Tensor], Part], Sums],
    ) -> tuple[Sums, list[LayerSums]]:
        """The sums of the content, and those of the style in each region."""

        def sums_of_part(shown: list[tf.Tensor], part: Part) -> tuple[Sums, list[LayerSums]]:
            activations = self._backbone(shown[0], self._loss.layers)
            content = compare_content(activations, shown, part)
            styles = [
                self._style_sums(activations, region.masks, part, shift, step, self._strides)
                for region in self._regions
            ]
            return content, styles

        content, styles = _sums_of_parts(self.tiles, pictures, sums_of_part, shift)
        for region, sums in zip(self._regions, styles, strict=True):
            sums[PALETTE] = palette_sums(pictures[0], None if region.masks is None else region.masks[PALETTE])
        return content, styles

    def _style_sums(
        self,
        activations: Mapping[str, tf.Tensor],
        masks: Masks | None,
        part: Part,
        shift: tf.Tensor,
        random: tf.Tensor,
        strides: Mapping[str, int],
    ) -> LayerSums:
        """What the positions of a part add to the sums of each style layer; `random` draws positions and samples."""
        sums = {}
        for layer in self._loss.style_weights:
            with self._loss.sums_scope(layer):
                mask = None if masks is None else masks[layer][shift, tf.newaxis]
                sums[layer] = self._layer_sums(layer, activations[layer], mask, part, random, strides.get(layer, 1))
        return sums

    def _layer_sums(
        self, layer: str, activation: tf.Tensor, mask: tf.Tensor | None, part: Part, random: tf.Tensor, stride: int
    ) -> Sums:
        """The same of one layer, compared at each `stride`-th position."""
        statistic, core = self._loss.statistic, part.core(activation, layer)
        if statistic.rows:
            place = part.first(layer), part.whole(layer, activation)
            return sample_features(core, mask, random, statistic.rows, *place)
        if mask is not None:
            mask = part.cut(mask, layer, activation)
        if stride > 1:
            core, mask = subsample(core, stride, random, mask, part.first(layer))
        return statistic.sums(core, mask, random)

    def _tiles_of(self, size: tuple[int, int]) -> Tiles | None:
        """Tiles over a picture of a size and its margin, if it is processed in tiles."""
        tile_size = self._settings.tile(self._backbone, size)
        if not tile_size:
            return None
        tiles = Tiles(self._backbone, self._loss.layers, tile_size, frame=MARGIN + SHIFTS - 1)
        tiles.cover(size[0] + 2 * MARGIN, size[1] + 2 * MARGIN)
        return tiles

    def _target(self, region: Region, size: tuple[int, int]) -> RegionTarget:
        painted = [(style.weight, self._statistics(style)) for style in region.styles]
        blended = self._loss.blend(painted)
        if region.where is None:
            return RegionTarget(region.weight, blended, None)
        return RegionTarget(region.weight * float(np.mean(region.where)), blended, self._masks(region.where, size))

    def _statistics(self, style: Style) -> LayerSums:
        """The sums of a painting, presented as the picture is, on average over shifts."""
        painting = tf.constant(style.pixels[None])
        height, width = style.pixels.shape[:2]
        size = octave_side(height, self._number), octave_side(width, self._number)
        tiles = self._tiles_of(size)
        masks = None if style.mask is None else self._masks(style.mask, size)

        def shifted_sums(shift: tf.Tensor) -> LayerSums:
            def sums_of_part(pictures: list[tf.Tensor], part: Part) -> LayerSums:
                activations = self._backbone(pictures[0], self._loss.style_weights)
                return self._style_sums(activations, masks, part, shift, tf.cast(shift, tf.int64), {})

            pixels = octave(painting, self._number, shift)
            palette = palette_sums(pixels, None if masks is None else masks[PALETTE])
            return {**_sums_of_parts(tiles, [pixels], sums_of_part, shift), PALETTE: palette}

        return self._loss.mean_over_shifts(tf.function(shifted_sums) if tiles else shifted_sums)

    def _masks(self, mask: np.ndarray, size: tuple[int, int]) -> Masks:
        """Resamples a mask to the positions of each style layer, for every shift."""
        height, width = size
        whole = tf.constant(resize(mask[..., None], size)[None].clip(0, 1))
        framed = tf.TensorSpec([1, height + 2 * MARGIN, width + 2 * MARGIN, 3], tf.float32)
        graph = tf.function(self._backbone.__call__).get_concrete_function(framed, list(self._loss.style_weights))
        sizes = {layer: activation.shape[1:3] for layer, activation in graph.structured_outputs.items()}
        shifted = [mirror_and_shift(whole, shift) for shift in range(SHIFTS)]
        masks = {
            layer: tf.concat([tf.image.resize(frame, positions, "area")[..., 0] for frame in shifted], axis=0)
            for layer, positions in sizes.items()
        }
        return {**masks, PALETTE: whole[..., 0]}


def _sums_of_parts(
    tiles: Tiles | None,
    pictures: Sequence[tf.Tensor],
    sums_of_part: SumsOfPart,
    shift: tf.Tensor,
) -> Any:
    """Adds up the sums of all tiles, or takes those of the whole; differentiable by the first picture.

    In tiles the gradient is exact, too. It is that of the sums weighted with the slopes of the loss, which are known
    only when all sums are, so it takes a second pass over the tiles.
    """
    if tiles is None:
        return sums_of_part([mirror_and_shift(picture, shift) for picture in pictures], EVERYTHING)
    with scope("shift"):
        offset = picture_offset(shift)

    @custom_gradient
    def total(picture: tf.Tensor) -> tuple[Any, Callable[..., tf.Tensor]]:
        shown = [picture, *pictures[1:]]

        def gradient(*slopes: tf.Tensor) -> tf.Tensor:
            def weighted(pieces: list[tf.Tensor], part: Part) -> tf.Tensor:
                sums = tf.nest.flatten(sums_of_part(pieces, part))
                return tf.add_n([tf.reduce_sum(slope * one) for slope, one in zip(slopes, sums, strict=True)])

            with scope("tiles"):
                return tiles.total_and_gradient(shown, weighted, offset)[1]

        return tiles.total_and_gradient(shown, sums_of_part, offset, with_gradient=False)[0], gradient

    with scope("tiles"):
        return total(pictures[0])
