"""The losses of word vectors against loops over all pairs, draws of the window, and finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.word2vec.losses import negative_loss, positive_loss, window_weights

RANDOM = np.random.default_rng(0)
CENTRES = RANDOM.normal(size=(2, 3, 4))
CONTEXTS = RANDOM.normal(size=(2, 7, 4))
PAIRS = RANDOM.uniform(size=(2, 3, 7))
MEETINGS = RANDOM.uniform(size=(2, 3))


@pytest.mark.parametrize(("length", "window"), [(1, 1), (4, 1), (5, 3), (3, 8)])
def test_window_weights_are_the_expectation_over_all_draws_of_the_reach(length, window):
    inside = np.zeros((length, length + 2 * window))
    for reach in range(1, window + 1):
        for centre in range(length):
            place = centre + window
            inside[centre, place - reach : place] += 1
            inside[centre, place + 1 : place + reach + 1] += 1
    np.testing.assert_allclose(window_weights(length, window), inside / window, rtol=1e-6)


def minus_log_sigmoid(x):
    return np.logaddexp(0, -x)


def test_the_positive_loss_is_the_sum_over_all_pairs():
    expected = sum(
        PAIRS[b, t, s] * minus_log_sigmoid(CENTRES[b, t] @ CONTEXTS[b, s]) for b, t, s in np.ndindex(PAIRS.shape)
    )
    assert float(positive_loss(CENTRES, CONTEXTS, PAIRS)) == pytest.approx(expected, rel=1e-12)


def test_the_negative_loss_is_the_sum_over_all_meetings():
    expected = sum(
        MEETINGS[b, t] * minus_log_sigmoid(-CENTRES[b, t] @ CONTEXTS[b, s]) for b, t, s in np.ndindex(PAIRS.shape)
    )
    assert float(negative_loss(CENTRES, CONTEXTS, MEETINGS)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("loss", [positive_loss, negative_loss])
def test_gradients_are_those_of_finite_differences(loss):
    weights = PAIRS if loss is positive_loss else MEETINGS
    analytic, numeric = tf.test.compute_gradient(
        lambda centres, others: loss(centres, others, weights),
        [tf.constant(CENTRES), tf.constant(CONTEXTS)],
        delta=1e-5,
    )
    for closed, estimated in zip(analytic, numeric, strict=True):
        np.testing.assert_allclose(closed, estimated, atol=1e-8)


@pytest.mark.parametrize(("loss", "sign"), [(positive_loss, -1), (negative_loss, 1)])
def test_a_product_of_any_size_leaves_the_loss_finite(loss, sign):
    """-log sigmoid(-x) is x for large x, though its sigmoid is 0 in floating point."""
    centres, others = tf.constant([[[1.0]]]), tf.constant([[[sign * 1e4]]])
    weights = tf.ones([1, 1, 1] if loss is positive_loss else [1, 1])
    assert float(loss(centres, others, weights)) == pytest.approx(1e4)
