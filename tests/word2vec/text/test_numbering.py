"""Blocks of text as numbers: putting the words back gives the words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.word2vec.text import numbering
from tfgraphs.word2vec.text.numbering import number_words
from tfgraphs.word2vec.text.tokenizers import tokenizer
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END

LINES = st.lists(st.lists(st.sampled_from(["the", "The", "naïve", "Naïve–but", "–", "é", "É–é", "42", "but"])))


def words_of(block):
    return [block.words[number] if number != SENTENCE_END else "\n" for number in block.numbers]


@given(LINES)
def test_numbers_stand_for_the_words_in_their_order(lines):
    block = number_words(tokenizer("unicode", True), "".join(" ".join(line) + "\n" for line in lines).encode())
    cleaned = [" ".join(line).lower().replace("–", " ").replace("42", "").split() for line in lines]
    assert words_of(block) == [word for line in cleaned for word in [*line, "\n"]]


@given(LINES)
def test_each_word_is_listed_once_with_its_count(lines):
    block = number_words(tokenizer("unicode", True), "".join(" ".join(line) + "\n" for line in lines).encode())
    assert len(set(block.words)) == len(block.words)
    assert block.counts.tolist() == [words_of(block).count(word) for word in block.words]


def test_the_pieces_in_which_words_are_cut_do_not_show(monkeypatch):
    text = "Füße über\nden Fluß.\n\n".encode() * 50
    whole = words_of(number_words(tokenizer("unicode", True), text))
    monkeypatch.setattr(numbering, "_PIECE", 7)
    assert words_of(number_words(tokenizer("unicode", True), text)) == whole


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
    assert number_words(tokenizer(name, True), text).bad_bytes == bad


def test_numbers_are_of_32_bits():
    assert number_words(tokenizer("letters", True), b"a b\n").numbers.dtype == np.int32
