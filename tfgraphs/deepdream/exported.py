"""Dreams as a SavedModel that needs nothing of this package.

model = hub.load(folder)
model.dream(image, steps=10, step_size=0.006)    # float32 [batch, height, width, 3], RGB in 0..1, of any size
model(image)                                     # with the steps that it was exported with
"""

from pathlib import Path

import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.deepdream.dream import SMALLEST_SIDE, DreamSettings
from tfgraphs.deepdream.gradients import NORMALIZATIONS
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.transforms import jitter
from tfgraphs.files import export
from tfgraphs.graphs.compiled import not_inlined
from tfgraphs.pictures.colors import with_colors_of


def export_dream(
    folder: str | Path,
    backbone: Backbone,
    objective: Objective,
    settings: DreamSettings | None = None,
    *,
    preserve_color: bool = False,
) -> None:
    """Writes a SavedModel that dreams.

    Its function `dream(image, steps, step_size)`, also the signature "dream", takes float32 [batch, height, width, 3]
    in 0..1, the number of steps at each octave, int32, and the size of a step, float32, see `DreamSettings`; what it
    returns the signature calls "image". Octaves and all else are those of the settings; pictures are resampled by
    TensorFlow, and looked at whole.

    Args:
        folder: where to; an earlier SavedModel there is replaced.
        backbone: the network that looks.
        objective: what to raise.
        settings: see `DreamSettings`; all but `tile_size`.
        preserve_color: whether dreams have the colours of their pictures and another lightness only.

    Raises:
        LayerError: the objective has an unknown layer.
        OutputError: the folder holds something else or cannot be written.
    """
    settings = settings or DreamSettings()
    smallest = max(SMALLEST_SIDE, *(backbone.view(layer).smallest for layer in objective.layers))
    pictures = tf.TensorSpec([None, None, None, 3], tf.float32, name="image")
    step_size = tf.TensorSpec([], tf.float32, name="step_size")

    @tf.function(input_signature=[pictures, tf.TensorSpec([], tf.int32, name="steps"), step_size])
    def dream(image: tf.Tensor, steps: tf.Tensor, step_size: tf.Tensor) -> tf.Tensor:
        dreamt = _dream(image, steps, step_size, backbone, objective, settings, smallest)
        if preserve_color:
            return with_colors_of(dreamt, image)
        return dreamt

    @tf.function(input_signature=dream.input_signature)
    def named(image: tf.Tensor, steps: tf.Tensor, step_size: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"image": dream(image, steps, step_size)}

    @tf.function(input_signature=[pictures])
    def call(image: tf.Tensor) -> tf.Tensor:
        return dream(image, tf.constant(settings.iterations), tf.constant(settings.step_size, tf.float32))

    variables = dream.get_concrete_function().graph.variables
    export.save(
        folder, call, pictures, output="image", tracked=variables, signatures={"dream": named}, named={"dream": dream}
    )


def _dream(
    image: tf.Tensor,
    steps: tf.Tensor,
    step_size: tf.Tensor,
    backbone: Backbone,
    objective: Objective,
    settings: DreamSettings,
    smallest: int,
) -> tf.Tensor:
    """All octaves, from the smallest that the network can see."""
    size = tf.shape(image)[1:3]
    sizes = octave_sizes(size, settings, smallest)
    count = tf.shape(sizes)[0]

    def scaled(octave: tf.Tensor) -> tf.Tensor:
        """The original as an octave has it: 0 is its own size, 1 the next smaller one."""
        return tf.image.resize(image, sizes[octave], antialias=True)

    @not_inlined
    def step(number: tf.Tensor, picture: tf.Tensor, octave: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            seeds = tf.cast(octave * steps + number, tf.int64)
            moved = jitter(picture, settings.jitter, settings.seed, seeds)
            scale = tf.shape(picture)[1:3] / size
            value = objective.at(scale).value(backbone(moved, objective.layers))
        gradient = NORMALIZATIONS[settings.normalize](tape.gradient(value, picture))
        return tf.clip_by_value(picture + step_size * gradient, 0.0, 1.0)

    any_size = tf.TensorShape([None, None, None, 3])

    def climb(octave: tf.Tensor, detail: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """An octave: what dreams have added so far goes in, enlarged; what they have added after it comes out."""
        original = scaled(octave)
        start = tf.clip_by_value(original + tf.image.resize(detail, tf.shape(original)[1:3]), 0.0, 1.0)
        _, picture = tf.while_loop(
            lambda number, _: number < steps,
            lambda number, picture: (number + 1, step(number, picture, count - 1 - octave)),
            (tf.constant(0), start),
            shape_invariants=(tf.TensorShape([]), any_size),
            parallel_iterations=1,
        )
        return octave - 1, picture - original

    start = (count - 1, tf.zeros_like(scaled(count - 1)))
    _, detail = tf.while_loop(
        lambda octave, _: octave >= 0, climb, start, shape_invariants=(tf.TensorShape([]), any_size)
    )
    return tf.clip_by_value(image + detail, 0.0, 1.0)


def octave_sizes(size: tf.Tensor, settings: DreamSettings, smallest: int) -> tf.Tensor:
    """Those of `pyramid.octaves`, as a graph has them and the largest first.

    Args:
        size: height and width, int32 [2].

    Returns:
        Heights and widths, int32 [octaves, 2].
    """
    factors = tf.constant([settings.octave_scale**-number for number in range(settings.octaves)], tf.float64)
    sizes = tf.cast(tf.round(tf.cast(size, tf.float64) * factors[:, None]), tf.int32)
    kept = tf.reduce_sum(tf.cast(tf.reduce_min(sizes, axis=1) >= smallest, tf.int32))
    return sizes[: tf.maximum(1, kept)]
