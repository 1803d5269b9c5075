"""Small random movements of the picture, so that no pixel keeps its place in the network's grid.

What excites a unit only where it happens to lie is noise; what still excites it after being moved, turned and scaled
a little is a picture (Olah, Mordvintsev, Schubert, "Feature Visualization", 2017: "transformation robustness").

A `Transform` moves all pictures of a batch alike. It is differentiable, draws the same for the same seed and step, and
keeps or makes a size that is known when the graph is made.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

GREY = 0.5  # what is seen beyond the border

Seed = Any
Transform = Callable[[tf.Tensor, Seed, tf.Tensor], tf.Tensor]
"""(pictures [batch, height, width, channels], seed, number of the step, int64) -> pictures."""


def jitter(pictures: tf.Tensor, amount: int, seed: Seed, step: tf.Tensor) -> tf.Tensor:
    """Rolls [batch, height, width, channels] by up to `amount` pixels either way, the same for a seed and step.

    What leaves at one edge enters at the other; the gradient rolls back by itself.
    """
    if amount == 0:
        return pictures
    shift = tf.random.stateless_uniform([2], [seed, step], -amount, amount + 1, tf.int32)
    return tf.roll(pictures, shift, axis=[1, 2])


def random_roll(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
    """Rolls pictures by any number of pixels, so that no place is a border for long."""
    shift = tf.random.stateless_uniform([2], [seed, step])
    return tf.roll(pictures, tf.cast(shift * tf.cast(tf.shape(pictures)[1:3], tf.float32), tf.int32), axis=[1, 2])


def compose(transforms: Sequence[Transform]) -> Transform:
    """One after the other; each draws numbers of its own."""

    def composed(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        for number, transform in enumerate(transforms):
            own = tf.random.fold_in(tf.stack([tf.cast(seed, tf.int64), tf.cast(step, tf.int64)]), number)
            pictures = transform(pictures, *tf.unstack(own, 2))
        return pictures

    return composed


def pad(amount: int) -> Transform:
    """Puts grey around, `amount` pixels on every side."""
    sides = [[0, 0], [amount, amount], [amount, amount], [0, 0]]
    return lambda pictures, seed, step: tf.pad(pictures, sides, constant_values=GREY)


def random_crop(amount: int) -> Transform:
    """Takes `amount` pixels off the height and off the width, some at one edge and the rest at the other."""

    def crop(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        batch, height, width, channels = _shape(pictures)
        corner = tf.random.stateless_uniform([2], [seed, step], 0, amount + 1, tf.int32)
        begin = tf.concat([[0], corner, [0]], axis=0)
        return tf.slice(pictures, begin, [batch, height - amount, width - amount, channels])

    return crop


def random_scale(smallest: float, largest: float) -> Transform:
    """Scales about the middle of the picture by a factor from `smallest` to `largest`; the size stays."""

    def scale(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        factor = tf.random.stateless_uniform([], [seed, step], smallest, largest)
        return _about_the_middle(pictures, 1 / factor * tf.eye(2))

    return scale


def random_rotate(degrees: float) -> Transform:
    """Turns the picture about its middle by up to so many degrees either way; the size stays."""

    def rotate(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        angle = tf.random.stateless_uniform([], [seed, step], -degrees, degrees) * (math.pi / 180)
        cosine, sine = tf.cos(angle), tf.sin(angle)
        return _about_the_middle(pictures, tf.stack([[cosine, -sine], [sine, cosine]]))

    return rotate


def random_window(smallest: float, largest: float) -> Transform:
    """A square somewhere in each picture, another in each, enlarged or reduced to the picture's shorter side.

    Args:
        smallest: least side of the square, as a share of the picture's shorter side.
        largest: greatest side.
    """

    def window(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        batch, height, width, _ = _shape(pictures)
        side = min(height, width)
        drawn = tf.random.stateless_uniform([batch, 3], [seed, step])
        share = smallest + (largest - smallest) * drawn[:, :1]
        extent = share * tf.constant([[side / height, side / width]])
        corner = drawn[:, 1:] * (1 - extent)
        boxes = tf.concat([corner, corner + extent], axis=1)
        return tf.image.crop_and_resize(pictures, boxes, tf.range(batch), [side, side], extrapolation_value=GREY)

    return window


def noise(deviation: float) -> Transform:
    """Adds normal noise to each value."""

    def add(pictures: tf.Tensor, seed: Seed, step: tf.Tensor) -> tf.Tensor:
        return pictures + tf.random.stateless_normal(tf.shape(pictures), [seed, step], stddev=deviation)

    return add


def _about_the_middle(pictures: tf.Tensor, back: tf.Tensor) -> tf.Tensor:
    """Moves pictures by a linear map that leaves the middle where it is.

    Args:
        pictures: [batch, height, width, channels].
        back: [2, 2], maps (x, y) of a place of the result, from the middle, to where its value is taken from.
    """
    _, height, width, _ = _shape(pictures)
    middle = tf.constant([(width - 1) / 2, (height - 1) / 2])
    origin = middle - tf.linalg.matvec(back, middle)
    rows = tf.concat([back, origin[:, None]], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=tf.concat([tf.reshape(rows, [1, 6]), [[0.0, 0.0]]], axis=1),
        output_shape=[height, width],
        fill_value=GREY,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def _shape(pictures: tf.Tensor) -> list[int]:
    """The four sides, which must be known."""
    return pictures.shape.as_list()
