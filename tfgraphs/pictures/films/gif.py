"""Writes animated GIF files, with one palette for all frames and a dither that does not flicker. Needs Pillow alone."""

import io
import json
import struct
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from tfgraphs.pictures.films.dither import Dither, film_colours
from tfgraphs.pictures.films.film import FilmError
from tfgraphs.pictures.films.timing import Timing

FASTEST = 50.0  # frames a second: browsers show a frame for 100 ms if it asks for less than 20
_DELAYS = 2, 2**16 - 1  # 1/100 s
_LARGEST = 2**16 - 1  # px a side
_HEADER = 13 + 3 * 256  # bytes before the picture in a GIF of one grey picture
_CLEAR = 255  # the number of the colour that is clear


def write(
    path: Path, frames: Iterator[np.ndarray], timing: Timing, origin: Mapping[str, object] | None, plays: int
) -> None:
    """Writes an animated GIF (GIF89a); arguments and errors are those of `animation.write`.

    The frames wait in a temporary file, as the palette is that of all of them: one for each would flicker.
    """
    with tempfile.TemporaryFile(dir=path.parent) as waiting:
        count, shape = 0, (0, 0, 3)
        for pixels in frames:
            height, width, _ = shape = pixels.shape
            if max(shape) > _LARGEST:
                raise FilmError(
                    f"a GIF cannot have {width} x {height} px, at most {_LARGEST:,} a side: make it smaller"
                )
            waiting.write(pixels.tobytes())
            count += 1
        waiting.flush()
        film = np.memmap(waiting, np.uint8, "r", shape=(count, *shape))
        dither = Dither(film_colours(film, _CLEAR))
        with path.open("wb") as file:
            palette = np.pad(dither.palette, ((0, 256 - len(dither.palette)), (0, 0))).tobytes()
            file.write(b"GIF89a" + struct.pack("<HHBBB", shape[1], shape[0], 0xF7, 0, 0) + palette)
            if plays != 1:  # how often it is repeated, or 0 for endless
                file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", min(max(plays - 1, 0), 2**16 - 1), 0))
            if origin is not None:
                file.write(b"!\xfe" + _blocks(json.dumps(dict(origin)).encode()))
            for pixels, delay in zip(film, timing.delays(100, *_DELAYS), strict=False):
                file.write(_picture(pixels, dither, delay))
            file.write(b";")


def _picture(pixels: np.ndarray, dither: Dither, delay: int) -> bytes:
    """Encodes a frame with its delay."""
    numbers, clear = dither(pixels[..., :3]), pixels.shape[-1] == 4
    if clear:
        numbers[pixels[..., 3] < 128] = _CLEAR
    encoded = io.BytesIO()
    Image.fromarray(numbers).save(encoded, "GIF", optimize=False, interlace=False)
    # It is cleared before the next frame, or stays below it.
    control = struct.pack("<BHBB", 0x09 if clear else 0x04, delay, _CLEAR, 0)
    return b"!\xf9\x04" + control + encoded.getvalue()[_HEADER:-1]


def _blocks(content: bytes) -> bytes:
    """Splits data into blocks, each after its length, and an empty one."""
    pieces = [content[place : place + 255] for place in range(0, len(content), 255)]
    return b"".join(bytes([len(piece)]) + piece for piece in [*pieces, b""])
