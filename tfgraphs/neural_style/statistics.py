"""What of a painting's activations is its style: statistics that tell how features respond, but not where.

Each is a function of sums over positions. So it can be had of a picture in pieces, of several pictures together, and
of a part of one: a position may count any number of times. F are the activations of a layer with N channels, m_p how
often position p counts, M = sum_p m_p.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf

from tfgraphs.graphs.own_gradients import custom_gradient

SMALL = 1e-12

Sums = list[tf.Tensor]


def _added(parts: Sequence[tuple[float, Sums]]) -> Sums:
    return [
        tf.add_n([weight * one for one, (weight, _) in zip(ones, parts, strict=True)])
        for ones in zip(*(sums for _, sums in parts), strict=True)
    ]


@dataclass(frozen=True)
class Statistic:
    """A statistic of activations.

    Attributes:
        sums: of activations [1, height, width, channels], of how often each position counts, [1, height, width] (None:
            once), and of a random number, int64; tensors that are added where pictures are looked at in pieces.
        of: the statistic, from its sums and a random number.
        together: the sums of several paintings, each with how much there is of it; these shares add up to 1.
        local: whether pieces of a picture can be added.
    """

    sums: Callable[[tf.Tensor, tf.Tensor | None, tf.Tensor], Sums]
    of: Callable[[Sums, tf.Tensor], tf.Tensor]
    together: Callable[[Sequence[tuple[float, Sums]]], Sums] = _added
    local: bool = True


def gram_matrix(activation: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """F'F / M: how strongly each two channels respond together.

    Args:
        activation: float32 [batch, height, width, channels].
        mask: float32 [batch, height, width], how often each position counts; without it all count once.

    Returns:
        [batch, channels, channels]; with a mask sum_p m_p F_p'F_p / sum_p m_p.
    """
    return gram_of(gram_sums(activation, mask))


def gram_sums(activation: tf.Tensor, mask: tf.Tensor | None = None) -> Sums:
    """[sum_p m_p F_p'F_p, M], [batch, channels, channels] and [batch, 1, 1]; args as of `gram_matrix`."""
    features, counts = _positions(activation), _counts(activation, mask)
    return [_products(features if mask is None else features * tf.sqrt(counts)), _sum(counts)]


def gram_of(sums: Sums) -> tf.Tensor:
    """The Gram matrix of sums."""
    products, count = sums
    return products / (count + SMALL)


def mean_and_deviation(activation: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Of each channel, as adaptive instance normalization has it (Huang and Belongie, arXiv 1703.06868).

    Args as of `gram_matrix`. Returns [batch, 2, channels].
    """
    return moments_of(moment_sums(activation, mask))


def moment_sums(activation: tf.Tensor, mask: tf.Tensor | None = None) -> Sums:
    """[sum_p m_p F_p, sum_p m_p F_p^2, M], [batch, 1, channels] twice and [batch, 1, 1]; args as of `gram_matrix`."""
    features, counts = _positions(activation), _counts(activation, mask)
    return [_sum(counts * features), _sum(counts * tf.square(features)), _sum(counts)]


def moments_of(sums: Sums) -> tf.Tensor:
    """Mean and deviation of sums."""
    total, squares, count = sums
    mean = total / (count + SMALL)
    variance = tf.maximum(squares / (count + SMALL) - tf.square(mean), 0)
    return tf.concat([mean, tf.sqrt(variance + SMALL)], axis=1)


ROWS = 2048
"""Positions that are drawn to compare distributions."""


def drawn(activation: tf.Tensor, mask: tf.Tensor | None, seed: tf.Tensor) -> Sums:
    """Features of ROWS positions, drawn as often as positions count.

    Draws are stratified: the positions in their order are cut into ROWS parts that count alike, one is drawn of each.

    Args:
        activation: float32 [1, height, width, channels].
        mask: float32 [1, height, width].
        seed: int64 scalar.

    Returns:
        [features], [1, ROWS, channels].
    """
    features, counts = _positions(activation)[0], _counts(activation, mask)[0, :, 0]
    inside = tf.random.stateless_uniform([ROWS], [_DRAWN, seed], dtype=features.dtype)
    places = (tf.range(ROWS, dtype=features.dtype) + inside) / ROWS
    if mask is None:
        last = tf.shape(features)[0] - 1
        chosen = tf.minimum(tf.cast(places * tf.cast(last + 1, places.dtype), tf.int32), last)
    else:
        counted = tf.cumsum(counts)
        chosen = tf.minimum(tf.searchsorted(counted, places * counted[-1], side="right"), tf.shape(features)[0] - 1)
    return [tf.gather(features, chosen)[tf.newaxis]]


def slices_of(sums: Sums, seed: tf.Tensor) -> tf.Tensor:
    """Projections of features on as many random directions as there are channels, each in ascending order.

    The mean squared difference of two such tables is the sliced Wasserstein distance of the distributions that their
    rows were drawn from, but for the draws (Heitz et al., arXiv 2006.07229).

    Returns:
        [1, channels, ROWS]; of the same seed always in the same directions.
    """
    (features,) = sums
    channels = features.shape[-1]
    directions = tf.random.stateless_normal([channels, channels], [_DIRECTIONS, seed], dtype=features.dtype)
    projections = tf.matmul(features, tf.linalg.normalize(directions, axis=0)[0])
    return tf.sort(tf.linalg.matrix_transpose(projections), axis=-1)


def _drawn_together(parts: Sequence[tuple[float, Sums]]) -> Sums:
    """Of each painting as many rows as its share."""
    ends = [round(ROWS * sum(weight for weight, _ in parts[: number + 1])) for number in range(len(parts))]
    order = tf.random.stateless_uniform([ROWS], [_DRAWN, 0])
    scattered = [tf.gather(features[0], tf.argsort(order)) for _, (features,) in parts]
    pieces = [one[begin:end] for one, begin, end in zip(scattered, [0, *ends], ends, strict=False)]
    return [tf.concat(pieces, axis=0)[tf.newaxis]]


STATISTICS = {
    "gram": Statistic(lambda activation, mask, _: gram_sums(activation, mask), lambda sums, _: gram_of(sums)),
    "mean_variance": Statistic(
        lambda activation, mask, _: moment_sums(activation, mask), lambda sums, _: moments_of(sums)
    ),
    "sliced_wasserstein": Statistic(drawn, slices_of, _drawn_together, local=False),
}

_DRAWN, _DIRECTIONS = 1, 2


def _positions(activation: tf.Tensor) -> tf.Tensor:
    """[batch, height, width, channels] -> [batch, positions, channels]."""
    return tf.reshape(activation, [tf.shape(activation)[0], -1, activation.shape[-1]])


def _counts(activation: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """How often each position counts, [batch, positions, 1]."""
    counts = tf.ones(tf.shape(activation)[:3], activation.dtype) if mask is None else mask
    return tf.reshape(counts, [tf.shape(activation)[0], -1, 1])


def _sum(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(values, axis=1, keepdims=True)


@custom_gradient
def _products(features: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """F'F, whose gradient is one product, F (D + D'); differentiated as two it would take twice the time."""

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return tf.matmul(features, upstream + tf.linalg.matrix_transpose(upstream))

    return tf.matmul(features, features, transpose_a=True), gradient
