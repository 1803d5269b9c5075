"""The font of the extra `cjk` for browsers whose system has none for Chinese, Japanese and Korean."""

import functools
import struct
from pathlib import Path

from tfgraphs.vectors.plots.fonts import packaged_font

STYLE, FONT = "cjk.css", "cjk.otf"
# Of the fonts of the collection, each with all characters: Japanese, Korean, simplified and traditional Chinese, ...
_SIMPLIFIED = 2
_FAMILY = "Studio CJK"
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


def content(name: str) -> bytes | None:
    """Returns the style sheet or the font, or None for other names and without the extra."""
    path = packaged_font()
    if path is None or name not in (STYLE, FONT):
        return None
    return _style().encode() if name == STYLE else _font_of_collection(path, _SIMPLIFIED)


def _style() -> str:
    """Returns the style sheet that brings the font, under the name with which the lists of page.css begin.

    A browser fetches the font only if it shows such a character, and its system has none of the usual fonts.
    """
    sources = ", ".join([*(f'local("{name}")' for name in _LOCAL), f'url("/fonts/{FONT}") format("opentype")'])
    return f'@font-face {{ font-family: "{_FAMILY}"; src: {sources}; unicode-range: {_RANGE}; font-display: block; }}\n'


@functools.cache
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
