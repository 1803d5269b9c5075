"""Reads and writes pictures with Pillow; inside they are float32 RGB in 0..1.

Any file (turned by EXIF, in a printer's colour space, grey, with a palette, of 16 bits, transparent) becomes upright
sRGB pixels and an optional alpha channel. PNG, JPEG, WebP, TIFF and AVIF files are written that record the command that
made them.
"""

import contextlib
import io
import json
import os.path
import struct
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from tfgraphs.errors import TfgraphsError, not_found, reason
from tfgraphs.files.contents import describe_file
from tfgraphs.files.outputs import atomic_file
from tfgraphs.files.trust import check_regular_file
from tfgraphs.pictures.formats import decoders

MAX_SIDE = 20_000  # of pictures and frames that are read
MAX_PIXELS = 100_000_000

_WRITABLE: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
    # The bytes depend on the number of threads.
    ".avif": ("AVIF", {"quality": 95, "subsampling": "4:4:4", "max_threads": 4}),
}
_TURNS = {  # that make a picture of each EXIF orientation upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = (5, 6, 7, 8)
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError, RuntimeError, struct.error)  # Pillow on damaged files
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")


class ImageError(TfgraphsError):
    """A picture cannot be read or written."""


@dataclass(frozen=True)
class Picture:
    """An upright picture: sRGB pixels [height, width, 3], and [height, width] alpha if any, float32 in 0..1."""

    pixels: np.ndarray
    alpha: np.ndarray | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def over(self, grey: float) -> np.ndarray:
        """Returns the pixels on a grey background, from 0 for black to 1 for white."""
        if self.alpha is None:
            return self.pixels
        alpha = self.alpha[..., None]
        return self.pixels * alpha + grey * (1 - alpha)


def load(path: str | Path, size: int | None = None, upsample: bool = False) -> Picture:
    """Reads a picture.

    Args:
        path: a PNG, JPEG, WebP, TIFF, GIF, BMP, PPM, AVIF or, with the extra `heic`, HEIC file. Of several frames the
            first is read.
        size: longer side in pixels to which a larger picture is reduced; None for its own size.
        upsample: whether a smaller picture is enlarged to `size`.

    Raises:
        ImageError: the file is missing, not a picture, damaged, or larger than MAX_SIDE or MAX_PIXELS.
    """
    with _image_errors(path), _open(path) as file:
        return _decode(file, size, upsample)


def save(path: str | Path, picture: Picture, origin: Mapping[str, object] | None = None) -> None:
    """Writes a picture, atomically, in the format that the path's ending names.

    JPEG has no transparency: the picture is put on white.

    Args:
        path: ends in .png, .jpg, .jpeg, .webp, .tif, .tiff or .avif.
        picture: its pixels are clipped to 0..1 and rounded to 8 bits.
        origin: what made the picture (command, flags), stored in it as JSON and read by `read_origin`.

    Raises:
        ImageError: the path has another ending, or the picture is too large for the format.
        OutputError: the file system refuses.
    """
    kind, options = check_format(path)
    if picture.alpha is not None and kind != "JPEG":
        image = Image.fromarray(to_uint8(np.dstack([picture.pixels, picture.alpha])), "RGBA")
    else:
        image = Image.fromarray(to_uint8(picture.over(1.0)), "RGB")
    with atomic_file(path) as temporary:
        try:
            image.save(temporary, format=kind, exif=origin_exif(origin), **options)
        except ValueError as error:
            raise ImageError(f"{path}: {error}") from error


def read_origin(path: str | Path) -> dict[str, object]:
    """Returns the `origin` that `save` stored in a picture; raises ImageError if there is none."""
    try:
        with _open(path) as file:
            return parse_origin(file.getexif().get(ExifTags.Base.ImageDescription) or file.info["comment"])  # of a GIF
    except (*_BROKEN, KeyError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path} does not say how it was made: it is no picture of tfgraphs") from error


def origin_exif(origin: Mapping[str, object] | None) -> Image.Exif:
    """Returns the EXIF entries that store an origin."""
    exif = Image.Exif()
    if origin is not None:
        exif[ExifTags.Base.Software] = "tfgraphs"
        exif[ExifTags.Base.ImageDescription] = json.dumps(dict(origin))
    return exif


def parse_origin(text: str | bytes) -> dict[str, object]:
    """Parses an origin; raises ValueError, or RecursionError, if a text is none."""
    origin = json.loads(text)
    if not isinstance(origin, dict):
        raise ValueError("an origin is a JSON object")
    return origin


def read_size(path: str | Path) -> tuple[int, int]:
    """Returns height and width of a picture, upright, in pixels, by its header; raises ImageError as `load` does."""
    with _image_errors(path), _open(path) as file:
        width, height = file.size
        turned = file.getexif().get(ExifTags.Base.Orientation, 1) in _QUARTER_TURNS
        return (width, height) if turned else (height, width)


def check_format(path: str | Path) -> tuple[str, dict[str, Any]]:
    """Returns Pillow's format and options for a path; raises ImageError if its ending names none."""
    try:
        return _WRITABLE[Path(path).suffix.lower()]
    except KeyError:
        endings = ", ".join(_WRITABLE)
        raise ImageError(f"{path}: the name of a picture to write ends in one of {endings}") from None


def check_file(path: str | Path, kind: type[TfgraphsError]) -> None:
    """Raises an error of `kind` unless a path is a regular file that stores what it claims."""
    if not os.path.exists(path):
        raise kind(not_found(path))
    check_regular_file(path, kind)


def check_size(path: str | Path, width: int, height: int, kind: type[TfgraphsError]) -> None:
    """Raises an error of `kind` for pictures without pixels, or with more than MAX_SIDE a side or MAX_PIXELS in all."""
    if width < 1 or height < 1:
        raise kind(f"{path} is empty: {width} x {height} px")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise kind(
            f"{path} is too large ({width} x {height} px): at most {MAX_SIDE:,} px a side and {MAX_PIXELS:,} px in all"
        )


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Clips values to 0..1 and rounds them to 8 bits."""
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)


def fit(size: tuple[int, int], longest: int | None, upsample: bool = False) -> tuple[int, int]:
    """Returns height and width with the proportions of `size` and a longer side of `longest` pixels.

    >>> fit((3000, 4000), 640)
    (480, 640)
    >>> fit((30, 40), 640)
    (30, 40)
    """
    if longest is None or longest == max(size) or (longest > max(size) and not upsample):
        return size
    height, width = (max(1, round(side * longest / max(size))) for side in size)
    return height, width


def resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resamples [height, width, channels] floats of any range, bicubic and without aliasing; returns float32."""
    if pixels.shape[:2] == tuple(size):
        return pixels
    height, width = size
    channels = [
        Image.fromarray(np.ascontiguousarray(channel, np.float32)).resize((width, height), Image.Resampling.BICUBIC)
        for channel in np.moveaxis(pixels, -1, 0)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def middle(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Crops the middle of [height, width, channels] in 0..1 to the proportions of `size`, and resizes it."""
    if pixels.shape[:2] == tuple(size):
        return pixels
    height, width = pixels.shape[:2]
    part = min(height / size[0], width / size[1])
    sides = [max(1, round(part * side)) for side in size]
    top, left = (height - sides[0]) // 2, (width - sides[1]) // 2
    return resize(pixels[top : top + sides[0], left : left + sides[1]], size).clip(0, 1)


def upright(image: Image.Image) -> Image.Image:
    """Turns and mirrors an image as its EXIF orientation says; one that is upright is returned as it is."""
    turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Silences Pillow's warnings about what it finds in files."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        yield


@contextlib.contextmanager
def _image_errors(path: str | Path) -> Iterator[None]:
    """Turns the errors of Pillow into an ImageError."""
    try:
        yield
    except UnidentifiedImageError as error:
        content = describe_file(path)
        found = "" if content in (None, "a picture") else f"it is {content}; "
        advice = "give a PNG, JPEG, WebP or TIFF file"
        raise ImageError(f"{path} is not a picture that can be read: {found}{advice}") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path} has more than {MAX_PIXELS:,} pixels: scale it down first") from error
    except _BROKEN as error:
        raise ImageError(f"{path} is damaged or cannot be read: {reason(error)}") from error


@contextlib.contextmanager
def _open(path: str | Path) -> Iterator[Image.Image]:
    """Opens a picture of a known format and permitted size, without decoding it."""
    check_file(path, ImageError)
    with without_warnings(), Image.open(path, formats=decoders(path, ImageError)) as file:
        check_size(path, *file.size, ImageError)
        yield file


def _decode(file: Image.Image, size: int | None, upsample: bool) -> Picture:
    file.load()
    image = upright(file)
    if image.mode in _SIXTEEN_BITS:
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError("32-bit integer pixels: save it with 8 or 16 bits")
        grey = np.divide(values, 65535, dtype=np.float32)[..., None]
        return Picture(resize(grey, fit(grey.shape[:2], size, upsample)).clip(0, 1).repeat(3, axis=-1))
    if image.mode == "F":
        raise ValueError("32-bit float pixels: save it with 8 or 16 bits")
    image = _to_srgb(image)
    height, width = fit((image.height, image.width), size, upsample)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    values = np.asarray(image, np.float32) / 255
    return Picture(values[..., :3], values[..., 3] if image.mode == "RGBA" else None)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Converts any 8-bit mode to sRGB, with an alpha channel if it has transparency."""
    profile = image.info.get("icc_profile")
    alpha = None
    if image.has_transparency_data:
        alpha = (image if image.mode == "RGBA" else image.convert("RGBA")).getchannel("A")
    if profile and image.mode in ("RGB", "RGBA", "L", "LA", "P", "PA", "CMYK"):
        base = {"LA": "L", "L": "L", "CMYK": "CMYK"}.get(image.mode, "RGB")
        image = _apply_profile(image.convert(base), profile)
    image = image if image.mode == "RGB" else image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        warnings.warn(f"colour profile ignored, it does not fit the picture: {error}", stacklevel=2)
        return image
    assert converted is not None  # only with inPlace=True
    return converted
