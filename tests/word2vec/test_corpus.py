"""Text to words to numbers."""

import numpy as np
import pytest

from tfgraphs.word2vec.corpus import CorpusError, encode, sentences
from tfgraphs.word2vec.vocabulary import count_words


def read(tmp_path, content):
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    return list(sentences(path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"The cat\nsat.\n", [["the", "cat"], ["sat"]]),
        (b"The cat\r\nsat.", [["the", "cat"], ["sat"]]),
        (b"a\n\nb\n", [["a"], [], ["b"]]),
        (b"b2b, snake_case; 3.14 don't", [["b", "b", "snake", "case", "don", "t"]]),
        ("Ärger, Ёлка – 北京!".encode(), [["ärger", "ёлка", "北京"]]),
        (b"", []),
    ],
)
def test_words_are_runs_of_letters_in_lower_case_line_by_line(tmp_path, content, words):
    assert read(tmp_path, content) == words


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xe4\xf6", b"\xed\xa0\x80"])
def test_bytes_that_are_not_utf8_part_words_like_spaces(tmp_path, bad):
    assert read(tmp_path, b"one" + bad + b"two " + bad + b"\nthree") == [["one", "two"], ["three"]]


@pytest.mark.parametrize(("name", "reason"), [("missing.txt", "no such file"), (".", "directory")])
def test_a_file_that_cannot_be_read_is_reported_in_one_line(tmp_path, name, reason):
    with pytest.raises(CorpusError, match=rf"^[^\n]*{tmp_path}[^\n]*{reason}[^\n]*$"):
        list(sentences(tmp_path / name))


def encoded(text, min_count=1):
    return encode(text, count_words(text, min_count))


def test_encoding_keeps_the_words_in_order():
    text = [["a", "b", "a"], ["c", "a"]]
    tokens, _ = encoded(text)
    words = count_words(text, 1).words
    assert [words[token] for token in tokens] == ["a", "b", "a", "c", "a"]


def test_encoding_leaves_unknown_words_out():
    tokens, _ = encoded([["a", "rare", "a"], ["rarer", "a"]], min_count=2)
    assert tokens.tolist() == [0, 0, 0]


def test_words_keep_the_number_of_their_sentence_though_others_are_left_out():
    _, numbers = encoded([["a", "rare", "a"], ["rarer"], [], ["a"]], min_count=2)
    assert numbers.tolist() == [0, 0, 3]


def test_encoded_text_is_of_32_bit_integers():
    assert [array.dtype for array in encoded([["a", "b"]])] == [np.int32, np.int32]


@pytest.mark.parametrize(
    ("text", "min_count"),
    [([], 1), ([[]], 1), ([["a"]], 1), ([["a", "b"], ["c"]], 2), ([["a", "b"], ["a", "c"]], 3)],
    ids=["empty", "an empty line", "one word", "all rare", "all rarer"],
)
def test_a_text_of_too_few_words_is_refused_in_one_line(text, min_count):
    with pytest.raises(CorpusError, match=r"^[^\n]*min_count[^\n]*$"):
        encoded(text, min_count)
