"""Losses of pairs besides the softmax: closed forms in numpy, finite differences, sums of probabilities."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.word2vec.pairs.losses import HierarchicalSoftmax, NegativeSampling, make_output
from tfgraphs.word2vec.pairs.model import PairModel, pair_loss
from tfgraphs.word2vec.pairs.pair_format import LOSSES, PairSettings, pair_vocabulary, parse_pairs
from tfgraphs.word2vec.settings import CorpusError

PAIRS = parse_pairs("a|b, a^c|b^d^d, b|a, b|e, e|b")  # b is the most frequent word
VOCABULARY = pair_vocabulary(PAIRS)
RANDOM = np.random.default_rng(0)
HIDDEN = RANDOM.normal(size=3)
OUTPUTS = RANDOM.normal(size=(5, 3))
TARGETS, COUNTS = tf.constant([1, 3]), tf.constant([1.0, 2.0], tf.float64)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def value(output, outputs=OUTPUTS, step=4):
    outputs = tf.constant(outputs[: output.rows])
    return output.loss(outputs, tf.constant(HIDDEN), TARGETS, COUNTS, tf.constant(step, tf.int64))


def test_negative_sampling_is_the_sum_over_targets_and_their_noise_words():
    output = NegativeSampling(VOCABULARY, PairSettings(negatives=3))
    noise = output.noise(TARGETS, tf.constant(4, tf.int64)).numpy().reshape(2, 3)
    scores = OUTPUTS @ HIDDEN
    expected = 0.0
    for target, count, words in zip((1, 3), (1, 2), noise, strict=True):
        expected -= count * np.log(sigmoid(scores[target]))
        expected -= count * sum(np.log(sigmoid(-scores[word])) for word in words if word not in (1, 3))
    assert float(value(output)) == pytest.approx(expected, rel=1e-12)


def test_noise_words_are_drawn_by_the_three_quarters_power_of_their_counts():
    output = NegativeSampling(VOCABULARY, PairSettings(negatives=500))
    drawn = np.concatenate([output.noise(TARGETS, tf.constant(step, tf.int64)) for step in range(40)])
    powers = VOCABULARY.counts**0.75
    np.testing.assert_allclose(np.bincount(drawn) / len(drawn), powers / powers.sum(), atol=0.01)


def test_noise_words_depend_on_the_state_and_on_the_step_only():
    def noise(state, step):
        settings = PairSettings(random_state=state, negatives=50)
        return NegativeSampling(VOCABULARY, settings).noise(TARGETS, tf.constant(step, tf.int64)).numpy().tolist()

    assert noise(1, 3) == noise(1, 3)
    assert noise(1, 3) != noise(2, 3)
    assert noise(1, 3) != noise(1, 4)


def test_the_tree_gives_each_word_the_product_of_the_decisions_on_its_way():
    output = HierarchicalSoftmax(VOCABULARY)
    scores = OUTPUTS[: output.rows] @ HIDDEN
    expected = [
        np.prod([sigmoid(sign * scores[node]) for node, sign in zip(nodes, signs, strict=True) if sign])
        for nodes, signs in zip(output.paths, output.signs, strict=True)
    ]
    found = output.probabilities(tf.constant(OUTPUTS[: output.rows]), tf.constant(HIDDEN)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found.sum() == pytest.approx(1, rel=1e-12)
    lengths = (output.signs != 0).sum(axis=1)
    assert lengths[VOCABULARY.index["b"]] == lengths.min() < lengths.max()


@pytest.mark.parametrize("loss", ["softmax", "hierarchical_softmax"])
def test_the_loss_is_that_of_the_probabilities(loss):
    output = make_output(VOCABULARY, PairSettings(loss=loss))
    chances = output.probabilities(tf.constant(OUTPUTS[: output.rows]), tf.constant(HIDDEN)).numpy()
    assert float(value(output)) == pytest.approx(-np.log(chances[1]) - 2 * np.log(chances[3]), rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_finite_differences(loss):
    output = make_output(VOCABULARY, PairSettings(loss=loss))
    arguments = [tf.constant(OUTPUTS[: output.rows]), tf.constant(HIDDEN)]
    analytic, numeric = tf.test.compute_gradient(
        lambda outputs, hidden: output.loss(outputs, hidden, TARGETS, COUNTS, tf.constant(4, tf.int64)),
        arguments,
        delta=1e-5,
    )
    for closed, estimated in zip(analytic, numeric, strict=True):
        np.testing.assert_allclose(closed, estimated, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_model_predicts_from_the_mean_of_a_context(loss):
    model = PairModel(VOCABULARY, PairSettings(3, loss=loss))
    hidden, chances = model.predict(tf.constant([0.5, 0, 0.5, 0, 0], tf.float64))
    np.testing.assert_allclose(hidden, model.inputs.numpy()[[0, 2]].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(chances, model.output.probabilities(model.outputs, hidden), rtol=1e-12)
    expected = model.output.loss(model.outputs, hidden, TARGETS, COUNTS, tf.constant(1, tf.int64))  # a^c|b^d^d
    assert float(pair_loss(model, PAIRS)(tf.constant(1, tf.int64))) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_vocabulary_of_one_word_can_be_trained_on(loss):
    pairs = parse_pairs("a|a")
    model = PairModel(pair_vocabulary(pairs), PairSettings(loss=loss))
    assert np.isfinite(float(pair_loss(model, pairs)(tf.constant(0, tf.int64))))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "nce"}, "loss is 'nce': choose one of softmax, negative_sampling, hierarchical_softmax"),
        ({"loss": "negative_sampling", "compat": "wevi"}, "compat is for the loss softmax"),
        ({"loss": "hierarchical_softmax", "tied": True}, "tied is not for hierarchical_softmax"),
        ({"negatives": 0}, "negatives is 0"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, message):
    with pytest.raises(CorpusError, match=message):
        PairSettings(**settings)
