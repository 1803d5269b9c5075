"""A file that is no picture, too large or damaged is refused in one line; odd metadata spoils nothing."""

import contextlib
import importlib.util
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picture_makers import FAITHFUL, LEVEL, encoded, heic, linear_rgb, noise, patches, turned_exif
from PIL import ExifTags, Image, ImageFile, features

from tfgraphs.pictures import images
from tfgraphs.pictures.images import ImageError

# --- refusals


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int) -> bytes:
    """A PNG with an honest header, but only one row of black pixels at most."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(min(width, 1000) + 1)))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + encoded(Image.new("P", (4, 4)), "GIF")[10:]


def bmp(width: int, height: int) -> bytes:
    content = bytearray(encoded(Image.new("RGB", (4, 4)), "BMP"))
    content[18:26] = struct.pack("<II", width, height)
    return bytes(content)


def refusal(path: Path, read: Callable[[Path], object] = images.load) -> str:
    """The message of the ImageError: one line that names the file."""
    with pytest.raises(ImageError) as caught:
        read(path)
    message = str(caught.value)
    assert message.splitlines() == [message]
    assert str(path) in message
    return message


NO_PICTURE = "not a picture that can be read"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("Empty.png", b"", NO_PICTURE),
        ("Letter.png", b"Dear Sir or Madam,\n", NO_PICTURE),
        ("Drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>', NO_PICTURE),
        ("Page.eps", encoded(Image.new("RGB", (4, 4)), "EPS"), NO_PICTURE),
        ("Page.png", encoded(Image.new("RGB", (4, 4)), "EPS"), NO_PICTURE),
        ("Narrow.png", png(0, 5), NO_PICTURE),
        ("Low.png", png(5, 0), NO_PICTURE),
        ("Narrow.ppm", b"P6 0 5 255\n", NO_PICTURE),
        ("Narrow.bmp", bmp(0, 5), NO_PICTURE),
        ("Wide.png", encoded(Image.new("1", (30_000, 2)), "PNG"), "too large"),
        ("Tall.png", encoded(Image.new("1", (2, 30_000)), "PNG"), "too large"),
        ("Float.tif", encoded(Image.new("F", (4, 4), 0.5), "TIFF"), "32-bit float"),
        ("Deep.tif", encoded(Image.new("I", (4, 4), 65_536), "TIFF"), "32-bit integer"),
        ("Negative.tif", encoded(Image.new("I", (4, 4), -1), "TIFF"), "32-bit integer"),
        ("Sum.png", png(4, 4).replace(b"IDAT", b"IDAT\0"), "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_file_is_refused_in_one_line(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    assert reason in refusal(tmp_path / name)


def test_missing_file_is_refused_in_one_line(tmp_path):
    assert "does not exist" in refusal(tmp_path / "Missing.png")


@pytest.mark.parametrize("name", ["Folder", "Folder.png"])
def test_folder_is_refused_in_one_line(tmp_path, name):
    (tmp_path / name).mkdir()
    assert "it is a folder" in refusal(tmp_path / name)


WHOLE = {
    "png": encoded(Image.fromarray(noise()), "PNG"),
    "gif": encoded(Image.fromarray(noise()).quantize(64), "GIF"),
    "jpg": encoded(Image.fromarray(noise()), "JPEG"),
    "progressive.jpg": encoded(Image.fromarray(noise()), "JPEG", progressive=True),
    "webp": encoded(Image.fromarray(noise()), "WEBP"),
    "lossless.webp": encoded(Image.fromarray(noise()), "WEBP", lossless=True),
    "tif": encoded(Image.fromarray(noise()), "TIFF"),
    "lzw.tif": encoded(Image.fromarray(noise()), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("part", [0.001, 0.02, 0.25, 0.5, 0.75, 0.95])
def test_cut_file_is_refused_in_one_line(tmp_path, kind, part):
    path = tmp_path / f"Cut.{kind}"
    path.write_bytes(WHOLE[kind][: max(1, int(part * len(WHOLE[kind])))])
    refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(60_000, 60_000), id="png"),
        pytest.param(png(12_000, 12_000), id="smaller png"),
        pytest.param(gif(60_000, 60_000), id="gif"),
        pytest.param(bmp(60_000, 60_000), id="bmp"),
    ],
)
@pytest.mark.parametrize("read", [images.load, images.read_origin])
def test_huge_picture_is_refused_by_its_header(tmp_path, monkeypatch, content, read):
    def decode(_: Image.Image) -> None:
        pytest.fail("memory for the pixels is about to be taken")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    (tmp_path / "Huge.png").write_bytes(content)
    refusal(tmp_path / "Huge.png", read)


# --- damage


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param((ExifTags.Base.ImageWidth, 2, 2, 0x78), id="width in words"),
        pytest.param((ExifTags.Base.XResolution, 2, 2, 0x78), id="resolution in words"),
        pytest.param((ExifTags.Base.Software, 11, 1, 0), id="software as a number"),
    ],
)
def test_odd_exif_does_not_spoil_a_turned_picture(tmp_path, entry):
    stored = Image.fromarray(np.rot90(patches()).copy())
    stored.save(tmp_path / "odd.jpg", exif=turned_exif(*entry), **FAITHFUL[".jpg"])
    np.testing.assert_allclose(images.load(tmp_path / "odd.jpg").pixels, patches() / 255, atol=3 * LEVEL)


SMALL = Image.fromarray(noise(6, 8))
RICH = {"exif": turned_exif(ExifTags.Base.Make, 2, 2, 0x78), "icc_profile": linear_rgb((2, 0, 1))}
GIVEN = {
    "png": encoded(SMALL, "PNG"),
    "rich png": encoded(SMALL, "PNG", **RICH),
    "jpeg": encoded(SMALL, "JPEG"),
    "rich jpeg": encoded(SMALL, "JPEG", **RICH),
    "webp": encoded(SMALL, "WEBP"),
    "rich webp": encoded(SMALL, "WEBP", **RICH),
    "tiff": encoded(SMALL, "TIFF"),
    "rich tiff": encoded(SMALL, "TIFF", compression="tiff_lzw", **RICH),
    "gif": encoded(SMALL, "GIF"),
}
if features.check("avif"):
    GIVEN["avif"] = encoded(SMALL, "AVIF")
if importlib.util.find_spec("pillow_heif"):
    GIVEN["heic"] = heic(SMALL)


def sealed(content: bytes) -> bytes:
    """A damaged PNG with right checksums, so that the decoder looks at the damage."""
    result, place = content[:8], 8
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        if place + 12 + length > len(content):
            break
        result += chunk(content[place + 4 : place + 8], content[place + 8 : place + 8 + length])
        place += 12 + length
    return result + content[place:]


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The file with up to six bytes changed, some of them cut short."""
    content = bytearray(whole)
    for place in draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
        content[place] ^= draw(st.integers(1, 255))
    content = bytes(content[: draw(st.just(len(whole)) | st.integers(0, len(whole)))])
    return sealed(content) if content.startswith(b"\x89PNG") else content


fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", GIVEN)
@fuzzed
@given(data=st.data())
def test_damaged_file_is_read_or_refused(tmp_path, kind, data):
    (tmp_path / "damaged").write_bytes(data.draw(damaged(GIVEN[kind])))
    with contextlib.suppress(ImageError):
        pixels = images.load(tmp_path / "damaged").pixels
        assert (pixels.dtype, pixels.shape[2:]) == (np.float32, (3,))
        assert 0 <= pixels.min() <= pixels.max() <= 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", GIVEN)
@fuzzed
@given(data=st.data())
def test_origin_of_damaged_file_is_read_or_refused(tmp_path, kind, data):
    (tmp_path / "damaged").write_bytes(data.draw(damaged(GIVEN[kind])))
    with contextlib.suppress(ImageError):
        assert isinstance(images.read_origin(tmp_path / "damaged"), dict)
