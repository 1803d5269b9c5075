"""Fonts of plots: words in Chinese, Japanese and Korean are drawn wherever a font for them is."""

import warnings

import numpy as np
import pytest
from matplotlib import font_manager, get_data_path

from tfgraphs.extras import install_extra
from tfgraphs.files.packaged import PackageError
from tfgraphs.vectors.plots import fonts
from tfgraphs.vectors.plots.fonts import choose_fonts, how_to_draw, packaged_font
from tfgraphs.vectors.plots.plot import figure
from tfgraphs.vectors.word_vectors import WordVectors

WORDS = ["国王", "國王", "王様", "ねこ", "カナ", "임금", "直骨，。㐀"]
FONT = packaged_font()


@pytest.fixture
def bare(monkeypatch):
    """A machine whose fonts are only those of matplotlib, and perhaps that of the extra."""
    own = [font for font in font_manager.fontManager.ttflist if font.fname.startswith(get_data_path())]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    fonts._add_new_fonts.cache_clear()
    yield
    fonts._add_new_fonts.cache_clear()


@pytest.fixture
def without_extra(bare, monkeypatch):
    def missing(*_):
        raise PackageError("it is not installed")

    monkeypatch.setattr(fonts, "packaged_file", missing)


@pytest.mark.usefixtures("bare")
def test_the_font_of_the_extra_has_chinese_japanese_and_korean():
    names, missing = choose_fonts(["cat", *WORDS])
    assert names[0] == "DejaVu Sans"
    assert names[1].startswith("Noto Sans CJK")
    assert not missing


@pytest.mark.usefixtures("bare")
def test_a_font_is_added_once():
    for _ in range(3):
        choose_fonts(WORDS)
    found = [font.name for font in font_manager.fontManager.ttflist if font.fname == str(packaged_font())]
    assert len(found) == len(set(found)) > 0


@pytest.mark.usefixtures("without_extra")
def test_fonts_that_were_installed_after_matplotlib_wrote_its_list_are_found(monkeypatch):
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/missing.ttf", str(FONT)])
    assert choose_fonts(WORDS)[1] == set()


@pytest.mark.usefixtures("bare")
def test_new_fonts_are_looked_for_once_and_only_if_no_known_font_has_a_character(monkeypatch):
    searches = []
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: searches.append("all") or [])
    choose_fonts(["cat", "ж"])
    assert not searches
    for _ in range(3):
        assert choose_fonts(["\U000f0000"])[1] == {"\U000f0000"}
    assert len(searches) == 1


@pytest.mark.usefixtures("without_extra")
def test_no_new_fonts_are_looked_for_if_an_unusual_one_is_known(monkeypatch):
    monkeypatch.setattr(fonts, "_PREFERRED", ("DejaVu Sans",))
    font_manager.fontManager.addfont(FONT)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: pytest.fail("the system's fonts are looked for"))
    names, missing = choose_fonts(["cat", *WORDS])
    assert len(names) == 2
    assert not missing


@pytest.mark.usefixtures("without_extra")
def test_without_any_font_the_extra_is_named():
    names, missing = choose_fonts(["cat", *WORDS])
    assert names == ["DejaVu Sans"]
    assert missing == set("".join(WORDS))
    assert how_to_draw(missing) == install_extra("cjk")


@pytest.mark.usefixtures("without_extra")
@pytest.mark.parametrize("missing", ["国", "ね", "カ", "임", "国，", "。", "「」", "国１", "〇", "㊀"])
def test_the_extra_is_named_for_letters_punctuation_and_numbers(missing):
    assert how_to_draw(set(missing)) == install_extra("cjk")


@pytest.mark.usefixtures("without_extra")
@pytest.mark.parametrize("letters", ["\U000f0000", "\U0001fae8", "ก", "国\U0001fae8"])
def test_the_extra_is_not_named_for_characters_that_it_lacks(letters):
    assert how_to_draw(set(letters)) == "install the Noto fonts"


@pytest.mark.usefixtures("without_extra")
def test_the_warning_of_a_plot_names_the_extra():
    vectors = WordVectors(["国王", "cat"], np.eye(2, dtype=np.float32))
    with pytest.warns(UserWarning, match="国王: .*install.*cjk"):
        figure(vectors, vectors.words)


@pytest.mark.usefixtures("bare")
def test_wide_words_have_wide_boxes():
    vectors = WordVectors(["国", "国王", "国王国王"], np.eye(3, dtype=np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        texts = figure(vectors, vectors.words).axes[0].texts
    widths = {text.get_text(): text.get_window_extent().width for text in texts}
    assert widths["国王"] == pytest.approx(2 * widths["国"], rel=0.1)
    assert widths["国王国王"] == pytest.approx(2 * widths["国王"], rel=0.1)
