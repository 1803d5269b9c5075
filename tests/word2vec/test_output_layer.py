"""Losses of scores of any size. See test_model for all formulas."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.word2vec.hierarchical_softmax import deep_nodes, own_nodes, shared_nodes
from tfgraphs.word2vec.negative_sampling import negative_sampling, sampled_softmax
from tfgraphs.word2vec.output_layer import softmax

ONE = tf.ones([1, 1, 1])
LIMITS = {
    "negative_sampling": lambda score: negative_sampling(score, ONE, -score, ONE),
    "sampled_softmax": lambda score: sampled_softmax(score, ONE, -score),
    "softmax": lambda score: softmax(score, ONE, tf.concat([score, -score], axis=-1)),
    "shared nodes": lambda score: shared_nodes(score, ONE, ONE),
    "deep nodes": lambda score: deep_nodes(ONE, ONE, score, tf.ones([1, 1]), tf.zeros([1, 1], tf.int32)),
    "own nodes": lambda score: own_nodes(ONE, ONE, score, tf.ones([1, 1]), tf.zeros([1, 1], tf.int32)),
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
