"""Writes animated PNG files, which lose nothing. Needs Pillow alone."""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from tfgraphs.pictures import images
from tfgraphs.pictures.films.timing import Timing

FASTEST = 90.0  # frames a second: browsers show a frame for 100 ms if it asks for less than 11
_DELAYS = 11, 2**16 - 1  # ms
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COUNT = len(_SIGNATURE) + 25  # where the chunk with the number of frames begins: after that of the size


def write(
    path: Path, frames: Iterator[np.ndarray], timing: Timing, origin: Mapping[str, object] | None, plays: int
) -> None:
    """Writes an animated PNG; arguments are those of `animation.write`.

    Each frame is encoded as a picture of its own and written at once (PNG, third edition: chunks IHDR, acTL, eXIf, for
    each frame fcTL and IDAT or fdAT, IEND).
    """
    with path.open("wb") as file:
        number = sequence = 0
        for pixels, delay in zip(frames, timing.delays(1000, *_DELAYS), strict=False):
            height, width = pixels.shape[:2]
            header, data = _encoded(pixels)
            if number == 0:
                file.write(_SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"acTL", bytes(8)))
                if origin is not None:
                    file.write(_chunk(b"eXIf", images.origin_exif(origin).tobytes().removeprefix(b"Exif\0\0")))
            file.write(_chunk(b"fcTL", struct.pack(">5I2H2x", sequence, width, height, 0, 0, delay, 1000)))
            sequence += 1
            for piece in data:
                if number == 0:
                    file.write(_chunk(b"IDAT", piece))
                else:
                    file.write(_chunk(b"fdAT", struct.pack(">I", sequence) + piece))
                    sequence += 1
            number += 1
        file.write(_chunk(b"IEND", b""))
        file.seek(_COUNT)
        file.write(_chunk(b"acTL", struct.pack(">2I", number, plays)))


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _encoded(pixels: np.ndarray) -> tuple[bytes, list[bytes]]:
    """Encodes a frame: returns the content of its header, and the pieces of its data."""
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    content, place, chunks = encoded.getvalue(), len(_SIGNATURE), list[tuple[bytes, bytes]]()
    while place < len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        chunks.append((name, content[place + 8 : place + 8 + length]))
        place += 12 + length
    return chunks[0][1], [piece for name, piece in chunks if name == b"IDAT"]
