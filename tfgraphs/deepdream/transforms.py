"""Random transforms of pictures before the network sees them.

Without them, optimised pictures fill with noise that excites a unit only at exactly these positions (Olah, Mordvintsev,
Schubert, "Feature Visualization", 2017: "transformation robustness").

A `Transform` is differentiable, depends on nothing but the seed and the step, and has an output of static shape if its
input has one. Most transform all pictures of a batch alike.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgraphs.graphs.scopes import in_scope

GREY = 0.5  # the value of pixels beyond the border

Seed = Any
Transform = Callable[[tf.Tensor, Seed, tf.Tensor], tf.Tensor]
"""Maps pictures [batch, height, width, channels], a seed and the number of the step, int64, to pictures."""


def jitter(amount: int) -> Transform:
    """Rolls pictures by up to `amount` pixels in each direction. What leaves at one edge enters at the other."""

    @in_scope("jitter")
    def roll(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        if amount == 0:
            return pictures
        shift = tf.random.stateless_uniform([2], [seed, step], -amount, amount + 1, tf.int32)
        return tf.roll(pictures, shift, axis=[1, 2])

    return roll


@in_scope("random_roll")
def random_roll(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
    """Rolls pictures by any number of pixels, so that no position stays at a border."""
    shift = tf.random.stateless_uniform([2], [seed, step])
    return tf.roll(pictures, tf.cast(shift * tf.cast(tf.shape(pictures)[1:3], tf.float32), tf.int32), axis=[1, 2])


def compose(transforms: Sequence[Transform]) -> Transform:
    """Applies transforms one after the other, each of several with random numbers of its own."""
    if len(transforms) == 1:
        return transforms[0]

    def composed(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        for number, transform in enumerate(transforms):
            folded = tf.random.fold_in(tf.stack([tf.cast(seed, tf.int64), tf.cast(step, tf.int64)]), number)
            pictures = transform(pictures, *tf.unstack(folded, 2))
        return pictures

    return composed


def pad(amount: int) -> Transform:
    """Adds a grey border of `amount` pixels on every side."""
    sides = [[0, 0], [amount, amount], [amount, amount], [0, 0]]

    @in_scope("pad")
    def add(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        return tf.pad(pictures, sides, constant_values=GREY)

    return add


def random_crop(amount: int) -> Transform:
    """Crops `amount` pixels from the height and from the width, at a random offset."""

    @in_scope("random_crop")
    def crop(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        batch, height, width, channels = pictures.shape
        corner = tf.random.stateless_uniform([2], [seed, step], 0, amount + 1, tf.int32)
        begin = tf.concat([[0], corner, [0]], axis=0)
        return tf.slice(pictures, begin, [batch, height - amount, width - amount, channels])

    return crop


def random_scale(smallest: float, largest: float) -> Transform:
    """Scales about the centre by a random factor from `smallest` to `largest`. The picture keeps its size."""

    @in_scope("random_scale")
    def scale(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        factor = tf.random.stateless_uniform([], [seed, step], smallest, largest)
        return _about_center(pictures, 1 / factor * tf.eye(2))

    return scale


def random_rotate(degrees: float) -> Transform:
    """Rotates about the centre by up to `degrees` in each direction. The picture keeps its size."""

    @in_scope("random_rotate")
    def rotate(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        angle = tf.random.stateless_uniform([], [seed, step], -degrees, degrees) * (math.pi / 180)
        cosine, sine = tf.cos(angle), tf.sin(angle)
        return _about_center(pictures, tf.stack([[cosine, -sine], [sine, cosine]]))

    return rotate


def random_window(smallest: float, largest: float) -> Transform:
    """Crops a random square from each picture and resizes it to the picture's shorter side.

    Args:
        smallest: shortest side of the square, as a share of the picture's shorter side.
        largest: longest side.
    """

    @in_scope("random_window")
    def window(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        batch, height, width, _ = pictures.shape
        side = min(height, width)
        drawn = tf.random.stateless_uniform([batch, 3], [seed, step])
        share = smallest + (largest - smallest) * drawn[:, :1]
        extent = share * tf.constant([[side / height, side / width]])
        corner = drawn[:, 1:] * (1 - extent)
        boxes = tf.concat([corner, corner + extent], axis=1)
        return tf.image.crop_and_resize(pictures, boxes, tf.range(batch), [side, side], extrapolation_value=GREY)

    return window


def noise(deviation: float) -> Transform:
    """Adds normal noise of standard deviation `deviation` to each value."""

    @in_scope("noise")
    def add(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        return pictures + tf.random.stateless_normal(tf.shape(pictures), [seed, step], stddev=deviation)

    return add


def _about_center(pictures: tf.Tensor, inverse: tf.Tensor) -> tf.Tensor:
    """Applies a linear map about the centre.

    Args:
        pictures: [batch, height, width, channels].
        inverse: [2, 2], maps (x, y) of a pixel of the result, from the centre, to the position it is sampled at.
    """
    _, height, width, _ = pictures.shape
    center = tf.constant([(width - 1) / 2, (height - 1) / 2])
    origin = center - tf.linalg.matvec(inverse, center)
    rows = tf.concat([inverse, origin[:, None]], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=tf.concat([tf.reshape(rows, [1, 6]), [[0.0, 0.0]]], axis=1),
        output_shape=[height, width],
        fill_value=GREY,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
