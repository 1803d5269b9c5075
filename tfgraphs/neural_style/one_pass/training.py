"""Training of an image transformation network: the painter's loss, over the network's weights instead of pixels.

Minimises over the weights of a network N, on average over crops C of photographs, the loss of `style_loss`,

    content_weight * content(N(C), C) + style(N(C), painting) + variation_weight * variation(N(C))

with normalized errors, so that its weights mean what they mean to the painter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.monitor.progress import Progress
from tfgraphs.neural_style.one_pass.network import TransformationNetwork
from tfgraphs.neural_style.regions import StyleError
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.shifts import SHIFTS, cut_window
from tfgraphs.neural_style.style_loss import LayerSums, StyleTransferLoss, content_sums
from tfgraphs.optimize.losses import Loss
from tfgraphs.optimize.minimize import minimize
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.pictures.images import fit, resize
from tfgraphs.pictures.photographs import Photographs
from tfgraphs.settings_checks import CheckedSettings

STEPS_PER_REPORT = 10
CONTENT_WEIGHT = 0.3  # twice the painter's: what one pass loses no later step brings back
VARIATION_WEIGHT = 3.0  # more than the painter's: a network paints the same fine grain on everything
WARM_UP = 0.03  # share of the steps in which the learning rate rises


@dataclass(frozen=True)
class NetworkSettings(CheckedSettings):
    """How a network is trained.

    Attributes:
        steps: gradient steps.
        optimizer: name of a Keras optimizer, or a Keras optimizer.
        seed: of the initial weights, the crops and the shifts.
        batch: crops in a step.
        learning_rate: at its highest. It rises first, as gradients are largest in the beginning, and falls to 2 %
            along a cosine. A Keras optimizer has its own.
        style_size: longer side to which the painting is reduced, in pixels: how large strokes are.
    """

    steps: int = 2000
    optimizer: str | keras.optimizers.Optimizer = "adam"
    seed: int = 0
    batch: int = 2
    learning_rate: float = 0.003
    style_size: int = 384

    ERROR: ClassVar = StyleError
    LEAST: ClassVar = {"steps": 1, "seed": 0, "batch": 1, "style_size": 1}
    ABOVE: ClassVar = {"learning_rate": 0}


def train(
    network: TransformationNetwork,
    painting: np.ndarray,
    photographs: Photographs,
    backbone: Backbone,
    style: StyleSettings | None = None,
    settings: NetworkSettings | None = None,
    *,
    test_picture: np.ndarray | None = None,
    **options: Any,
) -> Iterator[Progress]:
    """Trains a network to paint photographs in the style of a painting, in one pass.

    Args:
        painting: float32 [height, width, 3], RGB in 0..1.
        photographs: to learn from.
        backbone: in whose activations pictures are compared.
        style: layers and weights; the form of the losses is "normalized", the statistic "gram", and weights that are
            None are CONTENT_WEIGHT and VARIATION_WEIGHT.
        settings: see `NetworkSettings`.
        test_picture: the same kind of array as the painting; progress has it as the network paints it by then.
        options: `checkpoint_dir`, `save_seconds` and `on_graph` of `minimize`.

    Yields:
        Progress every STEPS_PER_REPORT steps.

    Raises:
        StyleError: another form of the losses or another statistic.
        LayerError: unknown layer, or the painting or a crop is too small for it.
        OptimizerError: there is no such optimizer.
        CheckpointError, NonFiniteLoss: see `minimize`.
    """
    style, settings = style or StyleSettings(), settings or NetworkSettings()
    check_style(style)
    optimizer, crops, paint = _optimizer(settings), _Crops(photographs, settings), tf.function(network)
    loss = _network_loss(network, painting, crops, backbone, style, settings)
    options = {**options, "steps_per_report": STEPS_PER_REPORT, "feed": crops.feed}
    for report in minimize(loss, network.trainable_variables, optimizer, settings.steps, **options):
        stage, done = f"step {report.step:,} of {report.steps:,}", report.step / report.steps
        picture = None if test_picture is None else paint(tf.constant(test_picture[None]))[0].numpy()
        yield Progress(report.step, stage, done, report.loss, report.terms, picture)


def check_style(style: StyleSettings) -> None:
    """Raises StyleError if networks cannot be trained with these settings."""
    if (style.loss, style.statistic) != ("normalized", "gram"):
        raise StyleError(
            f"networks are trained with the loss normalized and the statistic gram, not with {style.loss} and "
            f"{style.statistic}: leave both out"
        )


def _optimizer(settings: NetworkSettings) -> keras.optimizers.Optimizer:
    """The optimizer: careful in the beginning, and with gradients clipped. One of the two rarely is enough."""
    warm_up = max(1, round(WARM_UP * settings.steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, settings.steps - warm_up, alpha=0.02, warmup_target=settings.learning_rate, warmup_steps=warm_up
    )
    return stock_optimizer(settings.optimizer, rate, global_clipnorm=1.0)


class _Crops:
    """The crops of the steps until the next report, as a variable; they depend on seed and step alone."""

    def __init__(self, photographs: Photographs, settings: NetworkSettings) -> None:
        self._photographs, self._batch, self._seed = photographs, settings.batch, settings.seed
        shape = [STEPS_PER_REPORT, settings.batch, photographs.side, photographs.side, 3]
        self._crops = tf.Variable(tf.zeros(shape, tf.uint8), trainable=False, name="crops")

    def feed(self, step: int) -> None:
        """Loads those of a step and of the others before the next report."""
        first = step - step % STEPS_PER_REPORT
        steps = range(first, first + STEPS_PER_REPORT)
        self._crops.assign(np.stack([self._photographs.crops([self._seed, step], self._batch) for step in steps]))

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Those of a step, float32 [batch, side, side, 3] in 0..1."""
        return tf.cast(self._crops[step % STEPS_PER_REPORT], tf.float32) / 255


def _network_loss(
    network: TransformationNetwork,
    painting: np.ndarray,
    crops: _Crops,
    backbone: Backbone,
    style: StyleSettings,
    settings: NetworkSettings,
) -> Loss:
    """The loss of the module's docstring; pictures are presented to the backbone through windows, see `shifts`."""
    style = replace(
        style,
        content_weight=CONTENT_WEIGHT if style.content_weight is None else style.content_weight,
        variation_weight=VARIATION_WEIGHT if style.variation_weight is None else style.variation_weight,
    )
    transfer = StyleTransferLoss(style, backbone)
    pixels = tf.constant(resize(painting, fit(painting.shape[:2], settings.style_size))[None])

    def style_sums(shift: tf.Tensor) -> LayerSums:
        return transfer.style_sums(backbone(cut_window(pixels, [shift, 3 * shift % SHIFTS]), transfer.style_weights))

    targets = transfer.mean_over_shifts(style_sums)

    def loss(step: tf.Tensor) -> tuple[tf.Tensor, Mapping[str, tf.Tensor]]:
        photographs, layer = crops(step), transfer.content_layer
        with tf.name_scope("network"):
            painted = network(photographs)
        offset = tf.random.stateless_uniform([2], [settings.seed, step], 0, SHIFTS, tf.int32)
        activations = backbone(cut_window(painted, offset), transfer.layers)
        target = backbone(cut_window(photographs, offset), [layer])[layer]
        content = transfer.content(content_sums(activations[layer], target))
        return transfer.total(content, transfer.style(transfer.style_sums(activations), targets), painted)(step)

    return Loss(loss)
