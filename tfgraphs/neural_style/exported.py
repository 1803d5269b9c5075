"""The painter as a SavedModel that needs nothing of this package.

model = hub.load(folder)
model.stylize(content, style, steps=200)    # float32 [1, height, width, 3], RGB in 0..1, each of any size
model(content, style)                       # with the steps that it was exported with
"""

import math
from pathlib import Path

import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.files import export
from tfgraphs.graphs.compiled import not_inlined
from tfgraphs.neural_style.lattice import lattice, spacing, thinned
from tfgraphs.neural_style.losses import FORMS, content_sums, total_variation
from tfgraphs.neural_style.regions import StyleError
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.statistics import STATISTICS, Sums
from tfgraphs.neural_style.targets import SHIFTS, SMALLEST_SIDE, shifted
from tfgraphs.neural_style.transfer import COARSEST, SCALE_FACTOR
from tfgraphs.optimize.adam import adam_step

_BETA_2, _EPSILON = 0.99, 1e-14  # of Adam
_LEAST_RATE = 0.02  # share of the learning rate that is left at the end of a scale
_MOST_SCALES = 20
_ANY_SIZE = tf.TensorShape([1, None, None, 3])


def export_painter(folder: str | Path, backbone: Backbone, settings: StyleSettings | None = None) -> None:
    """Writes a SavedModel that paints step by step, as `paint` does.

    Its function `stylize(content, style, steps)`, also the signature "stylize", takes two pictures, float32 [1, height,
    width, 3] in 0..1, of at least 32 px a side, and the number of steps at all scales together, int32. All else is
    that of the settings. Pictures are resampled by TensorFlow and looked at whole, the noise to begin with is
    TensorFlow's, and the same input gives the same bytes.

    The steps are those of `adam_step`: the slots of a Keras optimizer are variables of one size.

    Raises:
        LayerError, StyleError: the settings name an unknown layer, or another optimizer.
        OutputError: the folder holds something else or cannot be written.
    """
    settings = settings or StyleSettings()
    if settings.optimizer.lower() != "adam":
        raise StyleError(f"optimizer is {settings.optimizer!r}: an exported painter has adam alone")
    painter = _Painter(backbone, settings)
    pictures = [tf.TensorSpec([1, None, None, 3], tf.float32, name=name) for name in ("content", "style")]

    @tf.function(input_signature=[*pictures, tf.TensorSpec([], tf.int32, name="steps")])
    def stylize(content: tf.Tensor, style: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        return painter.paint(content, style, steps)

    @tf.function(input_signature=pictures)
    def call(content: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        return stylize(content, style, tf.constant(settings.steps))

    variables = stylize.get_concrete_function().graph.variables
    export.save(
        folder,
        call,
        pictures,
        output="image",
        tracked=variables,
        signatures={"stylize": stylize},
        named={"stylize": stylize},
    )


class _Painter:
    """What `paint` does, for pictures whose sizes are not known when the graph is made."""

    def __init__(self, backbone: Backbone, settings: StyleSettings) -> None:
        self._backbone, self._settings = backbone, settings
        self._form, self._statistic = FORMS[settings.loss], STATISTICS[settings.statistic]
        self._content_layer, weights = settings.layers(backbone)
        self._weights = {layer: weight / sum(weights.values()) for layer, weight in weights.items()}
        self._layers = list(dict.fromkeys([self._content_layer, *weights]))

    def paint(self, content: tf.Tensor, style: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        """All scales, the coarsest first."""
        smallest = tf.minimum(tf.reduce_min(tf.shape(content)[1:3]), tf.reduce_min(tf.shape(style)[1:3]))
        message = f"pictures need at least {SMALLEST_SIDE} px a side"
        with tf.control_dependencies([tf.debugging.assert_greater_equal(smallest, SMALLEST_SIDE, message)]):
            sizes = scale_sizes(tf.shape(content)[1:3])
        count = tf.shape(sizes)[0]
        shares = tf.linspace(3.0, 1.0, count)
        shares = tf.cast(steps, tf.float32) * shares / tf.reduce_sum(shares)
        steps = tf.maximum(1, tf.cast(tf.round(shares), tf.int32))

        def climb(scale: tf.Tensor, picture: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            start, photograph = (resized(one, sizes[scale]) for one in (picture, content))
            longest = self._settings.style_scale * tf.cast(tf.reduce_max(sizes[scale]), tf.float32)
            painting = scaled_painting(style, longest)
            return scale + 1, self._improve(start, photograph, painting, scale, steps[scale])

        start = (tf.constant(0), noise(sizes[0], self._settings.seed))
        invariants = (tf.TensorShape([]), _ANY_SIZE)
        return tf.while_loop(lambda scale, _: scale < count, climb, start, invariants)[1]

    def _improve(
        self, start: tf.Tensor, photograph: tf.Tensor, painting: tf.Tensor, scale: tf.Tensor, steps: tf.Tensor
    ) -> tf.Tensor:
        """One scale: so many steps of Adam, whose rate falls along a cosine."""
        content, style, gradient_of = self._content(photograph), self._style(painting), self._gradient()

        def step(number: tf.Tensor, picture: tf.Tensor, mean: tf.Tensor, square: tf.Tensor) -> tuple[tf.Tensor, ...]:
            gradient = gradient_of(picture, tf.cast(number, tf.int64), scale, content, style)
            done = tf.cast(number, tf.float32)
            rate = self._rate(done, tf.cast(steps, tf.float32))
            picture, mean, square = adam_step(
                picture, gradient, mean, square, done + 1, rate, beta_2=_BETA_2, epsilon=_EPSILON
            )
            return number + 1, tf.clip_by_value(picture, 0.0, 1.0), mean, square

        nothing = tf.zeros_like(start)
        _, picture, *_ = tf.while_loop(
            lambda number, *_: number < steps,
            step,
            (tf.constant(0), start, nothing, nothing),
            (tf.TensorShape([]), _ANY_SIZE, _ANY_SIZE, _ANY_SIZE),
            parallel_iterations=1,
        )
        return picture

    def _rate(self, number: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        """The learning rate, which falls along a cosine."""
        falling = (1 + tf.cos(math.pi * number / steps)) / 2
        return self._settings.learning_rate * (_LEAST_RATE + (1 - _LEAST_RATE) * falling)

    def _gradient(self) -> "tf.types.experimental.GenericFunction":
        """The gradient of the loss, by the picture as it is looked at in a step; a graph of its own."""
        content_weight, variation_weight = self._settings.weights()

        @not_inlined
        def gradient(
            picture: tf.Tensor, number: tf.Tensor, scale: tf.Tensor, content: tf.Tensor, style: list[Sums]
        ) -> tf.Tensor:
            seed = [self._settings.seed + tf.cast(scale, tf.int64), number]
            shift = tf.random.stateless_uniform([], seed, 0, SHIFTS, tf.int32)
            with tf.GradientTape() as tape:
                tape.watch(picture)
                activations = self._backbone(shifted(picture, shift), self._layers)
                sums = content_sums(activations[self._content_layer], content[shift, tf.newaxis])
                terms = [content_weight * self._form.content(sums), variation_weight * total_variation(picture)]
                for (layer, weight), target in zip(self._weights.items(), style, strict=True):
                    found = self._statistic.sums(
                        self._thinned(activations[layer], layer, picture, number), None, number
                    )
                    pair = [self._statistic.of(sums, number) for sums in (found, target)]
                    terms.append(weight * self._form.style(*pair))
                loss = tf.add_n(terms)
            return tape.gradient(loss, picture)

        return gradient

    def _thinned(self, activation: tf.Tensor, layer: str, picture: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        """The positions at which a step compares style."""
        if self._settings.spacing() == 1:
            return activation
        pixels = tf.cast(tf.reduce_prod(tf.shape(picture)[1:3]), tf.float32)
        every = spacing(self._settings.spacing(), pixels / self._backbone.view(layer).stride ** 2)
        return thinned(activation, lattice(every, tf.zeros([2], tf.int32), tf.shape(activation)[1:3], number))

    def _content(self, photograph: tf.Tensor) -> tf.Tensor:
        """The photograph's activations at the layer of the content, for every shift: [SHIFTS, h, w, channels]."""
        layer = self._content_layer

        @not_inlined
        def look(photograph: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
            return self._backbone(shifted(photograph, shift), [layer])[layer]

        return tf.concat([look(photograph, tf.constant(shift)) for shift in range(SHIFTS)], axis=0)

    def _style(self, painting: tf.Tensor) -> list[Sums]:
        """The sums of the painting at each layer of the style, on average over all shifts."""

        @not_inlined
        def look(painting: tf.Tensor, shift: tf.Tensor) -> list[Sums]:
            activations, random = self._backbone(shifted(painting, shift), self._weights), tf.cast(shift, tf.int64)
            return [self._statistic.sums(activations[layer], None, random) for layer in self._weights]

        looks = [look(painting, tf.constant(shift)) for shift in range(SHIFTS)]
        return [
            self._statistic.together([(1 / SHIFTS, seen[number]) for seen in looks])
            for number in range(len(self._weights))
        ]


def scale_sizes(size: tf.Tensor) -> tf.Tensor:
    """Heights and widths of the scales, int32 [scales, 2], smallest first; see `transfer.scale_levels`."""
    longest = tf.cast(tf.reduce_max(size), tf.float32)
    lengths = tf.maximum(1.0, tf.round(longest / SCALE_FACTOR ** tf.range(_MOST_SCALES, dtype=tf.float32)))
    sizes = tf.cast(tf.round(tf.cast(size, tf.float32) * lengths[:, tf.newaxis] / longest), tf.int32)
    smaller = (tf.reduce_max(sizes, 1) >= COARSEST) & (tf.reduce_min(sizes, 1) >= SMALLEST_SIDE)
    count = tf.maximum(1, tf.reduce_sum(tf.cast(smaller, tf.int32)))
    return sizes[:count][::-1]


def scaled_painting(painting: tf.Tensor, longest: tf.Tensor) -> tf.Tensor:
    """The painting with its longer side reduced to `longest`, or as far as its shorter side allows."""
    size = tf.cast(tf.shape(painting)[1:3], tf.float32)
    least = SMALLEST_SIDE / tf.reduce_min(size)
    factor = tf.minimum(1.0, tf.maximum(longest / tf.reduce_max(size), least))
    return resized(painting, tf.cast(tf.round(size * factor), tf.int32))


def noise(size: tf.Tensor, seed: int) -> tf.Tensor:
    """What a painting begins with, [1, height, width, 3]."""
    return tf.random.stateless_uniform([1, size[0], size[1], 3], [seed, 0], 0.3, 0.7)


def resized(picture: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Bicubic resampling, within 0..1; shrinking averages."""
    changed = tf.image.resize(picture, size, "bicubic", antialias=True)
    return tf.ensure_shape(tf.clip_by_value(changed, 0.0, 1.0), _ANY_SIZE)
