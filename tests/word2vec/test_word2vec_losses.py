"""The losses of word vectors: windows, means, and what happens at the limits. See test_model for all formulas."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.word2vec import losses


@pytest.mark.parametrize(("length", "window"), [(1, 1), (4, 1), (5, 3), (3, 8)])
def test_window_weights_are_the_expectation_over_all_draws_of_the_reach(length, window):
    inside = np.zeros((length, length + 2 * window))
    for reach in range(1, window + 1):
        for centre in range(length):
            place = centre + window
            inside[centre, place - reach : place] += 1
            inside[centre, place + 1 : place + reach + 1] += 1
    np.testing.assert_allclose(losses.window_weights(length, window), inside / window, rtol=1e-15)


def test_all_neighbours_in_a_full_window_count_the_same():
    expected = [[1, 1, 0, 1, 1, 0, 0], [0, 1, 1, 0, 1, 1, 0], [0, 0, 1, 1, 0, 1, 1]]
    assert losses.window_weights(3, 2, expected=False).tolist() == expected


VECTORS = tf.constant(np.random.default_rng(0).normal(size=(1, 3, 2)))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("weights", "shares"), [([1, 0, 1], [0.5, 0, 0.5]), ([0.5, 1, 0], [1 / 3, 2 / 3, 0])])
def test_the_hidden_vector_of_cbow_is_a_weighted_mean(weights, shares, exact):
    hidden = losses.context_mean(VECTORS, tf.constant([[weights]], tf.float64), exact)
    np.testing.assert_allclose(hidden[0, 0], shares @ VECTORS[0].numpy(), rtol=1e-14)


@pytest.mark.parametrize("exact", [False, True])
def test_a_word_without_neighbours_has_no_hidden_vector_and_no_gradient(exact):
    with tf.GradientTape() as tape:
        tape.watch(VECTORS)
        hidden = losses.context_mean(VECTORS, tf.zeros([1, 1, 3], tf.float64), exact)
    assert not np.any(hidden)
    assert not np.any(tape.gradient(hidden, VECTORS))


ONE = tf.ones([1, 1, 1])
LIMITS = {
    "negative_sampling": lambda score: losses.negative_sampling(score, ONE, -score, 1),
    "nce": lambda score: losses.nce(score, ONE, -score, 1, ONE, ONE),
    "sampled_softmax": lambda score: losses.sampled_softmax(score, ONE, -score, ONE, ONE),
    "softmax": lambda score: losses.softmax(score, ONE, tf.concat([score, -score], axis=-1)),
    "shared nodes": lambda score: losses.shared_nodes(score, ONE, ONE),
    "deep nodes": lambda score: losses.deep_nodes(ONE, ONE, score, tf.ones([1, 1]), tf.zeros([1, 1], tf.int32)),
}


@pytest.mark.parametrize("score", [-1e4, 1e4])
@pytest.mark.parametrize("loss", LIMITS)
def test_a_score_of_any_size_leaves_loss_and_gradient_finite(loss, score):
    """-log sigmoid(-x) is x for large x, though its sigmoid is 0 in floating point."""
    score = tf.fill([1, 1, 1], score)
    with tf.GradientTape() as tape:
        tape.watch(score)
        value = LIMITS[loss](score)
    assert 0 <= float(value) < 1e5
    assert np.all(np.isfinite(tape.gradient(value, score)))
