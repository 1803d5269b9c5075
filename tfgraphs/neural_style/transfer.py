"""Neural style: a photograph painted in the manner of a picture.

Minimises over X, from noise,

    content_weight * content(X, photograph) + style_weight * style(X, painting) + variation_weight * variation(X)

first small, then at growing sizes that each start from the result before: broad strokes are laid out where they are
cheap, details are added where there is room for them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.errors import TfgraphsError
from tfgraphs.images import fit, resize
from tfgraphs.minimize import Loss, Report
from tfgraphs.monitor import Progress
from tfgraphs.neural_style.losses import content_loss, gram_matrix, style_loss, total_variation
from tfgraphs.pyramid import Canvas, Level, coarse_to_fine

SMALLEST_SIDE = 32  # of a picture, in pixels
COARSEST = 100  # longer side of the first scale, at least
SCALE_FACTOR = 1.5
MARGIN, SHIFTS = 16, 8  # pixels mirrored around the picture, and how many ways there are to shift it inside them


class StyleError(TfgraphsError):
    """The pictures or settings of a painting do not make sense."""


@dataclass(frozen=True)
class StyleSettings:
    """How a photograph is painted. The defaults are for SqueezeNet with average pooling.

    Attributes:
        content_layer: where the photograph's content is compared.
        style_layers: where the painting's Gram matrices are compared, each with its weight.
        content_weight: of the content loss.
        style_weight: of the style loss.
        variation_weight: of the total variation, which keeps noise away.
        steps: in all; the coarsest scale gets three times as many as the finest.
        learning_rate: of Adam at the start of a scale, in values on the scale 0..1; it falls to nearly none.
        style_scale: longer side of the painting relative to the picture's. It is never enlarged.
        seed: of the noise to start from and of the shifts.
    """

    content_layer: str = "fire5"
    style_layers: Mapping[str, float] = field(
        default_factory=lambda: {
            "conv1": 1.0,
            "fire2": 1.0,
            "fire3": 1.0,
            "fire4": 0.7,
            "fire5": 0.7,
            "fire7": 0.4,
            "fire9": 0.2,
        }
    )
    content_weight: float = 3.0
    style_weight: float = 20.0
    variation_weight: float = 22.0
    steps: int = 650
    learning_rate: float = 6 / 255
    style_scale: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("content_weight", "style_weight", "variation_weight", "seed"):
            if not getattr(self, name) >= 0:
                raise StyleError(f"{name} is {getattr(self, name)}: it cannot be negative")
        for name in ("steps", "learning_rate", "style_scale"):
            if not getattr(self, name) > 0:
                raise StyleError(f"{name} is {getattr(self, name)}: it must be more than 0")
        weights = list(self.style_layers.values())
        if not (weights and min(weights) >= 0 and sum(weights) > 0):
            raise StyleError(f"style_layers are {dict(self.style_layers)}: name layers, none with a negative weight")


def paint(
    content: np.ndarray,
    style: np.ndarray,
    backbone: Backbone,
    settings: StyleSettings | None = None,
    *,
    checkpoint_dir: str | Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[Progress]:
    """Paints a photograph in the manner of a painting.

    Args:
        content: the photograph, float32 [height, width, 3], RGB in 0..1.
        style: the painting, the same kind of array, of any size.
        backbone: the network in whose activations both are compared.
        settings: see `StyleSettings`.
        checkpoint_dir: where to keep the state; a run that finds its own state there goes on from it.
        save_seconds: time between two checkpoints.
        on_graph: called with the graph of one step.

    Yields:
        Progress with the picture so far; the last has the finished painting, of the shape of `content`.

    Raises:
        StyleError: a picture is too small.
        LayerError: unknown layer, or a picture is too small for it.
        NonFiniteLoss: the loss is no longer finite.
    """
    settings = settings or StyleSettings()
    for pixels in (content, style):
        if min(pixels.shape[:2]) < SMALLEST_SIDE:
            height, width = pixels.shape[:2]
            raise StyleError(
                f"a picture of {width} x {height} px is too small: give at least {SMALLEST_SIDE} px a side"
            )
    backbone.check(settings.content_layer, content.shape[:2])
    for layer in settings.style_layers:
        backbone.check(layer, style.shape[:2])
    levels = scale_levels(content.shape[:2], settings.steps)

    def optimise(number: int, picture: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
        level = levels[number]
        start = _noise(level.size, settings.seed) if picture is None else resize(picture, level.size)
        schedule = keras.optimizers.schedules.CosineDecay(settings.learning_rate, level.steps, alpha=0.02)
        canvas = Canvas(
            lambda variable: _loss(variable, resize(content, level.size), style, backbone, settings, number),
            keras.optimizers.Adam(schedule, beta_2=0.99),
            level.size,
        )
        if on_graph is not None and number == len(levels) - 1:
            on_graph(canvas.graph)
        return canvas.improve(
            np.clip(start, 0, 1),
            level.steps,
            save_seconds=save_seconds,
            checkpoint_dir=None if checkpoint_dir is None else Path(checkpoint_dir) / f"scale{number}",
        )

    return coarse_to_fine(levels, optimise, "scale")


def scale_levels(size: tuple[int, int], steps: int) -> list[Level]:
    """The sizes of the scales, smallest first, and the steps of each, about `steps` together.

    A scale is left out if its longer side would be below COARSEST or its shorter one below SMALLEST_SIDE.
    """
    sizes = [size]
    while True:
        smaller = fit(size, round(max(size) / SCALE_FACTOR ** len(sizes)))
        if max(smaller) < COARSEST or min(smaller) < SMALLEST_SIDE:
            break
        sizes.insert(0, smaller)
    shares = np.linspace(3, 1, len(sizes))
    return [
        Level(*size, max(1, round(steps * share))) for size, share in zip(sizes, shares / shares.sum(), strict=True)
    ]


def _noise(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.3, 0.7, (*size, 3)).astype(np.float32)


def _loss(
    picture: tf.Variable,
    content: np.ndarray,
    style: np.ndarray,
    backbone: Backbone,
    settings: StyleSettings,
    scale: int,
) -> Loss:
    """The loss at one scale. Content targets are computed once for every shift that a step may draw."""
    style = _scaled_style(style, max(content.shape[:2]) * settings.style_scale)
    style_activations = backbone(tf.constant(style[None]), settings.style_layers)
    style_targets = {layer: gram_matrix(activation) for layer, activation in style_activations.items()}
    content_layer = settings.content_layer
    layers = list(dict.fromkeys([content_layer, *settings.style_layers]))
    content_targets = tf.concat(
        [
            backbone(shifted(tf.constant(content[None]), shift), [content_layer])[content_layer]
            for shift in range(SHIFTS)
        ],
        axis=0,
    )

    def loss(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        shift = tf.random.stateless_uniform([], [settings.seed + scale, step], 0, SHIFTS, tf.int32)
        activations = backbone(shifted(picture, shift), layers)
        with tf.name_scope("content"):
            content_term = content_loss(activations[content_layer], content_targets[shift, tf.newaxis])
        with tf.name_scope("style"):
            style_term = style_loss(activations, style_targets, settings.style_layers)
        with tf.name_scope("variation"):
            variation_term = total_variation(picture)
        terms = {
            "content": settings.content_weight * content_term,
            "style": settings.style_weight * style_term,
            "variation": settings.variation_weight * variation_term,
        }
        return tf.add_n(list(terms.values())), terms

    return loss


def _scaled_style(style: np.ndarray, longest: float) -> np.ndarray:
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
