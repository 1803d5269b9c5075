"""Dreams as a SavedModel that needs nothing of this package.

model = hub.load(folder)
model.dream(image, steps=10, step_size=0.006)    # float32 [batch, height, width, 3], RGB in 0..1, of any size
model(image)                                     # with the steps that it was exported with
"""

from pathlib import Path

import tensorflow as tf

from tfgraphs import export
from tfgraphs.backbones import Backbone
from tfgraphs.compiled import apart
from tfgraphs.deepdream.dream import SMALLEST_SIDE, DreamSettings
from tfgraphs.deepdream.gradients import NORMALIZATIONS
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.transforms import jitter


def export_dream(
    folder: str | Path, backbone: Backbone, objective: Objective, settings: DreamSettings | None = None
) -> None:
    """Writes a SavedModel that dreams.

    Its function `dream(image, steps, step_size)`, also the signature "dream", takes float32 [batch, height, width, 3]
    in 0..1, the number of steps at each octave, int32, and the size of a step, float32, see `DreamSettings`. Octaves
    and all else are those of the settings; pictures are resampled by TensorFlow, and looked at whole.

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
        return _dream(image, steps, step_size, backbone, objective, settings, smallest)

    @tf.function(input_signature=[pictures])
    def call(image: tf.Tensor) -> tf.Tensor:
        return dream(image, tf.constant(settings.iterations), tf.constant(settings.step_size, tf.float32))

    variables = dream.get_concrete_function().graph.variables
    export.save(
        folder, call, pictures, output="image", tracked=variables, signatures={"dream": dream}, named={"dream": dream}
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

    def scaled(octave: tf.Tensor) -> tf.Tensor:
        """The original as an octave has it: 0 is its own size, 1 the next smaller one."""
        factor = tf.pow(float(settings.octave_scale), -tf.cast(octave, tf.float32))
        smaller = tf.cast(tf.round(tf.cast(size, tf.float32) * factor), tf.int32)
        return tf.image.resize(image, smaller, antialias=True)

    @apart
    def step(number: tf.Tensor, picture: tf.Tensor, octave: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            seeds = tf.cast(octave * steps + number, tf.int64)
            moved = jitter(picture, settings.jitter, settings.seed, seeds)
            value = objective.value(backbone(moved, objective.layers))
        gradient = NORMALIZATIONS[settings.normalize](tape.gradient(value, picture))
        return tf.clip_by_value(picture + step_size * gradient, 0.0, 1.0)

    octaves = tf.range(settings.octaves)
    sides = tf.cast(tf.reduce_min(size), tf.float32) * tf.pow(
        float(settings.octave_scale), -tf.cast(octaves, tf.float32)
    )
    count = tf.maximum(1, tf.reduce_sum(tf.cast(sides >= smallest, tf.int32)))
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
