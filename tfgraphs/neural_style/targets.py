"""What a painting is compared with at one size: the photograph's activations and the paintings' statistics.

They are computed once for a size, and once for a photograph, for each shift that a step may draw.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.graphs.scopes import scope
from tfgraphs.neural_style.anchor import Anchor, kept, temporal_error
from tfgraphs.neural_style.octaves import Octave, octave, octave_shares, octave_side
from tfgraphs.neural_style.regions import Region
from tfgraphs.neural_style.scales import style_size
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.shifts import SHIFTS, mirror_and_shift
from tfgraphs.neural_style.style_loss import StyleTransferLoss
from tfgraphs.optimize.losses import Loss, weighted_sum
from tfgraphs.pictures.images import resize


class Targets:
    """Compares pictures of one size with photographs of the same size and with the paintings of some regions.

    `scale` is that size relative to the finest scale's.

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
        scale: float = 1.0,
    ) -> None:
        self.loss = loss = StyleTransferLoss(settings, backbone)
        self._backbone, self._size, self._scale = backbone, size, scale
        height, width = size
        regions = [_reduced(region, max(size) * settings.style_scale) for region in regions]
        paintings = [style.pixels.shape[:2] for region in regions for style in region.styles]
        shares = octave_shares(size, paintings, settings.compared_octaves(backbone.name)).numpy().tolist()
        self._shares = [share for share in shares if share]
        sizes = [(octave_side(height, number), octave_side(width, number)) for number in range(len(self._shares))]
        self._octaves = [Octave(one, regions, loss, backbone, settings, number) for number, one in enumerate(sizes)]
        self._whole = self._octaves[0].tiles is None
        self._photograph = tf.Variable(tf.zeros([1, height, width, 3]), trainable=False, name="photograph")
        self._content = None
        if self._whole:
            shape = [SHIFTS, *self._content_of(0).shape[1:]]
            self._content = tf.Variable(tf.zeros(shape), trainable=False, name="photograph_activations")
        depths = {"before": 3, "weights": 1, "changed": 1} if anchored else {}
        self._anchor = [
            tf.Variable(tf.zeros([1, height, width, depth]), trainable=False, name=name)
            for name, depth in depths.items()
        ]

    def set_photograph(self, photograph: np.ndarray, anchor: Anchor | None) -> None:
        """Changes the photograph, float32 [height, width, 3] of any size, RGB in 0..1, and the anchor."""
        self._photograph.assign(resize(photograph, self._size)[None])
        if self._content is not None:
            for shift in range(SHIFTS):  # one after the other: all together take twice the memory
                self._content[shift].assign(self._content_of(shift)[0])
        if anchor is not None:
            for variable, value in zip(self._anchor, anchor.resized(self._size), strict=True):
                variable.assign(value)

    def total(self, picture: tf.Variable | tf.Tensor, step: tf.Tensor, shift: tf.Tensor) -> Loss:
        """The loss of a picture, see `StyleTransferLoss.total`, and its distance from the anchor; args as of `losses`.

        If pictures are `anchored`, it is that of `shown`.
        """
        picture = self.shown(picture)
        content, style = self.losses(picture, step, shift)
        total = self.loss.total(content, style, tf.convert_to_tensor(picture), self._scale, compiled=not self._whole)
        if self._anchor:
            before, weights, _ = self._anchor
            total += Loss(lambda step: temporal_error(picture, before, weights), "temporal")
        return total

    def shown(self, picture: tf.Variable | tf.Tensor | np.ndarray) -> tf.Tensor:
        """A picture [1, height, width, 3], with the anchor's where that stays as it is."""
        picture = tf.convert_to_tensor(picture)
        if not self._anchor:
            return picture
        with scope("anchor"):
            before, _, changed = map(tf.convert_to_tensor, self._anchor)
            return kept(before, picture, changed)

    def losses(self, picture: tf.Tensor, step: tf.Tensor, shift: tf.Tensor) -> tuple[Loss, Loss]:
        """The content loss and the style loss of a picture [1, height, width, 3]; `step`, int64, draws positions."""
        picture, photograph = tf.convert_to_tensor(picture), tf.convert_to_tensor(self._photograph)
        content, style = self._octaves[0].content_and_style(picture, photograph, self._content, step, shift)
        smaller = [
            one.style(octave(picture, number, shift), step, shift)
            for number, one in enumerate(self._octaves[1:], start=1)
        ]
        return content, weighted_sum(self._shares, [style, *smaller])

    def _content_of(self, shift: int) -> tf.Tensor:
        """The photograph's activations at the content layer, [1, height, width, channels]."""
        layer, shown = self.loss.content_layer, mirror_and_shift(tf.convert_to_tensor(self._photograph), shift)
        return self._backbone(shown, [layer])[layer]


def _reduced(region: Region, longest: float) -> Region:
    """A region whose paintings have at most this longer side in pixels, see `style_size`."""
    styles = []
    for style in region.styles:
        size = style_size(tf.constant(style.pixels.shape[:2]), longest).numpy().tolist()
        styles.append(replace(style, pixels=resize(style.pixels, size)))
    return replace(region, styles=tuple(styles))
