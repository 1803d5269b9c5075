"""Formats of pictures by the beginnings and endings of their files: which are read, and why others are not."""

from pathlib import Path
from typing import BinaryIO

from PIL import Image

from tfgraphs.errors import TfgraphsError
from tfgraphs.extras import install_extra

PICTURES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".tif",
    ".tiff",
    ".gif",
    ".bmp",
    ".ppm",
    ".pgm",
    ".avif",
    ".heic",
    ".heif",
)
"""Endings of pictures that are read."""

_CAMERAS = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw"),
    *(".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
_OTHERS = (".hif", ".jfif", ".jp2", ".jxl", ".psd", ".svg", ".tga", ".xcf")
LIKE_PICTURES = (*PICTURES, *_CAMERAS, *_OTHERS)
"""Endings of what people take for pictures: a folder with such files is read or says which it could not read."""

# Formats of Pillow whose decoders only decode. For others Pillow starts programs (EPS) or follows links.
_DECODERS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF")
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}  # ISO/IEC 23008-12: pictures coded as HEVC
_HEADER = 256


def decoders(path: str | Path, kind: type[TfgraphsError]) -> list[str]:
    """Returns Pillow's names of the formats that a file may have.

    Raises:
        TfgraphsError: of `kind`: HEIC needs the package pillow-heif; or the file is a raw picture of a camera, in which
            Pillow would find a thumbnail.
        OSError: the file cannot be read.
    """
    if Path(path).suffix.lower() in _CAMERAS:
        raise kind(f"{path} is a camera's raw picture, which is not read: export it as a TIFF or JPEG file")
    with open(path, "rb") as file:
        if _is_heif(file):
            try:
                import pillow_heif
            except ImportError as error:
                raise kind(f"{path} is a HEIC picture, which needs a package: {install_extra('heic')}") from error
            pillow_heif.register_heif_opener(thumbnails=False)
            return ["HEIF"]
    Image.init()  # registers all decoders
    return [name for name in _DECODERS if name in Image.OPEN]


def _is_heif(file: BinaryIO) -> bool:
    header = file.read(_HEADER)
    box = header[: int.from_bytes(header[:4], "big")]
    return box[4:8] == b"ftyp" and any(box[place : place + 4] in _HEIF_BRANDS for place in range(8, len(box), 4))
