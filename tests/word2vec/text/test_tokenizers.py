"""Words: each tokenizer against a plain regular expression or a loop over characters."""

import pickle
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.extras import install_extra
from tfgraphs.word2vec.settings import CorpusError
from tfgraphs.word2vec.text.tokenizers import LINE_END, tokenizer

ALL = ["letters", "whitespace", "unicode", "jieba"]


def words(name, text, fold_case=True):
    """The words of each line."""
    cutter, lines = tokenizer(name, fold_case), [[]]
    for chunk in cutter.chunks(text if isinstance(text, bytes) else text.encode()):
        if chunk == LINE_END:
            lines.append([])
        else:
            lines[-1] += [chunk.decode()] if chunk.isascii() else cutter.words(chunk)
    assert lines.pop() == []
    return lines


def one_by_one(line):
    """Words of letters, marks and joiners that begin with a letter, character by character."""
    found, inside = [], False
    for character in line:
        kind = unicodedata.category(character)[0]
        if kind == "L" and not inside:
            found.append("")
        inside = kind == "L" or (inside and (kind == "M" or character in "\u200c\u200d"))
        if inside:
            found[-1] += character
    return found


LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"))).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
MIXED = st.lists(st.text("aZé京\u0301\u0940\u200d–9_ '\u00a0\ufe0f")).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


@given(st.lists(st.binary()).map(lambda lines: b"".join(line.replace(b"\n", b"") + b"\n" for line in lines)))
def test_letters_are_runs_of_a_to_z_in_lower_case_separated_by_all_other_bytes(text):
    expected = [re.findall("[a-z]+", line.decode("latin-1").translate(ASCII_LOWER)) for line in text.split(b"\n")[:-1]]
    assert words("letters", text) == expected


ASCII_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


@given(LINES)
def test_whitespace_splits_at_white_space_only(text):
    controls = dict.fromkeys(range(32), " ")
    assert words("whitespace", text) == [line.translate(controls).split() for line in text.split("\n")[:-1]]


@given(LINES | MIXED)
def test_unicode_words_are_letters_and_marks_of_any_script(text):
    assert words("unicode", text, fold_case=False) == [one_by_one(line) for line in text.split("\n")[:-1]]


@given(LINES | MIXED)
def test_folding_turns_each_word_into_lower_case(text):
    expected = [[word.lower() for word in line] for line in words("unicode", text, fold_case=False)]
    assert words("unicode", text, fold_case=True) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat's 2 hats, don't!\r\n", ["the", "cat", "s", "hats", "don", "t"]),
        ("b2b, snake_case; 3.14\n", ["b", "b", "snake", "case"]),
        ("Ärger, Ёлка – 北京! naïve–but\n", ["ärger", "ёлка", "北京", "naïve", "but"]),
        ("हिन्दी में, العَرَبِيَّة\n", ["हिन्दी", "में", "العَرَبِيَّة"]),
        ("e\u0301tude می\u200cخواهم\n", ["e\u0301tude", "می\u200cخواهم"]),
        ("I ❤\ufe0f it 👩\u200d💻 ² ½ Ⅷ\n", ["i", "it"]),
        ("ΟΔΟΣ ΣΑΣ\n", ["οδος", "σας"]),
    ],
    ids=["English", "digits", "scripts", "marks", "joiners", "emoji", "sigma"],
)
def test_words_of_many_scripts(text, expected):
    assert words("unicode", text) == [expected]


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xe4\xf6", b"\xed\xa0\x80"])
def test_bytes_that_are_not_utf8_separate_unicode_words(bad):
    assert words("unicode", b"one" + bad + b"two " + bad + b"\nthree\n") == [["one", "two"], ["three"]]


def test_chinese_text_is_split_into_words_without_punctuation_and_digits():
    text = "我来到北京清华大学，iPhone15！\n\nABC\n"
    assert words("jieba", text) == [["我", "来到", "北京", "清华大学", "iphone"], [], ["abc"]]


def test_latin_words_among_chinese_ones_keep_their_case_if_asked():
    assert words("jieba", "我ABC\n", fold_case=False) == [["我", "ABC"]]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("text", [b"\n", b"\n\n", b" \0\x01\x1c\t\r\n"])
def test_lines_without_words_stay_lines(name, text):
    assert words(name, text) == [[]] * text.count(b"\n")


@pytest.mark.parametrize("name", ALL)
def test_a_tokenizer_can_be_sent_to_another_process(name):
    cutter = tokenizer(name, False)
    assert pickle.loads(pickle.dumps(cutter)) == cutter


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(CorpusError, match=rf"jieba.*{re.escape(install_extra('zh'))}"):
        tokenizer("jieba", True)
