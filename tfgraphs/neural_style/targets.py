"""What a painting is compared with at one size: the photograph's activations and the paintings' statistics.

They are computed once for a size, and once for a photograph, for each shift that a step may draw.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.tiles import EVERYTHING, Part, SumsOfPart, Tiles
from tfgraphs.graphs.own_gradients import custom_gradient
from tfgraphs.neural_style.anchor import Anchor, temporal_error
from tfgraphs.neural_style.regions import Region, Style
from tfgraphs.neural_style.scales import style_size
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.shifts import MARGIN, SHIFTS, mirror_and_shift, picture_offset
from tfgraphs.neural_style.statistics import Sums, subsample
from tfgraphs.neural_style.style_loss import LayerSums, StyleTransferLoss, content_sums
from tfgraphs.optimize.losses import Loss
from tfgraphs.pictures.images import resize

Masks = Mapping[str, tf.Tensor]
"""For each style layer how much its positions count, for every shift: [SHIFTS, height, width]."""


class RegionTarget(NamedTuple):
    """What is compared with in one region of the photograph; without masks all positions belong to it."""

    share_of_loss: float
    statistics: LayerSums
    masks: Masks | None


class Targets:
    """Compares pictures of one size with photographs of the same size and with the paintings of some regions.

    Attributes:
        loss: see `StyleTransferLoss`.

    Raises:
        LayerError: unknown layer.
        StyleError: the statistic cannot be computed in tiles.
        TileError: tiles of this size are too small.
    """

    def __init__(
        self,
        size: tuple[int, int],
        regions: Sequence[Region],
        backbone: Backbone,
        settings: StyleSettings,
        anchored: bool = False,
    ) -> None:
        self.loss = StyleTransferLoss(settings, backbone)
        self._backbone, self._settings, self._size = backbone, settings, size
        height, width = size
        self._strides = {layer: int(self.loss.stride(layer, height * width)) for layer in self.loss.style_weights}
        self._tiles = self._tiles_of(size)
        self._photograph = tf.Variable(tf.zeros([1, height, width, 3]), trainable=False)
        self._content = None if self._tiles else tf.Variable(self._content_of_all_shifts(), trainable=False)
        depths = (3, 1) if anchored else ()
        self._anchor = [tf.Variable(tf.zeros([1, height, width, depth]), trainable=False) for depth in depths]
        longest = max(size) * settings.style_scale
        self._regions = [self._target(region, size, longest) for region in regions]

    def set_photograph(self, photograph: np.ndarray, anchor: Anchor | None) -> None:
        """Changes the photograph, float32 [height, width, 3] of any size, RGB in 0..1, and the anchor."""
        self._photograph.assign(resize(photograph, self._size)[None])
        if self._content is not None:
            self._content.assign(self._content_of_all_shifts())
        if anchor is not None:
            for variable, value in zip(self._anchor, anchor.resized(self._size), strict=True):
                variable.assign(value)

    def total(self, picture: tf.Variable | tf.Tensor, step: tf.Tensor, shift: tf.Tensor) -> Loss:
        """The loss of a picture, see `StyleTransferLoss.total`, and its distance from the anchor; args as of `losses`.

        The anchor counts if pictures are `anchored`.
        """
        content, style = self.losses(picture, step, shift)
        total = self.loss.total(content, style, tf.convert_to_tensor(picture), compiled=self._tiles is not None)
        if self._anchor:
            total += Loss(lambda step: temporal_error(picture, *self._anchor), "temporal")
        return total

    def losses(self, picture: tf.Tensor, step: tf.Tensor, shift: tf.Tensor) -> tuple[Loss, Loss]:
        """The content loss and the style loss of a picture [1, height, width, 3]; `step`, int64, draws positions."""
        content, parts = self._sums(picture, step, shift)
        styles = [
            region.share_of_loss * self.loss.style(sums, region.statistics)
            for region, sums in zip(self._regions, parts, strict=True)
        ]
        return self.loss.content(content), sum(styles[1:], styles[0])

    def _sums(self, picture: tf.Tensor, step: tf.Tensor, shift: tf.Tensor) -> tuple[Sums, list[LayerSums]]:
        """The sums of the content, and those of the style in each region."""

        def sums_of_part(pictures: list[tf.Tensor], part: Part) -> tuple[Sums, list[LayerSums]]:
            activations = self._backbone(pictures[0], self.loss.layers)
            layer = self.loss.content_layer
            with tf.name_scope("content"):
                if self._content is None:
                    target = part.core(self._backbone(pictures[1], [layer])[layer], layer)
                else:
                    target = self._content[shift, tf.newaxis]
                content = content_sums(part.core(activations[layer], layer), target)
            with tf.name_scope("style"):
                styles = [
                    self._style_sums(activations, region.masks, part, shift, step, self._strides)
                    for region in self._regions
                ]
            return content, styles

        pictures = [picture] if self._tiles is None else [picture, self._photograph]
        return _sums_of_parts(self._tiles, list(map(tf.convert_to_tensor, pictures)), sums_of_part, shift)

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
        for layer in self.loss.style_weights:
            core, mask = part.core(activations[layer], layer), None
            if masks is not None:
                mask = part.cut(masks[layer][shift, tf.newaxis], layer, activations[layer])
            if strides.get(layer, 1) > 1:
                core, mask = subsample(core, strides[layer], random, mask, part.first(layer))
            sums[layer] = self.loss.statistic.sums(core, mask, random)
        return sums

    def _tiles_of(self, size: tuple[int, int]) -> Tiles | None:
        """Tiles over a picture of a size and its margin, if it is processed in tiles."""
        tile_size = self._settings.tile(self._backbone, size)
        if not tile_size:
            return None
        tiles = Tiles(self._backbone, self.loss.layers, tile_size, frame=MARGIN + SHIFTS - 1)
        tiles.cover(size[0] + 2 * MARGIN, size[1] + 2 * MARGIN)
        return tiles

    def _content_of_all_shifts(self) -> tf.Tensor:
        """The photograph's activations at the content layer: [SHIFTS, height, width, channels]."""
        layer, photograph = self.loss.content_layer, tf.convert_to_tensor(self._photograph)
        return tf.concat(
            [self._backbone(mirror_and_shift(photograph, shift), [layer])[layer] for shift in range(SHIFTS)], axis=0
        )

    def _target(self, region: Region, size: tuple[int, int], longest: float) -> RegionTarget:
        painted = [(style.weight, self._statistics(style, longest)) for style in region.styles]
        blended = {
            layer: self.loss.statistic.blend([(weight, sums[layer]) for weight, sums in painted])
            for layer in self.loss.style_weights
        }
        if region.where is None:
            return RegionTarget(region.weight, blended, None)
        return RegionTarget(region.weight * float(np.mean(region.where)), blended, self._masks(region.where, size))

    def _statistics(self, style: Style, longest: float) -> LayerSums:
        """The sums of a painting, presented as the picture is, on average over all shifts."""
        height, width = style_size(tf.constant(style.pixels.shape[:2]), longest).numpy().tolist()
        pixels, size = tf.constant(resize(style.pixels, (height, width))[None]), (height, width)
        tiles = self._tiles_of(size)
        masks = None if style.mask is None else self._masks(style.mask, size)

        def shifted_sums(shift: tf.Tensor) -> LayerSums:
            def sums_of_part(pictures: list[tf.Tensor], part: Part) -> LayerSums:
                activations = self._backbone(pictures[0], self.loss.style_weights)
                return self._style_sums(activations, masks, part, shift, tf.cast(shift, tf.int64), {})

            return _sums_of_parts(tiles, [pixels], sums_of_part, shift)

        return self.loss.mean_over_shifts(tf.function(shifted_sums) if tiles else shifted_sums)

    def _masks(self, mask: np.ndarray, size: tuple[int, int]) -> Masks:
        """Resamples a mask to the positions of each style layer, for every shift."""
        height, width = size
        whole = tf.constant(resize(mask[..., None], size)[None].clip(0, 1))
        framed = tf.TensorSpec([1, height + 2 * MARGIN, width + 2 * MARGIN, 3], tf.float32)
        graph = tf.function(self._backbone.__call__).get_concrete_function(framed, list(self.loss.style_weights))
        sizes = {layer: activation.shape[1:3] for layer, activation in graph.structured_outputs.items()}
        shifted = [mirror_and_shift(whole, shift) for shift in range(SHIFTS)]
        return {
            layer: tf.concat([tf.image.resize(frame, positions, "area")[..., 0] for frame in shifted], axis=0)
            for layer, positions in sizes.items()
        }


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
    offset = picture_offset(shift)

    @custom_gradient
    def total(picture: tf.Tensor) -> tuple[Any, Callable[..., tf.Tensor]]:
        shown = [picture, *pictures[1:]]

        def gradient(*slopes: tf.Tensor) -> tf.Tensor:
            def weighted(pieces: list[tf.Tensor], part: Part) -> tf.Tensor:
                sums = tf.nest.flatten(sums_of_part(pieces, part))
                return tf.add_n([tf.reduce_sum(slope * one) for slope, one in zip(slopes, sums, strict=True)])

            return tiles.total_and_gradient(shown, weighted, offset)[1]

        return tiles.total_and_gradient(shown, sums_of_part, offset, with_gradient=False)[0], gradient

    return total(pictures[0])
