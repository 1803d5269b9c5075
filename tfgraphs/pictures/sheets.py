"""Sheets of many small pictures, each with a caption."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfgraphs.pictures.images import to_uint8

_PAPER, _INK = (18, 18, 20), (190, 190, 195)  # RGB
_TEXT = 13  # height of letters in pixels
_LINE = _TEXT + 6  # and of a line with them


def sheet(
    pictures: Sequence[np.ndarray],
    captions: Sequence[str] = (),
    columns: int | None = None,
    gap: int = 8,
    paper: tuple[int, int, int] = _PAPER,
    legend: str = "",
) -> np.ndarray:
    """Arranges pictures in rows on a sheet, float32 [height, width, 3] in 0..1.

    Args:
        pictures: [height, width, 3] each, in 0..1; all get the room of the largest.
        captions: a short line for each, or none; it is cut to the width of a picture.
        columns: pictures in a row; by default so many that the sheet is about 4:3.
        gap: pixels between pictures and around them.
        paper: colour of the background, RGB in 0..255.
        legend: a text above all pictures, broken into lines.
    """
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    line = _LINE if captions else 0
    across, down = width + gap, height + line + gap
    columns = columns or _columns(len(pictures), across, down)
    rows = math.ceil(len(pictures) / columns)
    words = _lines(legend, columns * across - gap)
    top = gap + len(words) * _LINE
    drawn = Image.new("RGB", (columns * across + gap, rows * down + top), paper)
    for number, text in enumerate(words):
        _write(drawn, text, (gap, gap // 2 + number * _LINE), columns * across - gap)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        place = gap + column * across, top + row * down
        drawn.paste(Image.fromarray(to_uint8(picture)), place)
        if captions:
            _write(drawn, captions[number], (place[0], place[1] + picture.shape[0] + 2), width)
    return np.asarray(drawn, np.float32) / 255


def enlarged(pixels: np.ndarray, side: int) -> np.ndarray:
    """Enlarges [height, width, channels] by repeating pixels, to a longer side of about `side` pixels."""
    times = max(1, round(side / max(pixels.shape[:2])))
    return np.repeat(np.repeat(pixels, times, axis=0), times, axis=1)


def bars(
    labels: Sequence[str], values: Sequence[float], width: int, colours: tuple[Sequence[float], Sequence[float]]
) -> np.ndarray:
    """Draws a chart with horizontal bars, float32 [lines, width, 3] in 0..1.

    Args:
        labels: of the bars.
        values: in -1..1; the length of a bar is the absolute value.
        width: of the picture, in pixels.
        colours: of the bars of positive and of negative values, RGB in 0..1.
    """
    font = ImageFont.load_default(_TEXT)
    begin = 6 + math.ceil(max(font.getlength(label) for label in labels))
    drawn = Image.new("RGB", (width, len(labels) * _LINE), _PAPER)
    draw = ImageDraw.Draw(drawn)
    for number, (label, value) in enumerate(zip(labels, values, strict=True)):
        top, colour = number * _LINE, colours[0 if value > 0 else 1]
        draw.text((begin - 6, top + 1), label, _INK, font, anchor="ra")
        end = begin + round(abs(value) * (width - 1 - begin))
        draw.rectangle((begin, top + 3, end, top + _LINE - 4), tuple(round(255 * part) for part in colour))
    return np.asarray(drawn, np.float32) / 255


def _lines(text: str, width: int) -> list[str]:
    """Breaks a text between words into lines of at most `width` pixels."""
    font, lines = ImageFont.load_default(_TEXT), list[str]()
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _columns(count: int, across: int, down: int) -> int:
    """Number of columns of a sheet of about 4:3 whose last row is as full as possible."""
    fit = min(count, max(1, round(math.sqrt(count * down / across * 4 / 3))))
    near = range(max(1, fit - fit // 6), min(count, fit + fit // 6) + 1)
    return min(near, key=lambda columns: (-count % columns, abs(columns - fit)))


def _write(paper: Image.Image, text: str, place: tuple[int, int], width: int) -> None:
    font = ImageFont.load_default(_TEXT)
    while text and font.getlength(text) > width:
        text = text[:-1]
    ImageDraw.Draw(paper).text(place, text, _INK, font)
