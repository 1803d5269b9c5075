"""The painter as a SavedModel that does not need this package.

model = tf.saved_model.load(folder)
model.stylize(content, style, steps=200)    # float32 [1, height, width, 3], RGB in 0..1, each of any size
model(content, style)                       # with the steps that it was exported with
"""

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.files import export
from tfgraphs.graphs.compiled import not_inlined
from tfgraphs.neural_style.octaves import octave, octave_shares
from tfgraphs.neural_style.regions import SMALLEST_SIDE, StyleError
from tfgraphs.neural_style.scales import painted_size, scale_sizes, scale_steps, style_size
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.shifts import SHIFTS, draw_shift, mirror_and_shift
from tfgraphs.neural_style.statistics import subsample
from tfgraphs.neural_style.style_loss import LayerSums, StyleTransferLoss, content_sums
from tfgraphs.neural_style.transfer import ADAM, RATE_LEFT
from tfgraphs.optimize.losses import Loss
from tfgraphs.optimize.optimizers import adam_step
from tfgraphs.pictures.colors import grey_gradient, is_grey
from tfgraphs.pictures.encoded import on_encoded

_ANY_SIZE = tf.TensorShape([1, None, None, 3])


def export_painter(folder: str | Path, backbone: Backbone, settings: StyleSettings | None = None) -> None:
    """Writes a SavedModel that paints step by step, as `paint` does, with a function and signature `stylize`.

    Pictures have at least 32 px a side; steps, int32, are those at all scales together. Everything else is as in the
    settings, except that pictures are processed as a whole. TensorFlow resamples the pictures and draws the noise to
    start from. The same input gives the same bytes. `serve_bytes(content_bytes, style_bytes)` paints files of pictures,
    see `on_encoded`.

    Raises:
        LayerError, StyleError: the settings name an unknown layer, or another optimizer than Adam.
        OutputError: the folder holds something else or cannot be written.
    """
    settings = settings or StyleSettings()
    if settings.optimizer_name != "adam":
        raise StyleError(f"optimizer is {settings.optimizer!r}: an exported painter can use adam only")
    painter = _Painter(backbone, settings)
    pictures = [tf.TensorSpec([1, None, None, 3], tf.float32, name=name) for name in ("content", "style")]

    @tf.function(input_signature=[*pictures, tf.TensorSpec([], tf.int32, name="steps")])
    def stylize(content: tf.Tensor, style: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        return painter.paint(content, style, steps)

    @tf.function(input_signature=pictures)
    def call(content: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        return stylize(content, style, tf.constant(settings.steps))

    functions = {"stylize": stylize, "serve_bytes": on_encoded(call, ["content", "style"])}
    variables = stylize.get_concrete_function().graph.variables
    export.save(folder, call, output="image", tracked=variables, functions=functions)


class _Painter:
    """Paints pictures whose sizes are not known when the graph is built."""

    def __init__(self, backbone: Backbone, settings: StyleSettings) -> None:
        self._backbone, self._settings = backbone, settings
        self._loss = StyleTransferLoss(settings, backbone)

    def paint(self, content: tf.Tensor, style: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        """Paints all scales, the coarsest first."""
        smallest = tf.minimum(tf.reduce_min(tf.shape(content)[1:3]), tf.reduce_min(tf.shape(style)[1:3]))
        message = f"pictures need at least {SMALLEST_SIDE} px a side"
        check = tf.debugging.assert_greater_equal(smallest, SMALLEST_SIDE, message)  # type: ignore[func-returns-value]
        with tf.control_dependencies([check]):
            size = tf.shape(content)[1:3]
        sizes = scale_sizes(painted_size(size, *self._settings.supersamples(self._backbone)))
        count = tf.shape(sizes)[0]
        steps = scale_steps(steps, count)
        picture, grey = noise(sizes[0], self._settings.seed), self._settings.grey
        if grey is None:
            grey = tf.logical_and(is_grey(content), is_grey(style))
        picture = tf.where(grey, picture[..., :1], picture)
        for scale in tf.range(count):
            tf.autograph.experimental.set_loop_options(shape_invariants=[(picture, _ANY_SIZE)])
            photograph = resized(content, sizes[scale])
            longest = self._settings.style_scale * tf.cast(tf.reduce_max(sizes[scale]), tf.float64)
            painting = resized(style, style_size(tf.shape(style)[1:3], longest))
            relative = tf.cast(sizes[scale, 1] / sizes[-1, 1], tf.float32)
            start = resized(picture, sizes[scale])
            picture = self._improve(start, photograph, painting, scale, relative, steps[scale], grey)
        return resized(picture, size)

    def _improve(
        self,
        picture: tf.Tensor,
        photograph: tf.Tensor,
        painting: tf.Tensor,
        scale: tf.Tensor,
        relative: tf.Tensor,
        steps: tf.Tensor,
        grey: bool | tf.Tensor,
    ) -> tf.Tensor:
        """Paints one scale, of a size relative to the finest: steps of Adam, whose rate falls along a cosine."""
        octaves = self._settings.compared_octaves(self._backbone.name)
        shares = octave_shares(tf.shape(picture)[1:3], [tf.shape(painting)[1:3]], octaves)
        content, style = self._targets(photograph, painting, shares)
        gradient_of = not_inlined(self._gradient)
        mean = square = tf.zeros_like(picture)
        for number in tf.range(steps):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            step = tf.cast(number, tf.int64)
            gradient = grey_gradient(gradient_of(picture, step, scale, relative, content, style, shares), grey)
            done = tf.cast(number, tf.float32)
            falling = (1 + tf.cos(math.pi * done / tf.cast(steps, tf.float32))) / 2  # as Keras' CosineDecay
            rate = self._settings.learning_rate * (RATE_LEFT + (1 - RATE_LEFT) * falling)
            picture, mean, square = adam_step(picture, gradient, mean, square, done + 1, rate, **ADAM)
            picture = tf.clip_by_value(picture, 0.0, 1.0)
        return picture

    def _gradient(
        self,
        picture: tf.Tensor,
        number: tf.Tensor,
        scale: tf.Tensor,
        relative: tf.Tensor,
        content: tf.Tensor,
        targets: Sequence[LayerSums],
        shares: tf.Tensor,
    ) -> tf.Tensor:
        """The gradient of the loss by the picture."""
        shift = draw_shift(self._settings.seed + tf.cast(scale, tf.int64), number)
        with tf.GradientTape() as tape:
            tape.watch(picture)
            activations = self._backbone(mirror_and_shift(picture, shift), self._loss.layers)
            compared = content_sums(activations[self._loss.content_layer], content[shift, tf.newaxis])
            styles = [self._style(picture, activations, number, targets[0])]

            def smaller_style(octave_number: int) -> tf.Tensor:
                smaller = octave(picture, octave_number, shift)
                activations = self._backbone(mirror_and_shift(smaller, shift), self._loss.style_weights)
                return self._style(smaller, activations, number, targets[octave_number])

            for one in range(1, len(targets)):
                styles.append(tf.cond(shares[one] > 0, functools.partial(smaller_style, one), lambda: 0.0))
            style = Loss(lambda step: tf.reduce_sum(shares * tf.stack(styles)))
            loss, _ = self._loss.total(self._loss.content(compared), style, picture, relative)(number)
        return tape.gradient(loss, picture)

    def _style(
        self, picture: tf.Tensor, activations: Mapping[str, tf.Tensor], number: tf.Tensor, targets: LayerSums
    ) -> tf.Tensor:
        """The style loss of a picture of one octave."""
        pixels, found = tf.cast(tf.reduce_prod(tf.shape(picture)[1:3]), tf.float32), dict(activations)
        for layer in self._loss.style_weights if self._settings.stride(self._backbone.name) != 1 else ():
            found[layer], _ = subsample(found[layer], self._loss.stride(layer, pixels), number)
        return self._loss.style(self._loss.style_sums(found, picture, number), targets)(number)[0]

    def _targets(
        self, photograph: tf.Tensor, painting: tf.Tensor, shares: tf.Tensor
    ) -> tuple[tf.Tensor, list[LayerSums]]:
        """The photograph's activations at the content layer for every shift, and the sums of the painting's octaves."""
        layer = self._loss.content_layer

        @not_inlined
        def content(shift: tf.Tensor) -> tf.Tensor:
            return self._backbone(mirror_and_shift(photograph, shift), [layer])[layer]

        def sums(number: int) -> LayerSums:
            @not_inlined
            def shifted_sums(shift: tf.Tensor) -> LayerSums:
                pixels = octave(painting, number, shift)
                activations = self._backbone(mirror_and_shift(pixels, shift), self._loss.style_weights)
                return self._loss.style_sums(activations, pixels, shift)

            return self._loss.mean_over_shifts(shifted_sums)

        contents = tf.concat([content(tf.constant(shift)) for shift in range(SHIFTS)], axis=0)
        first = sums(0)
        none = functools.partial(tf.nest.map_structure, tf.zeros_like, first)  # of octaves that are too small
        others = [
            tf.cond(shares[number] > 0, functools.partial(sums, number), none)
            for number in range(1, self._settings.compared_octaves(self._backbone.name))
        ]
        return contents, [first, *others]


def noise(size: tf.Tensor, seed: int) -> tf.Tensor:
    """What a painting starts from, [1, height, width, 3]."""
    return tf.random.stateless_uniform([1, size[0], size[1], 3], [seed, 0], 0.3, 0.7)


def resized(picture: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Resamples a picture with bicubic interpolation, within 0..1; shrinking averages."""
    changed = tf.image.resize(picture, size, "bicubic", antialias=True)
    return tf.ensure_shape(tf.clip_by_value(changed, 0.0, 1.0), _ANY_SIZE)
