"""Chooses fonts that have the characters of the labels."""

import unicodedata
import warnings
from collections.abc import Sequence
from contextlib import suppress

_DEFAULT = "DejaVu Sans"  # comes with matplotlib
_PREFERRED = (_DEFAULT, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", "Noto Sans")


def choose_fonts(labels: Sequence[str]) -> list[str]:
    """Returns the names of fonts that together have all characters, as far as this machine has them.

    Warns:
        UserWarning: no font has the characters of some labels.
    """
    from matplotlib import font_manager, get_data_path

    def rank(name: str) -> tuple[int, bool, str]:
        return _PREFERRED.index(name) if name in _PREFERRED else len(_PREFERRED), "Sans" not in name, name

    formula_fonts = get_data_path()  # matplotlib's own fonts for formulas have other characters than they claim
    files = {
        font.name: font.fname
        for font in font_manager.fontManager.ttflist
        if font.style == "normal" and (font.name == _DEFAULT or not font.fname.startswith(formula_fonts))
    }
    missing = {letter for label in labels for letter in label if unicodedata.category(letter) not in ("Cc", "Cf")}
    names = []
    for name in sorted(files, key=rank):
        if not missing:
            break
        with suppress(OSError, RuntimeError):  # fonts that are deleted or damaged
            font = font_manager.get_font(files[name])
            covered = {letter for letter in missing if font.get_char_index(ord(letter))}
            missing -= covered
            names += [name] * bool(covered)
    if missing:
        words = [label for label in labels if missing & set(label)]
        more = f" and {len(words) - 5:,} more" if len(words) > 5 else ""
        text = f"no font on this machine can show {', '.join(words[:5])}{more}: install the Noto fonts"
        warnings.warn(text, stacklevel=4)
    return names or [_DEFAULT]
