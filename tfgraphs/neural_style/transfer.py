"""Neural style: a photograph painted in the manner of a picture.

Minimises over X, from noise, content_weight * content(X, photograph) + style_weight * style(X, painting)
+ variation_weight * variation(X), first small, then at growing sizes that each start from the result before: broad
strokes are laid out where they are cheap, details are added where there is room for them.
"""

import itertools
from collections.abc import Callable, Iterator
import dataclasses
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.errors import TfgraphsError
from tfgraphs.images import fit, resize
from tfgraphs.minimize import Loss, Report, minimize
from tfgraphs.monitor import Progress
from tfgraphs.neural_style.losses import content_loss, gram_matrix, style_loss, total_variation
from tfgraphs.pyramid import Level, coarse_to_fine


class StyleError(TfgraphsError):
    """The settings of a painting do not make sense."""


@dataclass(frozen=True)
class StyleSettings:
    """How a photograph is painted.

    Attributes:
        content_layer: where the photograph's content is compared.
        style_layers: where the painting's Gram matrices are compared.
        content_weight, style_weight, variation_weight: of the three losses.
        steps: at the five scales, coarse to fine; the last is the full size.
        learning_rates: of Adam, at the first and at the last scale, in pixel values 0..1.
        style_scale: size of the painting relative to the picture.
        seed: of the noise to start from and of the shifts.
    """

    content_layer: str = "fire5"
    style_layers: object = dataclasses.field(
        default_factory=lambda: dict.fromkeys(("conv1", "fire2", "fire3", "fire4", "fire5", "fire7", "fire9"), 1.0)
    )
    content_weight: float = 2.0
    style_weight: float = 20.0
    variation_weight: float = 13.0
    steps: tuple[int, ...] = (200, 150, 120, 100, 60)
    learning_rates: tuple[float, float] = (6 / 255, 4 / 255)
    style_scale: float = 1.0
    seed: int = 0
    cos: float = 1.0
    eps: float = 0.0


SHIFTS = 8
SCALE = 1.5


def paint(
    content: np.ndarray,
    style: np.ndarray,
    backbone: Backbone,
    settings: StyleSettings | None = None,
    *,
    checkpoint_dir: Path | None = None,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[Progress]:
    settings = settings or StyleSettings()
    levels = scale_levels(content.shape[:2], settings)

    def optimise(number: int, picture: np.ndarray | None) -> Iterator[tuple[Report, np.ndarray]]:
        size = levels[number].size
        if picture is None:
            picture = np.random.default_rng(settings.seed).uniform(0.3, 0.7, (*size, 3)).astype(np.float32)
        variable = tf.Variable(np.clip(resize(picture, size), 0, 1)[None], name="picture")
        share = number / max(1, len(levels) - 1)
        rate = settings.learning_rates[0] ** (1 - share) * settings.learning_rates[1] ** share
        for report in minimize(
            _loss(variable, resize(content, size), style, backbone, settings),
            [variable],
            keras.optimizers.Adam(
                keras.optimizers.schedules.CosineDecay(rate, levels[number].steps, alpha=settings.cos),
                beta_2=0.99,
                epsilon=settings.eps or 1e-7,
            ),
            levels[number].steps,
            steps_per_report=10,
            gradient_transform=(lambda g: g / tf.sqrt(tf.reduce_mean(tf.square(g)))) if settings.eps else None,
            projection=lambda value: tf.clip_by_value(value, 0.0, 1.0),
            checkpoint_dir=checkpoint_dir and checkpoint_dir / f"scale{number}",
            on_graph=on_graph if number == len(levels) - 1 else None,
        ):
            yield report, variable.numpy()[0]

    return coarse_to_fine(levels, optimise, "scale")


def scale_levels(size: tuple[int, int], settings: StyleSettings) -> list[Level]:
    """The sizes of the scales, SCALE apart, smallest first."""
    longest = max(size)
    count = len(settings.steps)
    sizes = [fit(size, round(longest / SCALE ** (count - 1 - number))) for number in range(count)]
    return [Level(*size, steps) for size, steps in zip(sizes, settings.steps, strict=True)]


def _loss(
    picture: tf.Variable, content: np.ndarray, style: np.ndarray, backbone: Backbone, settings: StyleSettings
) -> Loss:
    size = fit(style.shape[:2], round(max(content.shape[:2]) * settings.style_scale))
    grams = {
        layer: gram_matrix(activation)
        for layer, activation in backbone(resize(style, size)[None], settings.style_layers).items()
    }
    layer = settings.content_layer
    contents = tf.concat(
        [backbone(shift(content[None], (i, 3 * i % SHIFTS)), [layer])[layer] for i in range(SHIFTS)], 0
    )

    def loss(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        i = tf.random.stateless_uniform([], [settings.seed, step], 0, SHIFTS, tf.int32)
        moved = shift(picture, (i, 3 * i % SHIFTS))
        activations = backbone(moved, {*settings.style_layers, layer})
        terms = {
            "content": settings.content_weight * content_loss(activations[layer], contents[i][None]),
            "style": settings.style_weight * style_loss(activations, grams, settings.style_layers),
            "variation": settings.variation_weight * total_variation(picture),
        }
        return tf.add_n(list(terms.values())), terms

    return loss


def shift(pictures, amounts):
    before = [MARGIN - amount for amount in amounts]
    after = [MARGIN + amount for amount in amounts]
    padded = tf.pad(pictures, [[0, 0], [before[0], after[0]], [before[1], after[1]], [0, 0]], "REFLECT")
    h, w = pictures.shape[1:3]
    return tf.ensure_shape(padded, [None, h + 2 * MARGIN, w + 2 * MARGIN, 3])


MARGIN = 16
