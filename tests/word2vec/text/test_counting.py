"""Counting: blocks as numbers that stand for their words, and a table that may have little memory."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.word2vec.text import counting
from tfgraphs.word2vec.text.counting import WordTable, count_words, highest_dropped
from tfgraphs.word2vec.text.tokenizers import tokenizer
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END, UNKNOWN

LINES = st.lists(st.lists(st.sampled_from(["the", "The", "naïve", "Naïve–but", "–", "é", "É–é", "42", "but"])))


def words_of(block):
    return [block.words[number] if number != SENTENCE_END else "\n" for number in block.numbers]


@given(LINES)
def test_numbers_stand_for_the_words_in_their_order(lines):
    block = count_words(tokenizer("unicode", True), "".join(" ".join(line) + "\n" for line in lines).encode())
    cleaned = [" ".join(line).lower().replace("–", " ").replace("42", "").split() for line in lines]
    assert words_of(block) == [word for line in cleaned for word in [*line, "\n"]]


@given(LINES)
def test_each_word_is_listed_once_with_its_count(lines):
    block = count_words(tokenizer("unicode", True), "".join(" ".join(line) + "\n" for line in lines).encode())
    assert len(set(block.words)) == len(block.words)
    assert block.counts.tolist() == [words_of(block).count(word) for word in block.words]


def test_the_size_of_pieces_does_not_change_the_result(monkeypatch):
    text = "Füße über\nden Fluß.\n\n".encode() * 50
    whole = words_of(count_words(tokenizer("unicode", True), text))
    monkeypatch.setattr(counting, "_PIECE", 7)
    assert words_of(count_words(tokenizer("unicode", True), text)) == whole


@pytest.mark.parametrize("name", ["letters", "whitespace", "unicode"])
@pytest.mark.parametrize(
    ("text", "bad"),
    [
        (b"fine\n", 0),
        ("grün \ufffd\n".encode(), 0),
        (b"\xff\xfe\n", 2),
        (b"gr\xfcn\n\xe4\xf6\n", 3),
        (b"\xe4\xba\n", 1),
    ],
)
def test_sequences_that_are_not_utf8_are_counted(name, text, bad):
    assert count_words(tokenizer(name, True), text).bad_bytes == bad


def test_numbers_are_of_32_bits():
    assert count_words(tokenizer("letters", True), b"a b\n").numbers.dtype == np.int32


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


def test_counting_in_little_memory_forgets_rare_words_and_is_marked_as_pruned():
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
