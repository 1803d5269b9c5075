"""What the tests of pictures share: small pictures, metadata and colour profiles, made in memory."""

import io
import struct

import numpy as np
from PIL import ExifTags, Image

ENDINGS = (".png", ".jpg", ".webp", ".tif")
FAITHFUL = {
    ".png": {},
    ".jpg": {"quality": 100, "subsampling": 0},
    ".webp": {"lossless": True, "exact": True},
    ".tif": {"compression": "tiff_lzw"},
}
LEVEL = 1 / 255
SRGB_COLUMNS = [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)]
D50 = (0.96420, 1.0, 0.82491)
LINEAR = b"curv\0\0\0\0" + struct.pack(">I", 0)


def noise(height: int = 24, width: int = 32, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def patches() -> np.ndarray:
    """Six plain squares of 16 px in two rows, each of another colour: JPEG keeps them almost exactly."""
    colours = np.array([[[250, 20, 30], [10, 200, 40], [20, 60, 240]], [[240, 230, 20], [90, 90, 90], [30, 40, 50]]])
    return colours.repeat(16, axis=0).repeat(16, axis=1).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def heic(image: Image.Image, **options: object) -> bytes:
    """A picture as phones store it; needs pillow-heif."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    return encoded(image, "HEIF", **options)


def turned_exif(*entry: int) -> bytes:
    """EXIF that asks for a quarter turn and holds one entry more: (tag, type, count, value)."""
    entries = sorted([struct.pack("<HHII", *entry), struct.pack("<HHII", ExifTags.Base.Orientation, 3, 1, 6)])
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + b"".join(entries) + bytes(16)


def icc(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A colour profile, version 2.4: header, table of tags, tags."""
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    size = 128 + len(table) + len(body)
    header = struct.pack(">I4xI4s4s4s12x4s28x", size, 0x02400000, kind, space, connection, b"acsp") + fixed(*D50)
    return header.ljust(128, b"\0") + table + body


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(*values)


def linear_rgb(order: tuple[int, int, int]) -> bytes:
    """sRGB's primaries in another order, values proportional to light."""
    red, green, blue = (xyz(SRGB_COLUMNS[channel]) for channel in order)
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), LINEAR)
    return icc(b"mntr", b"RGB ", b"XYZ ", {b"wtpt": xyz(D50), b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue} | curves)
