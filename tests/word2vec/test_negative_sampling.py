"""Noise words: their probabilities, the table that stands for them, and what is drawn."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.word2vec import Vocabulary
from tfgraphs.word2vec.negative_sampling import Sampled, noise_probabilities, noise_table
from tfgraphs.word2vec.output_layer import Draw
from tfgraphs.word2vec.settings import TrainingSettings

COUNTS = 3000 // np.arange(1, 41)


def vocabulary(counts=COUNTS):
    return Vocabulary([f"w{number}" for number in range(len(counts))], np.array(counts, np.int64))


def log_uniform(words):
    return np.array([np.log((rank + 2) / (rank + 1)) for rank in range(words)]) / np.log(words + 1)


@pytest.mark.parametrize(
    ("distribution", "exponent", "expected"),
    [
        ("unigram", 0.75, COUNTS**0.75 / np.sum(COUNTS**0.75)),
        ("unigram", 1.0, COUNTS / np.sum(COUNTS)),
        ("unigram", 0.0, np.full(40, 1 / 40)),
        ("unigram", -0.5, COUNTS**-0.5 / np.sum(COUNTS**-0.5)),
        ("log_uniform", 0.75, log_uniform(40)),
    ],
)
def test_probabilities_are_those_of_the_formula(distribution, exponent, expected):
    np.testing.assert_allclose(noise_probabilities(vocabulary(), distribution, exponent), expected, rtol=1e-12)


@pytest.mark.parametrize("distribution", ["unigram", "log_uniform"])
@pytest.mark.parametrize("counts", [[9, 1], COUNTS, [10**12, 1, 1]], ids=["two", "many", "far apart"])
def test_probabilities_add_up_to_one(distribution, counts):
    assert noise_probabilities(vocabulary(counts), distribution, 0.75).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("exponent", [200.0, -200.0])
def test_an_extreme_exponent_leaves_probabilities(exponent):
    chances = noise_probabilities(vocabulary([10**6, 10**3, 1]), "unigram", exponent)
    np.testing.assert_allclose(chances, [1, 0, 0] if exponent > 0 else [0, 0, 1], atol=1e-12)


def test_words_stand_in_the_table_in_proportion_to_their_chances():
    chances = noise_probabilities(vocabulary(), "unigram", 0.75)
    table = noise_table(chances)
    assert np.abs(np.bincount(table, minlength=40) - chances * len(table)).max() <= 1


def test_no_place_of_a_long_table_is_outside_the_vocabulary():
    table = noise_table(np.random.default_rng(0).uniform(size=200_000))
    assert (table.min(), table.max()) == (0, 199_999)


@pytest.mark.parametrize(
    ("noise", "expected"), [("unigram", COUNTS**0.75 / np.sum(COUNTS**0.75)), ("log_uniform", log_uniform(40))]
)
def test_all_parts_of_a_step_draw_each_word_as_often_as_its_chance_says(noise, expected):
    layer = Sampled(vocabulary(), TrainingSettings(noise=noise, shared_negatives=500), np.full(40, 1 / 40), 100)
    parts = [layer.lookup(tf.zeros([8, 3], tf.int32), Draw(0, 5, part, 3))[0][1] for part in range(3)]
    counts = np.bincount(np.ravel(parts), minlength=40)
    assert counts.sum() == 3 * 2 * 500
    assert np.abs(counts - expected * counts.sum()).max() < 2


def test_each_draw_follows_the_distribution():
    """Pearson's statistic with 39 degrees of freedom is 39 on average, with a deviation of 9; 90 is out of reach."""
    layer = Sampled(vocabulary(), TrainingSettings(shared_negatives=3), np.full(40, 1 / 40), 100)
    drawn = [layer.lookup(tf.zeros([8, 3], tf.int32), Draw(0, step, 1, 2))[0][1][1, 2] for step in range(3000)]
    expected = COUNTS**0.75 / np.sum(COUNTS**0.75) * 3000
    assert np.sum((np.bincount(drawn, minlength=40) - expected) ** 2 / expected) < 90
