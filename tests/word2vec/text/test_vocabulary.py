"""The vocabulary: which words it has, and in which order; word numbers on the disk, read and changed in parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.word2vec.text import vocabulary
from tfgraphs.word2vec.text.vocabulary import (
    SENTENCE_END,
    UNKNOWN,
    NumberFile,
    Vocabulary,
    most_frequent,
    renumber,
    write_numbers,
)

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


SENTENCES = st.lists(st.lists(st.integers(-2, 9).filter(lambda number: number != SENTENCE_END), max_size=4))


def flat(sentences):
    return [number for sentence in sentences for number in [*sentence, SENTENCE_END]]


@pytest.fixture(params=[1, 3, 1000], ids="{} at a time".format)
def file(request, tmp_path, monkeypatch):
    monkeypatch.setattr(vocabulary, "_CHUNK", request.param)
    return NumberFile(tmp_path / "numbers")


def fill(file, numbers):
    with file.path.open("wb") as output:
        write_numbers(np.array(numbers, np.int32), output)


def content(file):
    return np.fromfile(file.path, "<i4").tolist()


def ignore(share):
    """Reports to nobody."""


NUMBERS = flat([[1, 2], [], [3], [4, 5, -2, 6]])


def test_parts_are_whole_sentences_and_complete(file):
    fill(file, NUMBERS)
    parts = [part.tolist() for part in file.sentences(ignore)]
    assert [number for part in parts for number in part] == NUMBERS
    assert {part[-1] for part in parts if part} == {SENTENCE_END}


def test_a_change_is_made_in_place(file):
    fill(file, NUMBERS)
    file.rewrite(lambda numbers: numbers[numbers != 3] * 2 + (numbers[numbers != 3] < 0), ignore)
    assert content(file) == flat([[2, 4], [], [], [8, 10, -3, 12]])


@given(SENTENCES)
def test_a_rewritten_file_has_no_rest_of_the_longer_text(tmp_path_factory, sentences):
    file = NumberFile(tmp_path_factory.mktemp("numbers") / "numbers")
    fill(file, flat(sentences))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "_CHUNK", 3)
        file.rewrite(lambda numbers: numbers[numbers < 5], ignore)
    assert content(file) == [number for number in flat(sentences) if number < 5]


def test_its_length_is_that_of_the_text(file):
    fill(file, NUMBERS)
    assert len(file) == len(NUMBERS)


def test_progress_goes_from_nothing_to_all(file):
    fill(file, NUMBERS)
    shares = []
    list(file.sentences(shares.append))
    assert (shares[0], shares[-1]) == (0, 1)
    assert shares == sorted(shares)


@given(st.lists(st.lists(st.integers(-2, 5).filter(lambda number: number != SENTENCE_END))))
def test_renumbering_drops_unknown_words_and_then_empty_sentences(sentences):
    table = np.array([3, UNKNOWN, 0, UNKNOWN, 1, 2], np.int32)
    numbers = np.array([number for sentence in sentences for number in [*sentence, SENTENCE_END]], np.int32)
    known = [[table[number] for number in sentence if number in (0, 2, 4, 5)] for sentence in sentences]
    expected = [number for sentence in known if sentence for number in [*sentence, SENTENCE_END]]
    assert renumber(numbers, table).tolist() == expected
