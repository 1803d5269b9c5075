"""Training of an image transformation network: the painter's loss, over its weights in place of a picture's pixels.

Minimises over the weights of a network N, on average over crops C of photographs,

    content_weight * content(N(C), C) + style(N(C), painting) + variation_weight * variation(N(C))

with the normalized errors of `losses`, so that the weights mean what they mean to the painter.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.monitor.progress import Progress
from tfgraphs.neural_style.losses import relative_error, total_variation, weighted
from tfgraphs.neural_style.one_pass.network import TransformationNetwork
from tfgraphs.neural_style.regions import StyleError
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.statistics import gram_matrix
from tfgraphs.optimize.minimize import minimize
from tfgraphs.pictures.images import fit, resize
from tfgraphs.pictures.photographs import Photographs

SHIFTS = 8  # down, and as many across
STEPS_PER_REPORT = 10
CONTENT_WEIGHT = 0.3  # twice the painter's: what is lost in one pass no later step brings back
VARIATION_WEIGHT = 3.0  # more than the painter's: the same fine grain would be on all that a network paints
WARM_UP = 0.03  # share of the steps in which the learning rate rises


@dataclass(frozen=True)
class NetworkSettings:
    """How a network is trained.

    Attributes:
        steps: how many in all.
        batch: crops that are painted in a step.
        learning_rate: of Adam, at its highest. It rises first, as gradients are largest in the beginning, and falls to
            nearly none.
        style_size: longer side to which the painting is reduced, in pixels: how large strokes will be.
    """

    steps: int = 2000
    batch: int = 2
    learning_rate: float = 0.003
    style_size: int = 384

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "learning_rate", "style_size"):
            if not getattr(self, name) > 0:
                raise StyleError(f"{name} is {getattr(self, name)}: it must be more than 0")


def train(
    network: TransformationNetwork,
    painting: np.ndarray,
    photographs: Photographs,
    backbone: Backbone,
    style: StyleSettings | None = None,
    settings: NetworkSettings | None = None,
    *,
    test_picture: np.ndarray | None = None,
    checkpoint_dir: str | Path | None = None,
    save_seconds: float = 30.0,
    on_graph: Callable[[tf.Graph], None] | None = None,
) -> Iterator[Progress]:
    """Trains a network to paint photographs in the manner of a painting.

    Args:
        network: to train.
        painting: float32 [height, width, 3], RGB in 0..1.
        photographs: to learn from.
        backbone: the network in whose activations pictures are compared.
        style: layers, weights and seed; the form of the losses is "normalized", the statistic "gram", and weights that
            are None are CONTENT_WEIGHT and VARIATION_WEIGHT.
        settings: see `NetworkSettings`.
        test_picture: the same kind of array as the painting; progress shows it as the network paints it by then.
        checkpoint_dir: where to keep the state; training that finds its own state there goes on from it.
        save_seconds: time between two checkpoints.
        on_graph: called with the graph of one step.

    Raises:
        StyleError: the style is compared otherwise.
        LayerError: unknown layer, or the painting or a crop is too small for it.
        CheckpointError, NonFiniteLoss: see `minimize`.
    """
    style, settings = style or StyleSettings(), settings or NetworkSettings()
    if (style.loss, style.statistic) != ("normalized", "gram"):
        raise StyleError("networks learn from Gram matrices and normalized errors: leave both as they are")
    crops = _Crops(photographs, settings, style.seed)
    loss = _Loss(network, painting, crops, backbone, style, settings)
    show = tf.function(network)
    for report in minimize(
        loss,
        network.trainable_variables,
        _optimizer(settings),
        settings.steps,
        steps_per_report=STEPS_PER_REPORT,
        feed=crops.feed,
        checkpoint_dir=checkpoint_dir,
        save_seconds=save_seconds,
        on_graph=on_graph,
    ):
        stage, done = f"step {report.step:,} of {report.steps:,}", report.step / report.steps
        picture = None if test_picture is None else show(tf.constant(test_picture[None]))[0].numpy()
        yield Progress(report.step, stage, done, report.loss, report.terms, picture)


def _optimizer(settings: NetworkSettings) -> keras.optimizers.Optimizer:
    """Adam, careful in the beginning, and with gradients of any step bounded: one of the two rarely is enough."""
    warm_up = max(1, round(WARM_UP * settings.steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, settings.steps - warm_up, alpha=0.02, warmup_target=settings.learning_rate, warmup_steps=warm_up
    )
    return keras.optimizers.Adam(rate, global_clipnorm=1.0)


class _Crops:
    """The crops of the steps until the next report, as a variable; which they are depends on the step alone."""

    def __init__(self, photographs: Photographs, settings: NetworkSettings, seed: int) -> None:
        self._photographs, self._batch, self._seed = photographs, settings.batch, seed
        shape = [STEPS_PER_REPORT, settings.batch, photographs.side, photographs.side, 3]
        self._crops = tf.Variable(tf.zeros(shape, tf.uint8), trainable=False, name="crops")

    def feed(self, step: int) -> None:
        """Brings those of a step and of the others before the next report."""
        first = step - step % STEPS_PER_REPORT
        steps = range(first, first + STEPS_PER_REPORT)
        self._crops.assign(np.stack([self._photographs.crops([self._seed, step], self._batch) for step in steps]))

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Those of a step, float32 [batch, side, side, 3] in 0..1."""
        return tf.cast(self._crops[step % STEPS_PER_REPORT], tf.float32) / 255


class _Loss:
    """See above; a `minimize.Loss`."""

    def __init__(
        self,
        network: TransformationNetwork,
        painting: np.ndarray,
        crops: _Crops,
        backbone: Backbone,
        style: StyleSettings,
        settings: NetworkSettings,
    ) -> None:
        self._network, self._crops, self._backbone, self._seed = network, crops, backbone, style.seed
        self._content_layer, self._style_weights = style.layers(backbone)
        self._variation_weight = VARIATION_WEIGHT if style.variation_weight is None else style.variation_weight
        self._content_weight = CONTENT_WEIGHT if style.content_weight is None else style.content_weight
        self._layers = list(dict.fromkeys([self._content_layer, *self._style_weights]))
        self._grams = _described(painting, settings.style_size, self._style_weights, backbone)

    def __call__(self, step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        crops = self._crops(step)
        with tf.name_scope("network"):
            painted = self._network(crops)
        shift = tf.random.stateless_uniform([2], [self._seed, step], 0, SHIFTS, tf.int32)
        found = self._backbone(shifted(painted, shift), self._layers)
        with tf.name_scope("content"):
            target = self._backbone(shifted(crops, shift), [self._content_layer])[self._content_layer]
            terms = {"content": self._content_weight * relative_error(found[self._content_layer], target)}
        with tf.name_scope("style"):
            errors = {layer: relative_error(gram_matrix(found[layer]), gram) for layer, gram in self._grams.items()}
            terms |= {f"style/{layer}": error for layer, error in weighted(errors, self._style_weights).items()}
        with tf.name_scope("variation"):
            terms["variation"] = self._variation_weight * total_variation(painted)
        return tf.add_n(list(terms.values())), terms


def _described(painting: np.ndarray, size: int, layers: dict[str, float], backbone: Backbone) -> dict[str, tf.Tensor]:
    """The Gram matrices of a painting, seen as painted crops are: on average over shifts."""
    pixels = tf.constant(resize(painting, fit(painting.shape[:2], size))[None])
    seen = [backbone(shifted(pixels, [shift, 3 * shift % SHIFTS]), layers) for shift in range(SHIFTS)]
    return {layer: tf.add_n([gram_matrix(found[layer]) for found in seen]) / SHIFTS for layer in layers}


def shifted(pictures: tf.Tensor, shift: tf.Tensor | list[int]) -> tf.Tensor:
    """A window of [batch, height, width, channels] that is SHIFTS - 1 pixels smaller, down and across by `shift`.

    The first layers of a backbone look at every second or fourth pixel. If the pixels that a network paints always lay
    the same way under that lattice, it would learn to paint what is between as it likes.
    """
    batch, height, width, channels = pictures.shape
    size = [batch, height - SHIFTS + 1, width - SHIFTS + 1, channels]
    return tf.ensure_shape(tf.slice(pictures, [0, shift[0], shift[1], 0], size), size)
