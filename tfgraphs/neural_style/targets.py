"""What a painting is compared with at one size: the photograph's activations and the paintings' statistics."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.images import fit, resize
from tfgraphs.neural_style.losses import FORMS, STATISTICS
from tfgraphs.neural_style.regions import Region, Style
from tfgraphs.neural_style.settings import StyleSettings

SMALLEST_SIDE = 32  # of a painting, in pixels
MARGIN, SHIFTS = 16, 8  # pixels mirrored around the picture, and how many ways there are to shift it inside them


class Targets:
    """All that is computed once for a size, for every shift that a step may draw.

    Args:
        content: the photograph at this size, float32 [height, width, 3], RGB in 0..1.
        places: which paintings go where.
        backbone: the network that looks.
        settings: see `StyleSettings`.

    Attributes:
        layers: those that `errors` reads.
    """

    def __init__(
        self, content: np.ndarray, places: Sequence[Region], backbone: Backbone, settings: StyleSettings
    ) -> None:
        self._form, self._statistic = FORMS[settings.loss], STATISTICS[settings.statistic]
        self._content_layer, weights = settings.layers(backbone)
        self._content_weight, _ = settings.weights()
        self._weights = {layer: weight / sum(weights.values()) for layer, weight in weights.items()}
        self.layers = list(dict.fromkeys([self._content_layer, *weights]))
        self._content = tf.concat(
            [
                backbone(shifted(tf.constant(content[None]), shift), [self._content_layer])[self._content_layer]
                for shift in range(SHIFTS)
            ],
            axis=0,
        )
        longest = max(content.shape[:2]) * settings.style_scale
        self._places = []
        for place in places:
            blended = [(style.weight, self._described(style, longest, backbone)) for style in place.styles]
            targets = {layer: tf.add_n([weight * own[layer] for weight, own in blended]) for layer in weights}
            masks = None if place.where is None else self._masks(place.where, content.shape[:2], backbone)
            share = 1.0 if place.where is None else float(np.mean(place.where))
            self._places.append((place.weight * share, targets, masks))

    def errors(self, activations: Mapping[str, tf.Tensor], shift: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the content and each layer of the style contribute to the loss of a shifted picture."""
        with tf.name_scope("content"):
            target = self._content[shift, tf.newaxis]
            terms = {"content": self._content_weight * self._form.content(activations[self._content_layer], target)}
        with tf.name_scope("style"):
            for layer, weight in self._weights.items():
                errors = [
                    share
                    * self._form.style(
                        self._statistic(activations[layer], None if masks is None else masks[layer][shift, tf.newaxis]),
                        targets[layer],
                    )
                    for share, targets, masks in self._places
                ]
                terms[f"style/{layer}"] = weight * tf.add_n(errors)
        return terms

    def _described(self, style: Style, longest: float, backbone: Backbone) -> dict[str, tf.Tensor]:
        """The statistics of a painting, seen as the picture is: mirrored at its borders, on average over all shifts."""
        pixels = tf.constant(scaled_style(style.pixels, longest)[None])
        mask = None
        if style.mask is not None:
            mask = tf.constant(resize(style.mask[..., None], pixels.shape[1:3])[None].clip(0, 1))
        described: dict[str, list[tf.Tensor]] = {layer: [] for layer in self._weights}
        for shift in range(SHIFTS):
            activations = backbone(shifted(pixels, shift), self._weights)
            for layer, activation in activations.items():
                own = None if mask is None else at_layer(shifted(mask, shift), activation)
                described[layer].append(self._statistic(activation, own) / SHIFTS)
        return {layer: tf.add_n(parts) for layer, parts in described.items()}

    def _masks(self, where: np.ndarray, size: tuple[int, int], backbone: Backbone) -> dict[str, tf.Tensor]:
        """A mask of the photograph at each layer of the style, for every shift: [SHIFTS, height, width]."""
        mask = tf.constant(resize(where[..., None], size)[None].clip(0, 1))
        found: dict[str, list[tf.Tensor]] = {layer: [] for layer in self._weights}
        for shift in range(SHIFTS):
            moved = shifted(mask, shift)
            activations = backbone(tf.repeat(moved, 3, axis=-1), self._weights)  # for their sizes
            for layer, activation in activations.items():
                found[layer].append(at_layer(moved, activation))
        return {layer: tf.concat(masks, axis=0) for layer, masks in found.items()}


def at_layer(mask: tf.Tensor, activation: tf.Tensor) -> tf.Tensor:
    """How much of a mask [batch, height, width, 1] lies around each position of a layer: [batch, h, w]."""
    return tf.image.resize(mask, tf.shape(activation)[1:3], "area")[..., 0]


def scaled_style(style: np.ndarray, longest: float) -> np.ndarray:
    """The painting with its longer side reduced to `longest`, or as far as its shorter side allows."""
    height, width = style.shape[:2]
    least = SMALLEST_SIDE * max(height, width) / min(height, width)
    return resize(style, fit((height, width), round(max(longest, least))))


def shifted(pictures: tf.Tensor, shift: int | tf.Tensor) -> tf.Tensor:
    """Mirrors MARGIN pixels around [batch, h, w, c] on average, with the picture in one of SHIFTS places inside.

    The first layers of a network look at every second or fourth pixel. A picture that always lies the same way under
    that lattice takes it on as a pattern; shifts by 0..7 pixels down and 0, 3, 6, 1, ... across meet each of its rows
    and columns once. The mirrored margin makes the borders as well seen as the middle.
    """
    down, across = shift, (3 * shift) % SHIFTS
    frame = [[0, 0], [MARGIN - down, MARGIN + down], [MARGIN - across, MARGIN + across], [0, 0]]
    batch, height, width, channels = pictures.shape
    return tf.ensure_shape(
        tf.pad(pictures, frame, "REFLECT"), [batch, height + 2 * MARGIN, width + 2 * MARGIN, channels]
    )
