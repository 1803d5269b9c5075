"""Windows of skip-gram and CBOW, and the mean of CBOW."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.word2vec.model import context_mean, window_weights


@pytest.mark.parametrize(("length", "window"), [(1, 1), (4, 1), (5, 3), (3, 8)])
def test_window_weights_are_the_expectation_over_all_draws_of_the_reach(length, window):
    inside = np.zeros((length, length + 2 * window))
    for reach in range(1, window + 1):
        for centre in range(length):
            place = centre + window
            inside[centre, place - reach : place] += 1
            inside[centre, place + 1 : place + reach + 1] += 1
    np.testing.assert_allclose(window_weights(length, window), inside / window, rtol=1e-15)


def test_all_neighbours_in_a_full_window_count_the_same():
    expected = [[1, 1, 0, 1, 1, 0, 0], [0, 1, 1, 0, 1, 1, 0], [0, 0, 1, 1, 0, 1, 1]]
    assert window_weights(3, 2, expected=False).tolist() == expected


VECTORS = tf.constant(np.random.default_rng(0).normal(size=(1, 3, 2)))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("weights", "shares"), [([1, 0, 1], [0.5, 0, 0.5]), ([0.5, 1, 0], [1 / 3, 2 / 3, 0])])
def test_the_hidden_vector_of_cbow_is_a_weighted_mean(weights, shares, exact):
    hidden = context_mean(VECTORS, tf.constant([[weights]], tf.float64), exact)
    np.testing.assert_allclose(hidden[0, 0], shares @ VECTORS[0].numpy(), rtol=1e-14)


@pytest.mark.parametrize("exact", [False, True])
def test_a_word_without_neighbours_has_no_hidden_vector_and_no_gradient(exact):
    with tf.GradientTape() as tape:
        tape.watch(VECTORS)
        hidden = context_mean(VECTORS, tf.zeros([1, 1, 3], tf.float64), exact)
    assert not np.any(hidden)
    assert not np.any(tape.gradient(hidden, VECTORS))
