"""Noise words are drawn as they should be."""

import numpy as np
import pytest

from tfgraphs.word2vec.noise import noise_chances, noise_table
from tfgraphs.word2vec.vocabulary import Vocabulary

COUNTS = np.array([1000, 400, 90, 16, 1])
VOCABULARY = Vocabulary(list("abcde"), COUNTS)


@pytest.mark.parametrize("exponent", [0.75, 0, 1, -0.5])
def test_unigram_chances_are_powers_of_the_counts(exponent):
    chances = noise_chances(VOCABULARY, "unigram", exponent)
    np.testing.assert_allclose(chances / chances[0], (COUNTS / 1000.0) ** exponent)
    assert chances.sum() == pytest.approx(1)


def test_log_uniform_chances_are_those_of_ranks():
    expected = np.log((np.arange(5) + 2) / (np.arange(5) + 1)) / np.log(6)
    np.testing.assert_allclose(noise_chances(VOCABULARY, "log_uniform", 0.75), expected)


@pytest.mark.parametrize("distribution", ["unigram", "log_uniform"])
def test_draws_from_the_table_follow_the_chances(distribution):
    """Chi-squared with four degrees of freedom: above 18.5 once in a thousand times."""
    chances = noise_chances(VOCABULARY, distribution, 0.75)
    table = noise_table(chances)
    draws = np.bincount(np.random.default_rng(0).choice(table, 20_000), minlength=5)
    assert ((draws - 20_000 * chances) ** 2 / (20_000 * chances)).sum() < 18.5


def test_a_large_vocabulary_has_a_place_for_its_middling_words():
    chances = noise_chances(Vocabulary([], np.arange(400_000, 0, -1)), "unigram", 0.75)
    assert len(np.unique(noise_table(chances))) > 390_000
