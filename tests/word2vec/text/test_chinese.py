"""Chinese words: cut as jieba cuts the simplified text, whatever the characters."""

import importlib.metadata
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.word2vec.settings import CorpusError, TextSettings
from tfgraphs.word2vec.text import chinese
from tfgraphs.word2vec.text.corpus import prepare

TEXTS = Path(__file__).resolve().parents[3] / "docs" / "texts"
SIMPLIFIED = (TEXTS / "family.zh.txt").read_text(encoding="utf-8").splitlines()
TRADITIONAL = (TEXTS / "family.zh-hant.txt").read_text(encoding="utf-8").splitlines()
HAN = st.text(
    st.sampled_from("國国王后後乾干隆淨着著名裡里臺台灣湾麵面條髮发無无為为蘋苹果的了，。 ABc9９Ａ〇㐀𠀀\u3099")
)


@given(HAN | st.text())
def test_the_pieces_together_are_the_text(text):
    text = unicodedata.normalize("NFC", text)
    assert unicodedata.normalize("NFKC", "".join(chinese.cut(text))) == unicodedata.normalize("NFKC", text)


@given(HAN | st.text())
def test_a_simplified_copy_has_the_same_length(text):
    text = unicodedata.normalize("NFC", text)
    assert len(chinese.simplified(text)) == len(text)


@given(st.lists(st.sampled_from(TRADITIONAL), max_size=3).map("".join))
def test_traditional_text_is_cut_where_the_simplified_one_is(text):
    assert lengths(text) == lengths(chinese.simplified(text))


def lengths(text):
    return [len(word) for word in chinese.cut(text)]


def test_both_texts_of_the_documentation_have_the_same_words():
    assert len(SIMPLIFIED) == len(TRADITIONAL)
    for line, traditional in zip(SIMPLIFIED, TRADITIONAL, strict=True):
        assert chinese.simplified(traditional) == line
        assert lengths(traditional) == lengths(line)


def test_simplified_text_stays_as_it_is():
    assert [chinese.simplified(line) for line in [*SIMPLIFIED, "著名的土著", "乾隆"]] == [
        *SIMPLIFIED,
        "著名的土著",
        "乾隆",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("臺灣的氣候很乾燥", ["臺灣", "的", "氣候", "很", "乾燥"]),
        ("他終於實現了夢想", ["他", "終於", "實現", "了", "夢想"]),
        ("国王騎自行車去圖書館", ["国王", "騎", "自行車", "去", "圖書館"]),
        ("苹果和蘋果", ["苹果", "和", "蘋果"]),
        ("乾隆很乾淨", ["乾隆", "很", "乾淨"]),
        ("買了３台ｉＰｈｏｎｅ１５", ["買", "了", "3", "台", "iPhone15"]),
    ],
)
def test_words_stay_as_they_are_written(text, words):
    assert list(chinese.cut(text)) == words


@pytest.mark.parametrize("spelling", ["創新辦", "创新办"])
def test_a_dictionary_may_be_simplified_or_traditional(tmp_path, spelling):
    path = tmp_path / "words.txt"
    path.write_text(f"{spelling} 3 n\n", encoding="utf-8")
    for text in ("創新辦主任", "创新办主任"):
        assert [len(word) for word in chinese.cut(text, str(path), spelling)] == [3, 2]


@pytest.fixture
def uninstall(monkeypatch):
    """A function that hides packages of some names, but not their modules."""
    version = importlib.metadata.version

    def hide(*hidden):
        def visible_version(name):
            if name in hidden:
                raise importlib.metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(importlib.metadata, "version", visible_version)

    return hide


@pytest.mark.parametrize("missing", [["jieba"], ["opencc"], ["jieba", "opencc"]])
def test_missing_packages_are_named(uninstall, missing):
    uninstall(*missing)
    with pytest.raises(CorpusError, match=f"\\({' and '.join(missing)}\\).*install"):
        chinese.package_versions()


def test_a_module_of_another_package_does_not_stand_for_a_missing_one(uninstall, tmp_path):
    uninstall("opencc")
    text = tmp_path / "text"
    text.write_text("国王和王后\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"one more package \(opencc\).*install"):
        prepare([str(text)], TextSettings("jieba", min_count=1), tmp_path / "out")
