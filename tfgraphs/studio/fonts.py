"""The font of the extra `cjk` for browsers whose system has none for Chinese, Japanese and Korean."""

import struct
from pathlib import Path

from tfgraphs.vectors.plots.fonts import packaged_font

STYLE, FONT = "cjk.css", "cjk.otf"
_SIMPLIFIED = 2  # of the fonts of the collection: Japanese, Korean, simplified and traditional Chinese, Hong Kong
_FAMILY = "Studio CJK"
_MONOSPACE = 'ui-monospace, "DejaVu Sans Mono", monospace'
_LOCAL = (
    "Noto Sans CJK SC",
    "NotoSansCJKsc-Regular",
    "Source Han Sans SC",
    "SourceHanSansSC-Regular",
    "PingFang SC",
    "PingFangSC-Regular",
    "Microsoft YaHei",
    "Noto Sans SC",
    "WenQuanYi Micro Hei",
)
_RANGE = "U+1100-11FF, U+2E80-A4CF, U+AC00-D7FF, U+F900-FAFF, U+FE30-FE4F, U+FF00-FFEF, U+20000-3FFFF"


def available() -> bool:
    """Returns whether the extra is installed."""
    return packaged_font() is not None


def style() -> str:
    """Returns the style sheet that brings the font.

    A browser fetches the font only if it shows such a character, and its system has none of the usual fonts.
    """
    sources = ", ".join([*(f'local("{name}")' for name in _LOCAL), f'url("/fonts/{FONT}") format("opentype")'])
    face = f'@font-face {{ font-family: "{_FAMILY}"; src: {sources}; unicode-range: {_RANGE}; font-display: block; }}'
    # It comes first: Chromium leaves boxes where it drew text while a later font of the list was on its way.
    sans, mono = (f'"{_FAMILY}", {others}' for others in ("system-ui, sans-serif", _MONOSPACE))
    return f"{face}\n:root {{ --sans: {sans}; --mono: {mono}; }}\n"


def font() -> bytes:
    """Returns the font for simplified Chinese, which has the other characters, too, as an OpenType file."""
    path = packaged_font()
    return b"" if path is None else _font_of_collection(path, _SIMPLIFIED)


def _font_of_collection(path: Path, number: int) -> bytes:
    """Returns a font of a collection as a file of its own, as browsers read no collections.

    Both have a directory of tables, with a tag, a checksum, a place and a length each, whose numbers are big-endian
    (OpenType 1.9, "The OpenType font file").
    """
    with path.open("rb") as file:
        file.seek(12 + 4 * number)
        (start,) = struct.unpack(">I", file.read(4))
        file.seek(start)
        head = file.read(12)
        (count,) = struct.unpack(">H", head[4:6])
        directory = [struct.unpack(">4sIII", file.read(16)) for _ in range(count)]
        entries, tables, place = [], [], 12 + 16 * count
        for tag, checksum, offset, length in directory:
            file.seek(offset)
            table = file.read(length)
            entries.append(struct.pack(">4sIII", tag, checksum, place, length))
            tables.append(table + bytes(-length % 4))
            place += len(tables[-1])
    return b"".join([head, *entries, *tables])
