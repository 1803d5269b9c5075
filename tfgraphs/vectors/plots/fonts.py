"""Fonts that together have the characters of labels: matplotlib's own, those of the system, and that of an extra."""

import functools
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

    First come the usual fonts that matplotlib remembers, then that of the extra `cjk`, then the others that matplotlib
    remembers, and last those that were installed later.
    """
    missing = {letter for label in labels for letter in label if unicodedata.category(letter) not in ("Cc", "Cf")}
    names: list[str] = []
    for find_names in (lambda: _PREFERRED, _packaged_names, _known_names, _new_names):
        if missing:
            useful, missing = _cover(missing, find_names())
            names += useful
    return list(dict.fromkeys(names)) or [_DEFAULT], missing


def how_to_draw(missing: set[str]) -> str:
    """Returns what to do so that characters can be drawn."""
    east_asian = all(map(_is_east_asian, missing))
    return install_extra("cjk") if east_asian and not packaged_font() else "install the Noto fonts"


def _is_east_asian(letter: str) -> bool:
    """Whether it is a letter, punctuation or a number of Chinese, Japanese or Korean; emoji, as wide, are symbols."""
    return unicodedata.category(letter)[0] in "LPN" and unicodedata.east_asian_width(letter) in "WF"


def packaged_font() -> Path | None:
    """Returns the file of the extra `cjk`, a collection of fonts for Chinese, Japanese and Korean, if it is there."""
    with suppress(PackageError):
        return packaged_file("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc", "noto-cjk-sans-otc", "cjk")
    return None


def _cover(missing: set[str], names: Iterable[str]) -> tuple[list[str], set[str]]:
    """Returns the names of fonts that have some of the characters, and the characters that are still missing."""
    from matplotlib import font_manager

    files, useful = _files(), []
    for name in names:
        if missing and name in files:
            with suppress(OSError, RuntimeError):  # fonts that are deleted or damaged
                font = font_manager.get_font(files[name])
                covered = {letter for letter in missing if font.get_char_index(ord(letter))}
                missing = missing - covered
                useful += [name] * bool(covered)
    return useful, missing


def _packaged_names() -> Sequence[str]:
    """Adds the font of the extra, whose names are among the usual ones, and returns those."""
    _add_packaged_font()
    return _PREFERRED


def _known_names() -> list[str]:
    """Returns the names of all fonts, the usual ones first."""
    return [*_PREFERRED, *sorted(_files(), key=lambda name: ("Sans" not in name, name))]


def _new_names() -> list[str]:
    """Adds new fonts of the system, and returns their names."""
    known = _files()
    _add_new_fonts()
    files = _files()
    return [name for name in _known_names() if files.get(name) != known.get(name)]


def _files() -> dict[str, str]:
    """Returns the files of the upright fonts that matplotlib knows, by name."""
    from matplotlib import font_manager, get_data_path

    formula_fonts = get_data_path()  # matplotlib's own fonts for formulas have other characters than they claim
    return {
        font.name: font.fname
        for font in font_manager.fontManager.ttflist
        if font.style == "normal" and (font.name == _DEFAULT or not font.fname.startswith(formula_fonts))
    }


@functools.cache
def _add_new_fonts() -> None:
    """Adds the system's fonts that were installed after matplotlib wrote its list of them, once, as it takes long."""
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
