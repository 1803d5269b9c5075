"""Fonts that together have the characters of labels: matplotlib's own, those of the system, and that of an extra."""

import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from tfgraphs.extras import install_extra
from tfgraphs.files.packaged import PackageError, packaged_file

_DEFAULT = "DejaVu Sans"  # comes with matplotlib
_PREFERRED = (
    _DEFAULT,
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK TC",
    "Noto Sans CJK JP",  # matplotlib before 3.11 finds the first font of a collection only
    "Noto Sans SC",
    "Heiti SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans",
)


def choose_fonts(labels: Sequence[str]) -> tuple[list[str], set[str]]:
    """Returns the names of fonts that together have all characters of labels, and the characters that no font has.

    If a character is missing in the fonts that matplotlib remembers, fonts that were installed later are looked for,
    then that of the extra `cjk`.
    """
    missing = {letter for label in labels for letter in label if unicodedata.category(letter) not in ("Cc", "Cf")}
    names: list[str] = []
    for add_fonts in (lambda: None, _add_new_fonts, _add_packaged_font):
        add_fonts()
        names += _cover(missing, _PREFERRED)
        if not missing:
            break
    if missing:
        names += _cover(missing, sorted(_files(), key=lambda name: ("Sans" not in name, name)))
    return list(dict.fromkeys(names)) or [_DEFAULT], missing


def how_to_draw(missing: set[str]) -> str:
    """Returns what to do so that characters can be drawn."""
    east_asian = all(unicodedata.category(c)[0] == "L" and unicodedata.east_asian_width(c) in "WF" for c in missing)
    return install_extra("cjk") if east_asian and not packaged_font() else "install the Noto fonts"


def packaged_font() -> Path | None:
    """Returns the file of the extra `cjk`, a collection of fonts for Chinese, Japanese and Korean, if it is there."""
    with suppress(PackageError):
        return packaged_file("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc", "noto-cjk-sans-otc", "cjk")
    return None


def _cover(missing: set[str], names: Iterable[str]) -> list[str]:
    """Removes the characters of fonts from those that are missing, and returns the names of fonts that had some."""
    from matplotlib import font_manager

    files, useful = _files(), []
    for name in names:
        if missing and name in files:
            with suppress(OSError, RuntimeError):  # fonts that are deleted or damaged
                font = font_manager.get_font(files[name])
                covered = {letter for letter in missing if font.get_char_index(ord(letter))}
                missing -= covered
                useful += [name] * bool(covered)
    return useful


def _files() -> dict[str, str]:
    """Returns the files of the upright fonts that matplotlib knows, by name."""
    from matplotlib import font_manager, get_data_path

    formula_fonts = get_data_path()  # matplotlib's own fonts for formulas have other characters than they claim
    return {
        font.name: font.fname
        for font in font_manager.fontManager.ttflist
        if font.style == "normal" and (font.name == _DEFAULT or not font.fname.startswith(formula_fonts))
    }


def _add_new_fonts() -> None:
    """Adds the system's fonts that were installed after matplotlib wrote its list of them."""
    from matplotlib import font_manager

    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        with suppress(Exception):  # a font that matplotlib cannot read
            font_manager.fontManager.addfont(path)


def _add_packaged_font() -> None:
    from matplotlib import font_manager

    path = packaged_font()
    if path and str(path) not in {font.fname for font in font_manager.fontManager.ttflist}:
        font_manager.fontManager.addfont(path)
