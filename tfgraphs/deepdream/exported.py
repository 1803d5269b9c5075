"""Dreams as a SavedModel that needs nothing of this package.

model = hub.load(folder)
model.dream(image, steps=120, step_size=0.003)   # float32 [batch, height, width, 3], RGB in 0..1, of any size
model(image)                                     # with the settings that it was exported with
"""

import functools
from dataclasses import replace
from pathlib import Path

import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.deepdream.dreamer import smallest_octave
from tfgraphs.deepdream.objectives import Objective
from tfgraphs.deepdream.octaves import octave_sizes, octave_start, steps_before
from tfgraphs.deepdream.settings import DreamError, DreamSettings
from tfgraphs.deepdream.step import DreamStep
from tfgraphs.files import export
from tfgraphs.graphs.compiled import not_inlined
from tfgraphs.pictures.colors import with_colors_of
from tfgraphs.pictures.encoded import on_encoded


def export_dream(
    folder: str | Path,
    objective: Objective,
    backbone: Backbone,
    settings: DreamSettings | None = None,
    *,
    preserve_color: bool = False,
) -> None:
    """Writes a SavedModel that dreams.

    Its function `dream(image, steps, step_size)`, also the signature "dream", takes float32 [batch, height, width, 3]
    in 0..1, the gradient steps over all octaves, int32, and the size of a step, float32, see `DreamSettings`. The
    signature calls its output "image". Pictures are resized by TensorFlow. `serve_bytes(image_bytes)` dreams with the
    settings below for files of pictures, see `on_encoded`.

    Args:
        folder: where to; an earlier SavedModel there is replaced.
        objective: what to maximise.
        backbone: the network.
        settings: see `DreamSettings`; `tile_size` is not used.
        preserve_color: whether dreams keep the colours of their pictures and change the luma only.

    Raises:
        DreamError: the optimizer is not "sgd".
        LayerError: the objective has an unknown layer.
        OutputError: the folder contains something else or cannot be written.
    """
    settings = replace(settings or DreamSettings(), tile_size=0)
    if settings.optimizer != "sgd":
        raise DreamError(f"optimizer is {settings.optimizer!r}: exported dreams take their steps with 'sgd' only")
    pictures = tf.TensorSpec([None, None, None, 3], tf.float32, name="image")
    step_size = tf.TensorSpec([], tf.float32, name="step_size")
    smallest = smallest_octave(objective, backbone)
    take_step = not_inlined(DreamStep(objective, backbone, settings).__call__)

    def sizes_of(image: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        return octave_sizes(tf.shape(image)[1:3], settings.octaves, settings.octave_scale, smallest, steps)

    @tf.function(input_signature=[pictures, tf.TensorSpec([], tf.int32, name="steps"), step_size])
    def dream(image: tf.Tensor, steps: tf.Tensor, step_size: tf.Tensor) -> tf.Tensor:
        sizes, full_size, picture = sizes_of(image, steps), tf.shape(image)[1:3], image
        count = tf.shape(sizes)[0]
        any_size = tf.TensorShape([None, None, None, 3])
        for octave in tf.range(count):
            tf.autograph.experimental.set_loop_options(shape_invariants=[(picture, any_size)], parallel_iterations=1)
            original = tf.image.resize(image, sizes[octave], antialias=True)
            if octave == 0:
                picture = original
            else:
                smaller = tf.image.resize(image, sizes[octave - 1], antialias=True)
                enlarge = functools.partial(tf.image.resize, size=sizes[octave])
                picture = octave_start(picture, smaller, original, enlarge)
            for number in tf.range(steps_before(octave, count, steps), steps_before(octave + 1, count, steps)):
                tf.autograph.experimental.set_loop_options(
                    shape_invariants=[(picture, any_size)], parallel_iterations=1
                )
                picture = take_step(picture, tf.cast(number, tf.int64), step_size, full_size)
        result = tf.clip_by_value(picture, 0.0, 1.0)
        return with_colors_of(result, image) if preserve_color else result

    @tf.function(input_signature=[pictures])
    def call(image: tf.Tensor) -> tf.Tensor:
        steps = tf.constant(settings.steps)
        if settings.iterations is not None:
            steps = settings.iterations * tf.shape(sizes_of(image, tf.constant(settings.octaves)))[0]
        return dream(image, steps, tf.constant(settings.step_size, tf.float32))

    functions = {"dream": dream, "serve_bytes": on_encoded(call, ["image"])}
    variables = dream.get_concrete_function().graph.variables
    export.save(folder, call, output="image", tracked=variables, functions=functions)
