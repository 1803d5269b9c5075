"""Animated pictures: writes WebP; reads WebP, GIF and PNG. Needs Pillow alone."""

import contextlib
import io
import itertools
import struct
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from tfgraphs.errors import errors_as
from tfgraphs.pictures import images
from tfgraphs.pictures.films.film import READABLE, Film, FilmError
from tfgraphs.pictures.films.timing import RATES, Timing, timing_of

SUFFIXES = (".webp", ".gif", ".png", ".apng")
FASTEST = 90.0  # frames a second: browsers show a frame for 100 ms if it asks for less than 11
_BEGINNINGS = (b"GIF8", b"\x89PNG", b"RIFF")
_FORMATS = ("WEBP", "GIF", "PNG")
_LARGEST = 16_383  # px a side
_ALPHA, _EXIF, _ANIMATION = 0x10, 0x08, 0x02  # flags of the first chunk
_DELAYS = 11, 2**24 - 1  # ms
_QUALITY = 90


# --- writing


def write(
    path: Path, frames: Iterator[np.ndarray], timing: Timing, origin: Mapping[str, object] | None, plays: int
) -> None:
    """Writes an animated WebP.

    Pillow would keep all frames in memory. Here each is encoded as a picture of its own and written at once (WebP
    Container Specification: RIFF chunks VP8X, ANIM, ANMF for each frame, EXIF). Differences between frames would not
    be smaller: in an endless zoom every pixel changes.

    Args:
        frames: uint8 [height, width, 3 or 4], all of one size.
        timing: of the frames.
        origin: see `films.save`.
        plays: how often it is shown; 0 is endless.

    Raises:
        FilmError: a WebP cannot be so large.
    """
    first = next(frames)
    height, width, channels = first.shape
    if max(height, width) > _LARGEST:
        raise FilmError(f"a WebP cannot have {width} x {height} px, at most {_LARGEST:,} a side: make it smaller")
    flags = _ANIMATION | (_EXIF if origin is not None else 0) | (_ALPHA if channels == 4 else 0)
    with path.open("wb") as file:
        file.write(b"RIFF\0\0\0\0WEBP")
        file.write(_chunk(b"VP8X", struct.pack("<I", flags) + _three(width - 1) + _three(height - 1)))
        file.write(_chunk(b"ANIM", struct.pack("<IH", 0xFF000000, min(plays, 2**16 - 1))))  # black background
        for pixels, delay in zip(itertools.chain([first], frames), timing.delays(1000, *_DELAYS), strict=False):
            header = bytes(6) + _three(width - 1) + _three(height - 1) + _three(delay) + b"\x02"  # no blending
            picture = io.BytesIO()
            Image.fromarray(pixels).save(picture, "WEBP", quality=_QUALITY)
            content = picture.getvalue()[12:]  # without the header of the file
            if content.startswith(b"VP8X"):  # nor that of a transparent picture
                content = content[18:]
            file.write(_chunk(b"ANMF", header + content))
        if origin is not None:
            file.write(_chunk(b"EXIF", images.origin_exif(origin).tobytes().removeprefix(b"Exif\0\0")))
        size = file.tell() - 8
        if size >= 2**32:
            raise FilmError("a WebP cannot be larger than 4 GiB: write an .mp4, or fewer frames")
        file.seek(4)
        file.write(struct.pack("<I", size))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _three(value: int) -> bytes:
    return value.to_bytes(3, "little")


# --- reading


def is_animation(path: Path) -> bool:
    """Returns whether a file begins as a WebP, GIF or PNG does."""
    with path.open("rb") as file:
        head = file.read(12)
    return head.startswith(_BEGINNINGS) and (not head.startswith(b"RIFF") or head.endswith(b"WEBP"))


def is_animated(path: Path) -> bool:
    """Returns whether a file can be opened and has more than one frame."""
    try:
        with _open(path) as file:
            return getattr(file, "is_animated", False)
    except FilmError:
        return False


def read(path: Path) -> Film:
    """Decodes the whole file, so that damage is found at once."""
    ends, size, transparent = [0.0], (0, 0), False
    with _open(path) as file:
        for image in _images(file, 0):
            duration = float(image.info.get("duration", 0))
            ends.append(ends[-1] + (duration if duration > 10 else 100))  # as browsers do
            size = (image.height, image.width)
            if image.has_transparency_data and not transparent:
                transparent = bool(np.asarray(image.convert("RGBA"))[..., 3].min() < 255)
        plays = file.info.get("loop", 1)
        if file.format == "GIF" and plays:  # counts repetitions
            plays += "loop" in file.info
    begins, count = [round(end) for end in ends], len(ends) - 1
    rate = Fraction(1000 * count, begins[-1])
    timing = timing_of(begins[:-1], begins[-1], Fraction(1, 1000), [rate], Fraction(0))
    return Film(path, size, float(np.clip(float(rate), *RATES)), count, timing, frames, None, plays, transparent)


def frames(path: Path, start: int = 0) -> Iterator[np.ndarray]:
    """Yields the frames from number `start` on, uint8 [height, width, 3], or 4 with an alpha channel."""
    with _open(path) as file:
        for image in _images(file, start):
            mode = "RGBA" if image.has_transparency_data else "RGB"
            yield np.asarray(image if image.mode == mode else image.convert(mode))


@contextlib.contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    with errors_as(FilmError, f"{path} is damaged or cannot be read", READABLE):
        with images.without_warnings():
            file = Image.open(path, formats=_FORMATS)
        with file:
            images.check_size(path, *file.size, FilmError)
            yield file


def _images(file: Image.Image, start: int) -> Iterator[Image.Image]:
    """The frames, upright, without the picture that an animated PNG shows where animations are not supported."""
    hidden = int(getattr(file, "default_image", False))
    for number in range(hidden + start, getattr(file, "n_frames", 1)):
        with images.without_warnings():
            file.seek(number)
            file.load()
            turned = images.upright(file)
            turned.info.update(file.info)
        yield turned
