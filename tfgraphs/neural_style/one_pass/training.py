"""Training of an image transformation network: the painter's loss, over the network's weights instead of pixels.

Minimises over the weights of a network N, on average over crops C of photographs, the loss of `style_loss`,

    content_weight * content(N(C), C) + sum_o s_o style(N(C)_o, painting_o) + variation(N(C))

with normalized errors, so that its weights mean what they mean to the painter. Workers that train together share the
crops of each step, and take the means of their losses and gradients.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.cluster.group import ALONE, Group
from tfgraphs.graphs.scopes import scope
from tfgraphs.monitor.progress import Progress
from tfgraphs.neural_style.octaves import octave, octave_scope, octave_shares
from tfgraphs.neural_style.one_pass.network import NETWORK, TransformationNetwork
from tfgraphs.neural_style.one_pass.settings import NetworkSettings, trainable
from tfgraphs.neural_style.regions import StyleError
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.shifts import cut_window, draw_shift, lattice_offset
from tfgraphs.neural_style.style_loss import LayerSums, StyleTransferLoss, content_sums
from tfgraphs.optimize.losses import Loss, weighted_sum
from tfgraphs.optimize.minimize import minimize
from tfgraphs.optimize.optimizers import stock_optimizer
from tfgraphs.pictures.images import fit, resize
from tfgraphs.pictures.photographs import Photographs

STEPS_PER_REPORT = 10
WARM_UP = 0.03  # share of the steps in which the learning rate rises


def train(
    network: TransformationNetwork,
    painting: np.ndarray,
    photographs: Photographs,
    backbone: Backbone,
    style: StyleSettings | None = None,
    settings: NetworkSettings | None = None,
    *,
    test_picture: np.ndarray | None = None,
    group: Group = ALONE,
    **options: Any,
) -> Iterator[Progress]:
    """Trains a network to paint photographs in the style of a painting, in one pass.

    Args:
        painting: float32 [height, width, 3], RGB in 0..1.
        photographs: to learn from.
        backbone: in whose activations pictures are compared.
        style: layers, weights, octaves and statistic, by default covariance; the form of the losses is "normalized".
        settings: see `NetworkSettings`.
        test_picture: the same kind of array as the painting; progress has it as the network paints it by then.
        group: workers that train together, all with the same arguments; they end with the same bytes.
        options: `checkpoint_dir`, `save_seconds` and `on_graph` of `minimize`.

    Yields:
        Progress every STEPS_PER_REPORT steps.

    Raises:
        StyleError: another form of the losses, a statistic of samples, or a batch that workers cannot share.
        LayerError: unknown layer, or the painting or a crop is too small for it.
        OptimizerError: there is no such optimizer.
        CheckpointError, NonFiniteLoss: see `minimize`.
    """
    style, settings = trainable(style or StyleSettings()), settings or NetworkSettings()
    optimizer, crops, paint = _optimizer(settings), _Crops(photographs, settings, group), tf.function(network)
    loss = _network_loss(network, painting, crops, backbone, style, settings)
    options = {**options, "steps_per_report": STEPS_PER_REPORT, "feed": crops.feed, "group": group}
    for report in minimize(loss, network.trainable_variables, optimizer, settings.steps, **options):
        stage, done = f"step {report.step:,} of {report.steps:,}", report.step / report.steps
        picture = None if test_picture is None else paint(tf.constant(test_picture[None]))[0].numpy()
        yield Progress(report.step, stage, done, report.loss, report.terms, picture)


def _optimizer(settings: NetworkSettings) -> keras.optimizers.Optimizer:
    """The optimizer: careful in the beginning, and with gradients clipped. One of the two rarely is enough."""
    warm_up = max(1, round(WARM_UP * settings.steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(1, settings.steps - warm_up),  # of one step all is warm-up
        alpha=0.02,
        warmup_target=settings.learning_rate,
        warmup_steps=warm_up,
    )
    return stock_optimizer(settings.optimizer, rate, global_clipnorm=1.0)


class _Crops:
    """A worker's crops of the steps until the next report, as a variable; they depend on seed and step alone."""

    def __init__(self, photographs: Photographs, settings: NetworkSettings, group: Group) -> None:
        if settings.batch % group.size:
            raise StyleError(
                f"{group.size} workers cannot share a batch of {settings.batch}: give a multiple of {group.size}"
            )
        self._photographs, self._batch, self._seed = photographs, settings.batch, settings.seed
        self.side, self.count = photographs.side, settings.batch // group.size
        self._own = slice(group.rank * self.count, (group.rank + 1) * self.count)
        shape = [STEPS_PER_REPORT, self.count, photographs.side, photographs.side, 3]
        self._crops = tf.Variable(tf.zeros(shape, tf.uint8), trainable=False, name="crops")

    def feed(self, step: int) -> None:
        """Loads those of a step and of the others before the next report."""
        first = step - step % STEPS_PER_REPORT
        steps = range(first, first + STEPS_PER_REPORT)
        crops = [self._photographs.crops([self._seed, step], self._batch)[self._own] for step in steps]
        self._crops.assign(np.stack(crops))

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
    transfer = StyleTransferLoss(style, backbone)
    pixels = tf.constant(resize(painting, fit(painting.shape[:2], settings.style_size))[None])
    sides = (crops.side, crops.side)
    shares = octave_shares(sides, [tf.shape(pixels)[1:3]], style.compared_octaves(backbone.name)).numpy()
    shares = shares[shares > 0].tolist()

    def target(number: int) -> LayerSums:
        def style_sums(shift: tf.Tensor) -> LayerSums:
            reduced = octave(pixels, number, shift)
            activations = backbone(cut_window(reduced, lattice_offset(shift)), transfer.style_weights)
            return transfer.style_sums(activations, reduced)

        return transfer.mean_over_shifts(style_sums)

    targets = list(map(target, range(len(shares))))

    def loss(step: tf.Tensor) -> tuple[tf.Tensor, Mapping[str, tf.Tensor]]:
        layer = transfer.content_layer
        with scope("photographs"):
            photographs = crops(step)
        with scope(NETWORK):
            painted = network(photographs)
        shift = draw_shift(settings.seed, step)
        with scope("shift"):
            offset = lattice_offset(shift)
        activations = backbone(cut_window(painted, offset), transfer.layers)
        with scope("content"):
            wanted = backbone(cut_window(photographs, offset), [layer])[layer]
            pairs = zip(tf.split(activations[layer], crops.count), tf.split(wanted, crops.count), strict=True)
            contents = [transfer.content(content_sums(*pair)) for pair in pairs]  # each relative to its own photograph
        content = weighted_sum([1 / crops.count] * crops.count, contents)
        styles = [transfer.style(transfer.style_sums(activations, painted), targets[0])]
        for number, wanted_sums in enumerate(targets[1:], start=1):
            smaller = octave(painted, number, shift)
            with scope(octave_scope(number)):
                activations = backbone(cut_window(smaller, offset), transfer.style_weights)
                sums = transfer.style_sums(activations, smaller)
            styles.append(transfer.style(sums, wanted_sums).within(octave_scope(number)))
        return transfer.total(content, weighted_sum(shares, styles), painted)(step)

    return Loss(loss)
