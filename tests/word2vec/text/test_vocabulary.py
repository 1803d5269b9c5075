"""The vocabulary: which words it has, and in which order."""

import numpy as np
import pytest

from tfgraphs.word2vec.text.vocabulary import UNKNOWN, Vocabulary, most_frequent

WORDS, COUNTS = ["e", "b", "a", "d", "c"], np.array([1, 2, 3, 2, 1])


@pytest.mark.parametrize(
    ("min_count", "max_words", "words", "counts"),
    [
        (1, None, ["a", "b", "d", "c", "e"], [3, 2, 2, 1, 1]),
        (2, None, ["a", "b", "d"], [3, 2, 2]),
        (3, None, ["a"], [3]),
        (4, None, [], []),
        (1, 2, ["a", "b"], [3, 2]),
    ],
)
def test_frequent_words_are_kept_with_their_counts_most_frequent_first(min_count, max_words, words, counts):
    kept, _ = most_frequent(WORDS, COUNTS, min_count, max_words)
    assert (kept.words, kept.counts.tolist()) == (words, counts)


def test_the_number_of_each_word_in_the_vocabulary_is_returned():
    _, places = most_frequent(WORDS, COUNTS, 2)
    assert places.tolist() == [UNKNOWN, 1, 0, 2, UNKNOWN]


def test_the_order_of_equal_counts_does_not_depend_on_the_text():
    assert most_frequent(WORDS, COUNTS, 1)[0].words == most_frequent(WORDS[::-1], COUNTS[::-1], 1)[0].words


def test_the_index_is_the_place_in_the_list():
    assert Vocabulary(["a", "b"], np.array([2, 1])).index == {"a": 0, "b": 1}
