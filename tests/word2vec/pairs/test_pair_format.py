"""Pairs and their configuration: what is written is what is read, and what is wrong is shown in one line."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.word2vec import CorpusError
from tfgraphs.word2vec.pairs.pair_format import Pair, PairSettings, pair_vocabulary, parse_pairs, read_pairs

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters="^|,"), min_size=1)
SIDES = st.lists(WORDS, min_size=1, max_size=4).map(tuple)
PAIRS = st.lists(st.builds(Pair, SIDES, SIDES), min_size=1, max_size=5)
SPACE = st.text(" \t\r\n", max_size=2)


def written(pairs, space=lambda: ""):
    """The text of pairs, with white space around all words."""
    return ",".join(
        "|".join("^".join(space() + word + space() for word in side) for side in (pair.context, pair.target))
        for pair in pairs
    )


@given(PAIRS, st.data())
def test_reading_gives_the_pairs_back_whatever_space_is_around_words(pairs, data):
    assert parse_pairs(written(pairs, lambda: data.draw(SPACE))) == pairs


@pytest.mark.parametrize("mark", ["\u200c", "\u200d", "\u0301"], ids=["non-joiner", "joiner", "accent"])
def test_marks_within_a_word_belong_to_it(mark):
    assert parse_pairs(f"a{mark}b|c") == [Pair((f"a{mark}b",), ("c",))]


WRONG = {
    "no bar": ("a|b,cd", "'cd'"),
    "two bars": ("a|b,a|b|c", "'a|b|c'"),
    "no comma": ("a|b\nc|d", r"'a|b\nc|d'"),
    "no context": ("a|b,|c", "'|c'"),
    "no target": ("a|b,c|", "'c|'"),
    "no word": ("a|b,c^^d|e", "'c^^d|e'"),
    "a comma too many": ("a|b,", "''"),
    "white space within a word": ("a|b,new york|c", "'new york'"),
    "a control character": ("a|b,c\0d|e", r"'c\x00d'"),
}


@pytest.mark.parametrize(("text", "shown"), WRONG.values(), ids=WRONG)
def test_a_wrong_pair_is_quoted_in_one_line(text, shown):
    with pytest.raises(CorpusError, match=rf"^{re.escape(shown)} is not [^\n]*$"):
        parse_pairs(text)


@pytest.mark.parametrize("text", ["", " \n"])
def test_no_pairs_at_all_are_refused_with_an_example(text):
    with pytest.raises(CorpusError, match=r"^there are no pairs[^\n]*drink\^juice\|apple[^\n]*$"):
        parse_pairs(text)


def test_a_long_text_that_is_not_pairs_is_quoted_in_part():
    with pytest.raises(CorpusError, match=r"^.{,200}$"):
        parse_pairs("once upon a time " * 1000)


@pytest.mark.parametrize("content", [b"a^b|c,\nd|e\n", b"\xef\xbb\xbfa ^ b|c,\r\nd|e"], ids=["Unix", "Windows"])
def test_a_file_of_either_kind_is_read(tmp_path, content):
    (tmp_path / "pairs.txt").write_bytes(content)
    assert read_pairs(tmp_path / "pairs.txt") == [Pair(("a", "b"), ("c",)), Pair(("d",), ("e",))]


BAD_FILES = {
    "empty": (b"", "no pairs"),
    "binary": (bytes(range(256)), "not a text"),
    "binary without high bytes": (b"a\0\0\0|b\0\0\0", r"'a\\x00\\x00\\x00' is not a word"),
    "UTF-16": ("a|b".encode("utf-16"), "not a text in UTF-8"),
    "a wrong pair": (b"a|b,c", "'c' is not"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_without_good_pairs_is_named_in_one_line(tmp_path, content, reason):
    path = tmp_path / "pairs.txt"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=rf"^{path}[^\n]*{reason}[^\n]*$"):
        read_pairs(path)


@pytest.mark.parametrize(("name", "reason"), [("absent.txt", "no such file"), (".", "folder"), ("pipe", "pipe")])
def test_a_file_that_cannot_be_read_is_named_in_one_line(tmp_path, name, reason):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match=rf"^cannot read {tmp_path}[^\n]*{reason}[^\n]*$"):
        read_pairs(tmp_path / name)


def test_the_vocabulary_is_all_words_in_the_order_of_code_points_with_their_counts():
    vocabulary = pair_vocabulary(parse_pairs("b^é|a, a^a|Z, b|a"))
    assert dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)) == {"Z": 1, "a": 4, "b": 2, "é": 1}
    assert vocabulary.words == ["Z", "a", "b", "é"]


def test_a_configuration_of_wevi_is_read():
    config = '{"hidden_size":8,"random_state":2,"learning_rate":0.5}'
    assert PairSettings.from_json(config) == PairSettings(hidden_size=8, random_state=2, learning_rate=0.5)


def test_defaults_of_a_configuration_are_those_of_wevi():
    assert PairSettings.from_json("{}") == PairSettings(hidden_size=5, random_state=1, learning_rate=0.2)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "{",
        "5",
        "null",
        "[1]",
        '{"passes": 3}',
        '{"hiddenSize": 5}',
        "[" * 100_000,
        '{"hidden_size": 1%s}' % ("0" * 9999),
    ],
    ids=lambda config: config[:20],
)
def test_an_invalid_configuration_is_refused_in_one_line_with_an_example(config):
    with pytest.raises(CorpusError, match=r'^the configuration [^\n]{,120}"hidden_size": 5[^\n]*$'):
        PairSettings.from_json(config)


@pytest.mark.parametrize("value", ["0", "-1", "2.5", '"5"', "true", "null", "[5]", "1e9", "1" + "0" * 400])
def test_a_hidden_size_out_of_range_is_named_in_one_line(value):
    with pytest.raises(CorpusError, match=r"^hidden_size is [^\n]{,120}$"):
        PairSettings.from_json(f'{{"hidden_size": {value}}}')


@pytest.mark.parametrize("value", ["-0.1", "NaN", "Infinity", "1e400", '"0.2"', "true", "null", "1" + "0" * 400])
def test_a_learning_rate_out_of_range_is_named_in_one_line(value):
    with pytest.raises(CorpusError, match=r"^learning_rate is [^\n]{,120}$"):
        PairSettings.from_json(f'{{"learning_rate": {value}}}')


@pytest.mark.parametrize(
    "setting", [{"random_state": -1}, {"random_state": 0.5}, {"passes": 0}, {"compat": "wef"}], ids=str
)
def test_other_settings_out_of_range_are_named_in_one_line(setting):
    with pytest.raises(CorpusError, match=rf"^{next(iter(setting))} is [^\n]*$"):
        PairSettings(**setting)
