"""The font for browsers without one for Chinese: what is sent, and what a browser draws with it."""

import io
import re

import pytest
from fontTools.ttLib import TTFont

from tfgraphs.studio import fonts, server


@pytest.fixture(scope="module")
def font():
    return TTFont(io.BytesIO(fonts.content(fonts.FONT)))


def test_the_font_is_that_for_simplified_chinese(font):
    assert font["name"].getDebugName(1) == "Noto Sans CJK SC"


@pytest.mark.parametrize("word", ["国王", "國王", "王様", "ねこ", "カナ", "임금", "，。「」", "ＡＢＣ", "㐀𠀋"])
def test_the_font_has_chinese_japanese_and_korean(font, word):
    assert {ord(letter) for letter in word} <= font.getBestCmap().keys()


def test_every_table_is_the_one_of_the_collection(font):
    collection = TTFont(fonts.packaged_font(), fontNumber=2)
    assert font.reader.keys() == collection.reader.keys()
    assert all(font.reader[tag] == collection.reader[tag] for tag in ("cmap", "CFF ", "hmtx", "name"))


def test_fonts_of_the_system_come_before_the_one_that_is_sent():
    style = fonts.content(fonts.STYLE).decode()
    assert 0 < style.index('local("Noto Sans CJK SC")') < style.index('url("/fonts/cjk.otf")')


def test_the_lists_of_the_page_begin_with_the_font_that_the_style_sheet_brings():
    (family,) = re.findall(r'font-family: ("[^"]+")', fonts.content(fonts.STYLE).decode())
    page = (server.STATIC / "page.css").read_text(encoding="utf-8")
    assert f"--sans: {family}, " in page
    assert f"--mono: {family}, " in page


def test_the_font_is_cut_out_of_the_collection_once():
    assert fonts.content(fonts.FONT) is fonts.content(fonts.FONT)


def test_there_is_no_file_without_the_extra(monkeypatch):
    monkeypatch.setattr(fonts, "packaged_font", lambda: None)
    assert fonts.content(fonts.STYLE) is fonts.content(fonts.FONT) is None
