"""Words: each tokenizer against a plain regular expression or a loop over characters."""

import importlib.metadata
import pickle
import re
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
            lines[-1] += [chunk.decode()] if cutter.is_word(chunk) else cutter.words(chunk)
    assert lines.pop() == []
    return lines


def one_by_one(line):
    """Words of letters, digits, marks and joiners with a letter, character by character."""
    found, waiting = [""], ""
    for character in unicodedata.normalize("NFC", re.sub("[\u00ad\u2060\ufeff]", "", line)):
        kind = unicodedata.category(character)
        if kind[0] == "L" or kind == "Nd" or (found[-1] and not waiting and (kind[0] == "M" or character in JOINERS)):
            found[-1] += waiting + character
            waiting = ""
        elif character == "_" and found[-1]:
            waiting += "_"
        else:
            found.append("")
            waiting = ""
    return [word for word in found if any(unicodedata.category(character)[0] == "L" for character in word)]


JOINERS = "\u200c\u200d"
LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"))).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
MIXED = st.lists(st.text("aZé京\u0301\u0940\u200d–9_٣ '\u00a0\ufe0f\u00ad\u2060\ufeff")).map(
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
def test_unicode_words_are_runs_of_letters_digits_and_marks_of_any_script_with_a_letter(text):
    assert words("unicode", text, fold_case=False) == [one_by_one(line) for line in text.split("\n")[:-1]]


@given(LINES | MIXED)
def test_folding_turns_each_word_into_lower_case(text):
    expected = [
        [unicodedata.normalize("NFC", word.lower()) for word in line]
        for line in words("unicode", text, fold_case=False)
    ]
    assert words("unicode", text, fold_case=True) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat's 2 hats, don't!\r\n", ["the", "cat", "s", "hats", "don", "t"]),
        ("b2b, snake_case; 3.14\n", ["b2b", "snake_case"]),
        ("iphone6 new_york covid19 2017 1990s 3d 4_2\n", ["iphone6", "new_york", "covid19", "1990s", "3d"]),
        ("_both_ sides __init__ a__b _\n", ["both", "sides", "init", "a__b"]),
        ("café cafe\u0301 CAFE\u0301 \u1100\u1161\n", ["café", "café", "café", "가"]),
        ("Sil\u00adben\u00adtren\u00adnung zu\u2060sam\ufeffmen\n", ["silbentrennung", "zusammen"]),
        ("३डी 2017年\n", ["३डी", "2017年"]),
        ("Ärger, Ёлка – 北京! naïve–but\n", ["ärger", "ёлка", "北京", "naïve", "but"]),
        ("हिन्दी में, العَرَبِيَّة\n", ["हिन्दी", "में", "العَرَبِيَّة"]),
        ("étude می\u200cخواهم\n", ["étude", "می\u200cخواهم"]),
        ("I ❤\ufe0f it 👩\u200d💻 ² ½ Ⅷ\n", ["i", "it"]),
        ("ΟΔΟΣ ΣΑΣ\n", ["οδος", "σας"]),
    ],
)
def test_words_of_many_scripts(text, expected):
    assert words("unicode", text) == [expected]


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xe4\xf6", b"\xed\xa0\x80"])
def test_bytes_that_are_not_utf8_separate_unicode_words(bad):
    assert words("unicode", b"one" + bad + b"two " + bad + b"\nthree\n") == [["one", "two"], ["three"]]


def test_chinese_text_is_split_into_words_without_punctuation():
    text = "我来到北京清华大学，iPhone15！\n\nABC\n"
    assert words("jieba", text) == [["我", "来到", "北京", "清华大学", "iphone15"], [], ["abc"]]


def test_latin_words_among_chinese_ones_keep_their_case_if_asked():
    assert words("jieba", "我ABC\n", fold_case=False) == [["我", "ABC"]]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("text", [b"\n", b"\n\n", b" \0\x01\x1c\t\r\n"])
def test_lines_without_words_stay_lines(name, text):
    assert words(name, text) == [[]] * text.count(b"\n")


def test_a_dictionary_adds_words_to_those_of_jieba(tmp_path):
    (tmp_path / "words.txt").write_text("\ufeff李小福 2 nr\n创新办\n", encoding="utf-8")
    cut = tokenizer("jieba", True, str(tmp_path / "words.txt")).chunks("李小福是创新办主任\n".encode())
    assert [chunk.decode() for chunk in cut[:-1]] == ["李小福", "是", "创新办", "主任"]
    assert "创新办" not in words("jieba", "李小福是创新办主任\n")[0]


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), (b"\xff", "UTF-8"), (b"word " + b"9" * 5000, "no dictionary")]
)
def test_a_wrong_dictionary_is_named(tmp_path, content, message):
    if content:
        (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(CorpusError, match=f"words.txt.*{message}"):
        tokenizer("jieba", True, str(tmp_path / "words.txt")).chunks("我\n".encode())


def test_text_like_text8_has_the_words_that_letters_finds():
    text = b"anarchism originated as a term of abuse first used against early working class radicals\n"
    assert words("unicode", text) == words("letters", text) == [text.decode().split()]


@pytest.mark.parametrize("name", ALL)
def test_a_tokenizer_can_be_sent_to_another_process(name):
    cutter = tokenizer(name, False)
    assert pickle.loads(pickle.dumps(cutter)) == cutter


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(CorpusError, match=rf"jieba.*{re.escape(install_extra('zh'))}"):
        tokenizer("jieba", True)
