"""Errors of content and style, and the total variation. `style_loss` puts them together.

F are the activations of a layer with N channels at M positions, F* those of the photograph or the painting, and
G = F'F / M is the Gram matrix. There are two forms. The one of Gatys, Ecker and Bethge (arXiv 1508.06576), "paper":

    content    1/2 ||F - F*||^2
    style      sum_l w_l / (4 N_l^2) ||G_l - G*_l||^2

grows with the picture and with the network's activations, so its weights have to be chosen anew for each. (The paper
writes the sums G M, and divides by 4 N^2 M^2; here a painting may have another size than the picture.) In the other,
"normalized", each part is relative to its target, so one pair of weights serves every size, layer and network:

    content    ||F - F*||^2 / ||F*||^2
    style      sum_l w_l ||G_l - G*_l||^2 / ||G*_l||^2

Layer by layer, paper = 1/2 ||F*||^2 normalized for content, and ||G*||^2 / (4 N^2) normalized for style.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfgraphs.neural_style.statistics import SMALL, Sums


def content_sums(activation: tf.Tensor, target: tf.Tensor) -> Sums:
    """[||F - F*||^2, ||F*||^2]: two scalars that add up over the positions of a picture."""
    return [_sum_of_squares(activation - target), _sum_of_squares(target)]


def relative_content_error(sums: Sums) -> tf.Tensor:
    """||F - F*||^2 / ||F*||^2, from `content_sums`."""
    return sums[0] / (sums[1] + SMALL)


def relative_style_error(statistic: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """||G - G*||^2 / ||G*||^2."""
    return tf.reduce_mean(tf.math.squared_difference(statistic, target)) / (tf.reduce_mean(tf.square(target)) + SMALL)


def paper_content_error(sums: Sums) -> tf.Tensor:
    """1/2 ||F - F*||^2, from `content_sums`."""
    return sums[0] / 2


def paper_style_error(statistic: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """||G - G*||^2 / (4 N^2); of other statistics the same, with the number of their values in place of N^2."""
    return tf.reduce_mean(tf.math.squared_difference(statistic, target)) / 4


class Form(NamedTuple):
    """The content error, of `content_sums`, and the style error, of a statistic and its target."""

    content: Callable[[Sums], tf.Tensor]
    style: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


FORMS = {
    "normalized": Form(relative_content_error, relative_style_error),
    "paper": Form(paper_content_error, paper_style_error),
}


def total_variation(pictures: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of neighbouring pixels, down plus across.

    Args:
        pictures: [batch, height, width, channels], at least 2 x 2 pixels.
    """
    channels = pictures.shape[-1]
    rows = tf.reshape(pictures, [tf.shape(pictures)[0], tf.shape(pictures)[1], -1])  # long rows are faster
    differences = [_differences(rows, 1, axis=1), _differences(rows, channels, axis=2)]
    down, across = (_sum_of_squares(values) / tf.cast(tf.size(values), values.dtype) for values in differences)
    return down + across


def _sum_of_squares(values: tf.Tensor) -> tf.Tensor:
    return 2 * tf.nn.l2_loss(values)  # one operation, and one for its gradient


def _differences(rows: tf.Tensor, lag: int, axis: int) -> tf.Tensor:
    """Subtracts from each value of [batch, height, width] the one `lag` before it. Gradients of slices are slower."""
    rest = tf.shape(rows)[axis] - lag
    before, _ = tf.split(rows, [rest, lag], axis)
    _, ahead = tf.split(rows, [lag, rest], axis)
    return ahead - before
