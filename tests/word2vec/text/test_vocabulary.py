"""Words and counts, subsampling, the table of noise words, and counting in little memory."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.word2vec.text.vocabulary import (
    SENTENCE_END,
    UNKNOWN,
    Vocabulary,
    WordTable,
    highest_dropped,
    most_frequent,
    renumbered,
)

WORDS, COUNTS = ["e", "b", "a", "d", "c"], np.array([1, 2, 3, 2, 1])


def vocabulary(*counts):
    return Vocabulary([f"w{number}" for number in range(len(counts))], np.array(counts, np.int64))


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


def test_the_place_of_each_word_in_the_vocabulary_is_told():
    _, places = most_frequent(WORDS, COUNTS, 2)
    assert places.tolist() == [UNKNOWN, 1, 0, 2, UNKNOWN]


def test_the_order_of_equal_counts_does_not_depend_on_the_text():
    assert most_frequent(WORDS, COUNTS, 1)[0].words == most_frequent(WORDS[::-1], COUNTS[::-1], 1)[0].words


def test_the_index_is_the_place_in_the_list():
    assert Vocabulary(["a", "b"], np.array([2, 1])).index == {"a": 0, "b": 1}


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


def add(table, words):
    counted = Counter(words)
    numbers = table.add(list(counted), np.array(list(counted.values()), np.int64))
    return dict(zip(counted, numbers.tolist(), strict=True))


@given(st.lists(st.lists(st.sampled_from("abcdefgh"))))
def test_counts_of_parts_add_up_and_words_keep_their_numbers(parts):
    table, numbers = WordTable(1 << 30), {}
    for part in parts:
        for word, number in add(table, part).items():
            assert numbers.setdefault(word, number) == number
    kept, places = table.vocabulary(1)
    assert dict(zip(kept.words, kept.counts.tolist(), strict=True)) == Counter(word for part in parts for word in part)
    assert {word: kept.words[places[number]] for word, number in numbers.items()} == {word: word for word in numbers}


def pruned_table():
    """Ten words that come again and again, and many that come once."""
    table = WordTable(1 << 20)
    for part in range(40):
        add(table, [f"w{number}" for number in range(10) for _ in range(5)] + [f"{part} {n}" for n in range(1000)])
    return table


def test_counting_in_little_memory_forgets_rare_words_and_says_so():
    table = pruned_table()
    assert (table.pruned, len(table.vocabulary(1)[0].words) < 9000) == (True, True)


def test_counting_in_little_memory_keeps_frequent_words_with_their_counts():
    kept, _ = pruned_table().vocabulary(2)
    assert dict(zip(kept.words, kept.counts.tolist(), strict=True)) == {f"w{number}": 200 for number in range(10)}


def test_a_table_within_its_memory_forgets_nothing():
    table = WordTable(1 << 30)
    add(table, map(str, range(10_000)))
    assert (table.pruned, len(table.vocabulary(1)[0].words)) == (False, 10_000)


def test_the_number_of_a_forgotten_word_has_no_place():
    table = WordTable(1 << 20)
    numbers = add(table, [f"rare {number}" for number in range(20_000)])
    _, places = table.vocabulary(1)
    assert set(places[list(numbers.values())]) == {UNKNOWN}


@given(st.lists(st.integers(1, 9), min_size=1), st.integers(0, 20))
def test_the_highest_count_to_drop_is_the_lowest_that_leaves_few_enough(counts, kept):
    counts = np.array(counts)
    dropped = highest_dropped(counts, kept)
    assert np.count_nonzero(counts > dropped) <= kept
    assert dropped == 0 or np.count_nonzero(counts >= dropped) > kept


@given(st.lists(st.lists(st.integers(-2, 5).filter(lambda number: number != SENTENCE_END))))
def test_renumbering_drops_unknown_words_and_then_empty_sentences(sentences):
    places = np.array([3, UNKNOWN, 0, UNKNOWN, 1, 2], np.int32)
    numbers = np.array([number for sentence in sentences for number in [*sentence, SENTENCE_END]], np.int32)
    known = [[places[number] for number in sentence if number in (0, 2, 4, 5)] for sentence in sentences]
    expected = [number for sentence in known if sentence for number in [*sentence, SENTENCE_END]]
    assert renumbered(numbers, places).tolist() == expected
