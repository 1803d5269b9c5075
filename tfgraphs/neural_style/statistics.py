"""Statistics of activations that describe a style: how features respond, but not where.

Each is a function of sums over positions, or of features sampled at some. So it can be computed of a picture in pieces,
of several pictures together, and of a part of one: a position may count any number of times. F are the activations of a
layer with N channels, m_p is how often position p counts, M = sum_p m_p.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import tensorflow as tf

SMALL = 1e-12  # keeps quotients finite
MANY = 1024  # positions of a layer from which on style is compared at a part of them
ENOUGH = 2048  # positions that this part has, about, in layers with very many
ROWS = 2048  # positions that are sampled to compare distributions
PAIRED_ROWS = 1024  # the same where each is compared with each
_LEFT = 0.01  # share of the product of means that covariances keep
_SAMPLES, _DIRECTIONS, _CORNER = 1, 2, 3  # first halves of seeds

Sums = list[tf.Tensor]


def _weighted_sums(parts: Sequence[tuple[float, Sums]]) -> Sums:
    return [
        tf.add_n([weight * tensor for tensor, (weight, _) in zip(tensors, parts, strict=True)])
        for tensors in zip(*(sums for _, sums in parts), strict=True)
    ]


@dataclass(frozen=True)
class Statistic:
    """A statistic of activations.

    Attributes:
        sums: maps activations [1, height, width, channels], how often each position counts, [1, height, width] (None:
            once), and a random number, int64, to tensors. These are added where a picture is processed in pieces.
        value: maps the sums and a random number to the statistic: one tensor, or several that are compared apart.
        blend: maps the sums of several paintings with their shares, which add up to 1, to those of the blend.
        error: maps the value of a picture and that of the painting to a scalar. None: that of the form of the loss.
        rows: how many positions are sampled, where `sums` are those of `sample_features`; 0: all are added up.
    """

    sums: Callable[[tf.Tensor, tf.Tensor | None, tf.Tensor], Sums]
    value: Callable[[Sums, tf.Tensor], list[tf.Tensor]]
    blend: Callable[[Sequence[tuple[float, Sums]]], Sums] = _weighted_sums
    error: Callable[[Sequence[tf.Tensor], Sequence[tf.Tensor]], tf.Tensor] | None = None
    rows: int = 0


def gram_matrix(activation: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Computes the Gram matrix F'F / M: how strongly each two channels respond together.

    Args:
        activation: float32 [batch, height, width, channels].
        mask: float32 [batch, height, width], how often each position counts. None: all once.

    Returns:
        [batch, channels, channels]; with a mask sum_p m_p F_p'F_p / sum_p m_p.
    """
    return _gram_value(gram_sums(activation, mask))[0]


def gram_sums(activation: tf.Tensor, mask: tf.Tensor | None, random: tf.Tensor | None = None) -> Sums:
    """[sum_p m_p F_p'F_p, M], [batch, channels, channels] and [batch, 1, 1]; args as of `gram_matrix`."""
    features, counts = _positions(activation), _counts(activation, mask)
    return [_products(features if mask is None else features * tf.sqrt(counts)), _sum(counts)]


def _gram_value(sums: Sums, random: tf.Tensor | None = None) -> list[tf.Tensor]:
    products, count = sums
    return [products / (count + SMALL)]


def covariance_sums(activation: tf.Tensor, mask: tf.Tensor | None, random: tf.Tensor | None = None) -> Sums:
    """[sum_p m_p F_p'F_p, sum_p m_p F_p, M], [batch, c, c], [batch, 1, c], [batch, 1, 1]; args as of `gram_matrix`."""
    products, count = gram_sums(activation, mask)
    return [products, _sum(_counts(activation, mask) * _positions(activation)), count]


def _covariance_value(sums: Sums, random: tf.Tensor | None = None) -> list[tf.Tensor]:
    """The covariance of each two channels and the mean of each, [batch, c, c] and [batch, 1, c].

    Rectified features have large means, which fill the Gram matrix G = C + mean' mean: it says little of how features
    vary together. Apart, each counts. A hundredth of mean' mean is left, so that an even painting has a target that is
    not zero.
    """
    products, total, count = sums
    mean = total / (count + SMALL)
    return [products / (count + SMALL) - (1 - _LEFT) * tf.linalg.matrix_transpose(mean) * mean, mean]


def moment_sums(activation: tf.Tensor, mask: tf.Tensor | None, random: tf.Tensor | None = None) -> Sums:
    """[sum_p m_p F_p, sum_p m_p F_p^2, M], [batch, 1, channels] twice and [batch, 1, 1]; args as of `gram_matrix`."""
    features, counts = _positions(activation), _counts(activation, mask)
    return [_sum(counts * features), _sum(counts * tf.square(features)), _sum(counts)]


def _moments_value(sums: Sums, random: tf.Tensor | None = None) -> list[tf.Tensor]:
    """Mean and deviation of each channel, as in adaptive instance normalization (arXiv 1703.06868): [b, 2, c]."""
    total, squares, count = sums
    mean = total / (count + SMALL)
    variance = tf.maximum(squares / (count + SMALL) - tf.square(mean), 0)
    return [tf.concat([mean, tf.sqrt(variance + SMALL)], axis=1)]


def sample_features(
    activation: tf.Tensor,
    mask: tf.Tensor | None,
    seed: tf.Tensor,
    rows: int = ROWS,
    first: tf.Tensor | None = None,
    whole: tf.Tensor | None = None,
) -> Sums:
    """Samples the features of `rows` positions, each as often as it counts: [features], [1, rows, channels].

    Samples are stratified: the positions in their order are cut into `rows` parts of equal count, one is drawn of each.

    Args:
        activation, mask: as of `gram_matrix`.
        seed: draws the positions, int64.
        first: where the activation is that of a part of a picture, row and column of its first position in the whole
            picture, int32 [2]. Samples of other parts are zeros, so the sum over all parts is that of the whole.
        whole: the numbers of positions down and across the whole picture, int32 [2]; `mask` is that of all of them.
    """
    features, shape = _positions(activation)[0], tf.shape(activation)[1:3]
    chosen = _sample_positions(shape if whole is None else whole, mask, seed, rows)
    if first is None or whole is None:
        return [tf.gather(features, chosen)[tf.newaxis]]
    places = tf.stack([chosen // whole[1], chosen % whole[1]], axis=-1) - first
    inside = tf.reduce_all((places >= 0) & (places < shape), axis=-1)
    in_part = tf.where(inside, places[:, 0] * shape[1] + places[:, 1], 0)
    return [tf.where(inside[:, tf.newaxis], tf.gather(features, in_part), 0)[tf.newaxis]]


def _sample_positions(size: tf.Tensor, mask: tf.Tensor | None, seed: tf.Tensor, rows: int) -> tf.Tensor:
    """Draws `rows` of the positions of an activation with so many down and across, in their order, int32 [rows]."""
    inside = tf.random.stateless_uniform([rows], [_SAMPLES, seed])
    shares = (tf.range(rows, dtype=tf.float32) + inside) / rows
    count = size[0] * size[1]
    if mask is None:
        chosen = tf.cast(shares * tf.cast(count, tf.float32), tf.int32)
    else:
        counted = tf.cumsum(tf.cast(tf.reshape(mask, [-1]), tf.float32))
        chosen = tf.searchsorted(counted, shares * counted[-1], side="right")
    return tf.minimum(chosen, count - 1)


def sorted_projections(sums: Sums, seed: tf.Tensor) -> tf.Tensor:
    """Projects sampled features on as many random directions as there are channels, and sorts: [1, channels, ROWS].

    The mean squared difference of two such tables estimates the sliced Wasserstein distance of the distributions that
    their rows were sampled from (Heitz et al., arXiv 2006.07229).
    """
    (features,) = sums
    channels = features.shape[-1]
    directions = tf.random.stateless_normal([channels, channels], [_DIRECTIONS, seed], dtype=features.dtype)
    projections = tf.matmul(features, tf.linalg.normalize(directions, axis=0)[0])
    return tf.sort(tf.linalg.matrix_transpose(projections), axis=-1)


def _blend_samples(parts: Sequence[tuple[float, Sums]]) -> Sums:
    """Takes from each painting as many rows as its share."""
    rows = parts[0][1][0].shape[1]
    ends = [round(rows * sum(weight for weight, _ in parts[: number + 1])) for number in range(len(parts))]
    order = tf.argsort(tf.random.stateless_uniform([rows], [_SAMPLES, 0]))
    shuffled = [tf.gather(features[0], order) for _, (features,) in parts]
    pieces = [rows[begin:end] for rows, begin, end in zip(shuffled, [0, *ends], ends, strict=False)]
    return [tf.concat(pieces, axis=0)[tf.newaxis]]


def transport_error(found: Sequence[tf.Tensor], wanted: Sequence[tf.Tensor]) -> tf.Tensor:
    """What it costs to turn features x of a picture into features y of the painting, [1, rows, channels] each:

        max(mean_x min_y d(x, y), mean_y min_x d(x, y)) + 1/2 (|m_x - m_y| / |m_y| + |v_x - v_y| / |v_y|)
        d(x, y) = 1 - cos(x - m_y, y - m_y)

    m are means, v variances, and |.| the sum over channels. The first part bounds the cost of optimal transport from
    below; it leaves lengths out, which the second part compares. Source: Kolkin, Salavon and Shakhnarovich 2019 (arXiv
    1904.12785), with variances in place of their covariances.
    """
    x, y = found[0][0], wanted[0][0]
    (mean_x, variance_x), (mean_y, variance_y) = tf.nn.moments(x, 0), tf.nn.moments(y, 0)
    directions = [tf.math.l2_normalize(features - mean_y, axis=-1) for features in (x, y)]
    distances = 1 - tf.matmul(directions[0], directions[1], transpose_b=True)
    of_y, of_x = (tf.reduce_mean(tf.reduce_min(distances, axis=axis)) for axis in (0, 1))
    moments = [
        tf.reduce_sum(tf.abs(one - other)) / (tf.reduce_sum(tf.abs(other)) + SMALL)
        for one, other in ((mean_x, mean_y), (variance_x, variance_y))
    ]
    return tf.maximum(of_x, of_y) + tf.add_n(moments) / 2


def _of_samples(
    rows: int,
    value: Callable[[Sums, tf.Tensor], list[tf.Tensor]],
    error: Callable[[Sequence[tf.Tensor], Sequence[tf.Tensor]], tf.Tensor] | None = None,
) -> Statistic:
    """A statistic of the features of so many positions."""
    return Statistic(partial(sample_features, rows=rows), value, _blend_samples, error, rows)


STATISTICS = {
    "covariance": Statistic(covariance_sums, _covariance_value),
    "gram": Statistic(gram_sums, _gram_value),
    "mean_variance": Statistic(moment_sums, _moments_value),
    "sliced_wasserstein": _of_samples(ROWS, lambda sums, random: [sorted_projections(sums, random)]),
    "transport": _of_samples(PAIRED_ROWS, lambda sums, random: sums, transport_error),
}


def position_stride(style_stride: int | tf.Tensor | None, positions: float | tf.Tensor) -> tf.Tensor:
    """Distance, int32, between the positions at which style is compared in a layer that has so many.

    Neighbouring positions respond alike, so a quarter of them tells nearly as much as all, in half the time.
    """
    positions = tf.cast(positions, tf.float32)
    if style_stride is None:
        style_stride = tf.maximum(2, tf.cast(tf.round(tf.sqrt(positions / ENOUGH)), tf.int32))
    return tf.where(positions < MANY, 1, style_stride)


def subsample(
    activation: tf.Tensor,
    stride: int | tf.Tensor,
    step: tf.Tensor,
    mask: tf.Tensor | None = None,
    first: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Takes a lattice of positions out of an activation and its mask: [1, 1, n, channels] and [1, 1, n].

    Args:
        activation: [1, height, width, channels].
        stride: distance between two positions, down and across.
        step: draws the corner at which the lattice begins, int64.
        mask: [1, height, width], or None.
        first: row and column of the activation's first position in the whole picture, int32 [2]. None: zeros.
    """
    height, width = tf.unstack(tf.shape(activation)[1:3])
    corner = tf.random.stateless_uniform([2], [_CORNER, step], 0, stride, tf.int32)
    down, across = tf.unstack((corner - (0 if first is None else first)) % stride, 2)
    rows, columns = tf.range(down, height, stride), tf.range(across, width, stride)
    places = tf.reshape(rows[:, tf.newaxis] * width + columns, [-1])
    places = tf.stack([tf.zeros_like(places), places], axis=-1)

    def gather(values: tf.Tensor) -> tf.Tensor:
        channels = values.shape[-1]
        rows = tf.gather_nd(tf.reshape(values, [1, -1, channels]), places)  # its gradient is faster than a slice's
        return tf.reshape(rows, [1, 1, -1, channels])

    return gather(activation), None if mask is None else gather(mask[..., tf.newaxis])[..., 0]


def _positions(activation: tf.Tensor) -> tf.Tensor:
    """[batch, height, width, channels] -> [batch, positions, channels]."""
    return tf.reshape(activation, [tf.shape(activation)[0], -1, activation.shape[-1]])


def _counts(activation: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """How often each position counts, [batch, positions, 1]."""
    counts = tf.ones(tf.shape(activation)[:3], activation.dtype) if mask is None else mask
    return tf.reshape(counts, [tf.shape(activation)[0], -1, 1])


def _sum(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(values, axis=1, keepdims=True)


def _products(features: tf.Tensor) -> tf.Tensor:
    """F'F. Its gradient F (D + D') is one product, which takes half the time of the usual two, F D' and F D."""
    products = tf.matmul(tf.stop_gradient(features), features, transpose_a=True)
    transposed = tf.linalg.matrix_transpose(products)
    return products + (transposed - tf.stop_gradient(transposed))
