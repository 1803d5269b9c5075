"""Rows by words, in memory and in files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.vectors.lexicon import Lexicon, PackedWords, fold, folded_order

words = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=5)
nearly_words = st.text("aAbBsSß_ İ", min_size=1, max_size=3)
lists = st.lists(st.one_of(words, nearly_words), min_size=1, max_size=30, unique=True)


def packed(listed):
    lines = [f"{word}\n".encode() for word in listed]
    ends = np.cumsum([len(line) for line in lines])
    text = b"".join(lines)
    return PackedWords(np.frombuffer(text, np.uint8), ends, folded_order(text.decode()))


def in_memory(listed):
    return Lexicon(listed)


@given(lists)
def test_packed_words_are_a_list(listed):
    kept = packed(listed)
    assert list(kept) == listed
    assert [kept[row] for row in range(len(kept))] == listed
    assert kept[-1] == listed[-1]
    assert [kept[1:3], kept[::2], kept[5:2]] == [listed[1:3], listed[::2], listed[5:2]]


@pytest.mark.parametrize("lexicon", [packed, in_memory])
@given(lists, st.one_of(words, nearly_words))
def test_rows_are_those_of_the_list(lexicon, listed, other):
    rows = lexicon(listed)
    for word in [*listed, other]:
        assert rows.row(word) == (listed.index(word) if word in listed else None)
        assert rows.variants(word) == [row for row, known in enumerate(listed) if fold(known) == fold(word)]


@pytest.mark.parametrize("lexicon", [packed, in_memory])
def test_completions_are_sorted_by_frequency(lexicon):
    listed = ["The", "tea", "a", "team", "the", "New_York", "theatre"]
    rows = lexicon(listed)
    assert rows.completions("te", 10) == ["tea", "team"]
    assert rows.completions("THE", 2) == ["The", "the"]
    assert rows.completions("new y", 10) == ["New_York"]
    assert rows.completions("x", 10) == []


def test_an_index_out_of_range_is_an_error():
    with pytest.raises(IndexError):
        packed(["a"])[1]


def test_a_repeated_word_has_its_first_row():
    assert Lexicon(["a", "b", "a"]).row("a") == 0
    assert Lexicon(["a", "b", "a"]).variants("A") == [0]
