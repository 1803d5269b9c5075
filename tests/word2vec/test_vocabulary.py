"""Words and counts, subsampling and the table of noise words."""

import numpy as np
import pytest

from tfgraphs.word2vec.vocabulary import Vocabulary, count_words

SENTENCES = [["b", "a", "c"], ["a", "b", "d"], ["a", "e", "d"]]


def vocabulary(*counts):
    return Vocabulary([f"w{number}" for number in range(len(counts))], np.array(counts, np.int64))


@pytest.mark.parametrize(
    ("min_count", "words", "counts"),
    [
        (1, ["a", "b", "d", "c", "e"], [3, 2, 2, 1, 1]),
        (2, ["a", "b", "d"], [3, 2, 2]),
        (3, ["a"], [3]),
        (4, [], []),
    ],
)
def test_frequent_words_are_kept_with_their_counts_most_frequent_first(min_count, words, counts):
    counted = count_words(SENTENCES, min_count)
    assert (counted.words, counted.counts.tolist()) == (words, counts)


def test_the_order_of_equal_counts_does_not_depend_on_the_text():
    assert count_words(SENTENCES, 1).words == count_words(reversed(SENTENCES), 1).words


def test_the_index_is_the_place_in_the_list():
    assert count_words(SENTENCES, 2).index == {"a": 0, "b": 1, "d": 2}


@pytest.mark.parametrize(
    ("counts", "threshold", "kept"),
    [
        ((100, 900), 0.001, [0.11, np.sqrt(1 / 900) + 1 / 900]),
        ((10, 90), 0.09, [1, np.sqrt(0.1) + 0.1]),
        ((1, 1), 0.5, [1, 1]),
        ((1, 10**9), 0, [1, 1]),
    ],
)
def test_words_survive_subsampling_by_the_root_of_threshold_over_share_and_that_ratio(counts, threshold, kept):
    np.testing.assert_allclose(vocabulary(*counts).keep_probabilities(threshold), kept, rtol=1e-12)


@pytest.mark.parametrize("exponent", [0.0, 0.75, 1.0])
def test_words_stand_in_the_noise_table_in_proportion_to_a_power_of_their_count(exponent):
    counts = np.array([1000, 500, 20, 20, 3, 1])
    table = vocabulary(*counts).noise_table(exponent, 100_000)
    shares = counts**exponent / np.sum(counts**exponent)
    np.testing.assert_allclose(np.bincount(table, minlength=6) / len(table), shares, atol=1e-3)


def test_no_place_of_a_long_noise_table_is_outside_the_vocabulary():
    counts = np.random.default_rng(0).integers(1, 10**6, 5000)
    table = vocabulary(*counts).noise_table(0.75, 1 << 20)
    assert (table.min(), table.max()) == (0, 4999)
