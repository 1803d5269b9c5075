"""Statistics of activations: sums over positions, parts of pictures, several paintings, distributions."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.neural_style.statistics import (
    PAIRED_ROWS,
    ROWS,
    STATISTICS,
    gram_matrix,
    sample_features,
    sorted_projections,
    transport_error,
)

SEED = tf.constant(3, tf.int64)
ADDITIVE = [name for name, statistic in STATISTICS.items() if not statistic.rows]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def statistic_of(name, activation, mask=None):
    statistic = STATISTICS[name]
    return [part.numpy() for part in statistic.value(statistic.sums(tf.constant(activation), mask, SEED), SEED)]


@pytest.mark.parametrize("name", ADDITIVE)
@pytest.mark.parametrize("masked", [False, True])
def test_sums_of_pieces_are_those_of_the_whole(name, masked):
    statistic, activation = STATISTICS[name], normal(1, 6, 7, 4)
    mask = tf.constant(np.random.default_rng(1).random((1, 6, 7))) if masked else None
    whole = statistic.sums(tf.constant(activation), mask, SEED)
    pieces = [
        statistic.sums(tf.constant(activation[:, :, part]), None if mask is None else mask[:, :, part], SEED)
        for part in (slice(0, 3), slice(3, 7))
    ]
    for found, one, other in zip(whole, *pieces, strict=True):
        np.testing.assert_allclose(found, one + other, rtol=1e-9)


def test_the_gram_matrix_of_two_paintings_is_the_mean_by_their_shares():
    statistic, pictures = STATISTICS["gram"], [normal(1, 4, 5, 3), normal(1, 6, 3, 3, seed=1)]
    parts = [
        (share, [one / (20 if number == 0 else 18) for one in statistic.sums(tf.constant(picture), None, SEED)])
        for number, (share, picture) in enumerate(zip((0.7, 0.3), pictures, strict=True))
    ]
    expected = 0.7 * gram_matrix(tf.constant(pictures[0])) + 0.3 * gram_matrix(tf.constant(pictures[1]))
    np.testing.assert_allclose(statistic.value(statistic.blend(parts), SEED)[0], expected, rtol=1e-9)


@pytest.mark.parametrize("masked", [False, True])
def test_covariance_and_mean_are_those_of_numpy(masked):
    activation, counts = normal(1, 6, 7, 4) + 3, np.random.default_rng(1).integers(1, 5, (1, 6, 7))
    found = statistic_of("covariance", activation, tf.constant(counts * 1.0) if masked else None)
    features = activation.reshape(-1, 4).repeat(counts.ravel() if masked else 1, axis=0)
    mean = features.mean(axis=0)
    expected = np.cov(features.T, bias=True) + 0.01 * np.outer(mean, mean)
    np.testing.assert_allclose(found[0][0], expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found[1][0, 0], mean, rtol=1e-9)


def test_drawn_features_are_those_of_positions():
    activation = normal(1, 9, 11, 3)
    (rows,) = sample_features(tf.constant(activation), None, SEED)
    assert rows.shape == (1, ROWS, 3)
    assert {tuple(row) for row in rows.numpy()[0]} == {tuple(row) for row in activation.reshape(-1, 3)}


def test_positions_are_drawn_as_often_as_they_count():
    mask = np.zeros((1, 2, 4))
    mask[0, 0] = [1, 0, 2, 1]
    activation = np.arange(8.0).reshape(1, 2, 4, 1)
    (rows,) = sample_features(tf.constant(activation), tf.constant(mask), SEED)
    values, counts = np.unique(rows, return_counts=True)
    assert values.tolist() == [0, 2, 3]
    np.testing.assert_allclose(counts / ROWS, [1 / 4, 1 / 2, 1 / 4], atol=2 / ROWS)


@pytest.mark.parametrize("masked", [False, True])
def test_samples_of_parts_add_up_to_those_of_the_whole(masked):
    activation = normal(1, 9, 11, 3)
    mask = tf.constant(np.random.default_rng(1).random((1, 9, 11))) if masked else None
    (expected,) = sample_features(tf.constant(activation), mask, SEED, 50)
    found = 0.0
    for row, column in [(0, 0), (0, 4), (5, 0), (5, 4)]:
        part = activation[:, row : 9 if row else 5, column : 11 if column else 4]
        found += sample_features(tf.constant(part), mask, SEED, 50, tf.constant([row, column]), tf.constant([9, 11]))[0]
    np.testing.assert_array_equal(found, expected)


def test_slices_are_in_order_and_of_directions_of_length_one():
    """Rows whose second moments are the identity have a mean square of 1 along such a direction, exactly."""
    rows = np.linalg.qr(normal(ROWS, 4))[0] * np.sqrt(ROWS)
    slices = sorted_projections([tf.constant(rows[None])], SEED).numpy()[0]
    assert np.all(np.diff(slices, axis=1) >= 0)
    np.testing.assert_allclose(np.mean(slices**2, axis=1), 1, rtol=1e-9)


def test_slices_do_not_depend_on_the_order_of_positions():
    rows = normal(1, ROWS, 4)
    shuffled = np.random.default_rng(1).permutation(rows, axis=1)
    first, second = (sorted_projections([tf.constant(one)], SEED) for one in (rows, shuffled))
    np.testing.assert_allclose(first, second)


def test_the_distance_of_shifted_distributions_is_the_mean_squared_length_of_the_shift_along_directions():
    """Of random directions in N dimensions, ||shift||^2 / N on average."""
    rows, shift = normal(1, ROWS, 3), np.array([3.0, 0, 0])

    @tf.function
    def distance(seed):
        return tf.reduce_mean(
            (sorted_projections([tf.constant(rows + shift)], seed) - sorted_projections([tf.constant(rows)], seed)) ** 2
        )

    distances = [distance(seed) for seed in tf.range(200, dtype=tf.int64)]
    assert np.mean(distances) == pytest.approx(9 / 3, rel=0.1)


def test_seeds_give_other_directions():
    rows = tf.constant(normal(1, ROWS, 4))
    assert np.abs(sorted_projections([rows], SEED) - sorted_projections([rows], SEED + 1)).max() > 0.01


def test_the_sorted_projections_two_paintings_are_those_of_rows_of_both():
    statistic = STATISTICS["sliced_wasserstein"]
    parts = [
        (0.75, sample_features(tf.fill([1, 3, 3, 2], 1.0), None, SEED)),
        (0.25, sample_features(tf.fill([1, 3, 3, 2], 5.0), None, SEED)),
    ]
    (rows,) = statistic.blend(parts)
    values, counts = np.unique(rows.numpy()[0, :, 0], return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {1.0: ROWS * 3 // 4, 5.0: ROWS // 4}


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_has_a_gradient_by_activations(name):
    activation = tf.constant(normal(1, 5, 6, 3))
    with tf.GradientTape() as tape:
        tape.watch(activation)
        parts = STATISTICS[name].value(STATISTICS[name].sums(activation, None, SEED), SEED)
        value = tf.add_n([tf.reduce_sum(part**2) for part in parts])
    slope = tf.convert_to_tensor(tape.gradient(value, activation)).numpy()
    step, direction = 1e-6, normal(1, 5, 6, 3, seed=2)
    ends = [
        sum(np.sum(part**2) for part in statistic_of(name, activation.numpy() + sign * step * direction))
        for sign in (1, -1)
    ]
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(np.sum(slope * direction), rel=1e-5)


def cosine_distance(one, other):
    return 1 - one @ other / np.linalg.norm(one) / np.linalg.norm(other)


def test_the_error_of_transport_is_that_of_loops():
    x, y = normal(1, 5, 3) + 1, 2 * normal(1, 4, 3, seed=1)
    mean = y[0].mean(axis=0)
    distances = np.array([[cosine_distance(one - mean, other - mean) for other in y[0]] for one in x[0]])
    expected = max(distances.min(axis=0).mean(), distances.min(axis=1).mean())
    for moment in (np.mean, np.var):
        found, wanted = moment(x[0], axis=0), moment(y[0], axis=0)
        expected += np.abs(found - wanted).sum() / np.abs(wanted).sum() / 2
    assert float(transport_error([tf.constant(x)], [tf.constant(y)])) == pytest.approx(expected, rel=1e-9)


def test_transport_compares_samples_of_both_and_costs_nothing_between_equal_ones():
    statistic = STATISTICS["transport"]
    sums = statistic.sums(tf.constant(normal(1, 40, 50, 3)), None, SEED)
    assert sums[0].shape == (1, PAIRED_ROWS, 3)
    value = statistic.value(sums, SEED)
    assert float(statistic.error(value, value)) == pytest.approx(0, abs=1e-9)
    other = statistic.value(statistic.sums(tf.constant(normal(1, 40, 50, 3, seed=5) + 1), None, SEED), SEED)
    with tf.GradientTape() as tape:
        tape.watch(value)
        error = statistic.error(value, other)
    assert float(error) > 0.3
    assert np.isfinite(tape.gradient(error, value[0])).all()
