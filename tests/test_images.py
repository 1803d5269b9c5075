"""Whatever a file holds is read as upright sRGB or refused in one line; what is written can be read again."""

import contextlib
import io
import json
import struct
import types
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageFile, features

from tfgraphs import images
from tfgraphs.errors import TfgraphsError
from tfgraphs.images import ImageError, Picture

ENDINGS = (".png", ".jpg", ".webp", ".tif")
FAITHFUL = {
    ".png": {},
    ".jpg": {"quality": 100, "subsampling": 0},
    ".webp": {"lossless": True, "exact": True},
    ".tif": {"compression": "tiff_lzw"},
}
LEVEL = 1 / 255
ORIGIN = {"command": "neural_style --content=Tübingen/夜 🌙.jpg", "steps": 500, "tv": 1e-4}


def noise(height: int = 24, width: int = 32, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def patches() -> np.ndarray:
    """Six plain squares of 16 px in two rows, each of another colour: JPEG keeps them almost exactly."""
    colours = np.array([[[250, 20, 30], [10, 200, 40], [20, 60, 240]], [[240, 230, 20], [90, 90, 90], [30, 40, 50]]])
    return colours.repeat(16, axis=0).repeat(16, axis=1).astype(np.uint8)


def smooth() -> np.ndarray:
    rows, columns = np.mgrid[0:24, 0:32] / 32
    return np.stack([rows, columns, (1 + np.sin(4 * rows + columns)) / 2], axis=-1).astype(np.float32)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# --- what a file holds

# EXIF 2.3, tag 274: how the rows of an upright picture lie in the file.
STORED = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.swapaxes(0, 1),
    6: np.rot90,
    7: lambda upright: np.rot90(upright.swapaxes(0, 1), 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_applied(tmp_path, orientation, ending):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = tmp_path / f"turned{ending}"
    Image.fromarray(np.ascontiguousarray(STORED[orientation](patches()))).save(path, exif=exif, **FAITHFUL[ending])
    np.testing.assert_allclose(images.load(path).pixels, patches() / 255, atol=3 * LEVEL)


RAMP = np.arange(256, dtype=np.uint8).reshape(8, 32)
INDICES = (RAMP % 4).astype(np.uint8)
PALETTE = np.array([[255, 0, 0], [0, 128, 0], [0, 0, 64], [9, 99, 199]], np.uint8)


def with_palette() -> Image.Image:
    image = Image.fromarray(INDICES, "P")
    image.putpalette(PALETTE.tobytes())
    return image


def grey(values: np.ndarray) -> np.ndarray:
    return np.dstack([values] * 3)


MODES: dict[str, tuple[Image.Image, dict[str, object], np.ndarray, np.ndarray | None]] = {
    "grey": (Image.fromarray(RAMP), {}, grey(RAMP), None),
    "1 bit": (Image.fromarray(RAMP > 99), {}, grey(np.where(RAMP > 99, 255, 0)), None),
    "palette": (with_palette(), {}, PALETTE[INDICES], None),
    "palette with a clear index": (
        with_palette(),
        {"transparency": 2},
        PALETTE[INDICES],
        np.where(INDICES == 2, 0, 255),
    ),
    "palette with alphas": (
        with_palette(),
        {"transparency": bytes([0, 100, 200, 255])},
        PALETTE[INDICES],
        np.array([0, 100, 200, 255])[INDICES],
    ),
    "grey and alpha": (Image.fromarray(np.dstack([RAMP, RAMP[::-1]]), "LA"), {}, grey(RAMP), RAMP[::-1]),
    "grey with a clear level": (Image.fromarray(RAMP), {"transparency": 7}, grey(RAMP), np.where(RAMP == 7, 0, 255)),
    "colour": (Image.fromarray(noise()), {}, noise(), None),
    "colour with a clear colour": (
        Image.fromarray(PALETTE[INDICES]),
        {"transparency": (0, 128, 0)},
        PALETTE[INDICES],
        np.where(INDICES == 1, 0, 255),
    ),
    "colour and alpha": (Image.fromarray(noise(channels=4)), {}, noise(channels=4)[..., :3], noise(channels=4)[..., 3]),
}


@pytest.mark.parametrize("mode", MODES)
def test_pixels_of_every_mode(tmp_path, mode):
    image, options, expected, _ = MODES[mode]
    image.save(tmp_path / "mode.png", **options)
    np.testing.assert_allclose(images.load(tmp_path / "mode.png").pixels, expected / 255, atol=1e-6)


@pytest.mark.parametrize("mode", [mode for mode in MODES if MODES[mode][3] is not None])
def test_alpha_of_every_mode(tmp_path, mode):
    image, options, _, expected = MODES[mode]
    image.save(tmp_path / "mode.png", **options)
    np.testing.assert_allclose(images.load(tmp_path / "mode.png").alpha, expected / 255, atol=1e-6)


@pytest.mark.parametrize("mode", [mode for mode in MODES if MODES[mode][3] is None])
def test_opaque_picture_has_no_alpha(tmp_path, mode):
    image, options, _, _ = MODES[mode]
    image.save(tmp_path / "mode.png", **options)
    assert images.load(tmp_path / "mode.png").alpha is None


DEEP = (np.arange(1024).reshape(32, 32) * 64 + 63).astype(np.uint16)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(encoded(Image.fromarray(DEEP), "PNG"), id="png"),
        pytest.param(encoded(Image.fromarray(DEEP), "TIFF"), id="tiff"),
        pytest.param(encoded(Image.fromarray(DEEP.astype(">u2")), "TIFF"), id="big-endian tiff"),
        pytest.param(b"P5 32 32 65535\n" + DEEP.astype(">u2").tobytes(), id="pgm"),
    ],
)
def test_sixteen_bits_keep_all_their_levels(tmp_path, content):
    (tmp_path / "deep").write_bytes(content)
    np.testing.assert_allclose(images.load(tmp_path / "deep").pixels, grey(DEEP / 65535), atol=1e-6)


def test_scaled_sixteen_bits_stay_in_range(tmp_path):
    """Bicubic resampling overshoots at an edge."""
    Image.fromarray(np.where(np.mgrid[0:32, 0:32][1] < 16, 0, 65535).astype(np.uint16)).save(tmp_path / "edge.png")
    pixels = images.load(tmp_path / "edge.png", size=50, upsample=True).pixels
    assert (pixels.min(), pixels.max()) == (0, 1)


def test_cmyk_without_profile_is_multiplied_out(tmp_path):
    inks = np.array([40, 120, 200, 60], np.uint8)
    Image.fromarray(np.tile(inks, (16, 16, 1)), "CMYK").save(tmp_path / "inks.jpg", quality=100)
    expected = (1 - inks[:3] / 255) * (1 - inks[3] / 255)
    np.testing.assert_allclose(images.load(tmp_path / "inks.jpg").pixels[8, 8], expected, atol=3 * LEVEL)


@pytest.mark.parametrize("ending", [".gif", ".webp", ".tif", ".png", ".mpo"])
def test_first_of_several_frames_is_read(tmp_path, ending):
    path = tmp_path / f"film{ending}"
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("white", "black"))
    first.save(path, save_all=True, append_images=[second])
    np.testing.assert_allclose(images.load(path).pixels, 1, atol=LEVEL)


@pytest.mark.parametrize("ending", [".gif", ".bmp", ".ppm"])
def test_further_formats_are_read(tmp_path, ending):
    with_palette().convert("P" if ending == ".gif" else "RGB").save(tmp_path / f"other{ending}")
    np.testing.assert_allclose(images.load(tmp_path / f"other{ending}").pixels, PALETTE[INDICES] / 255, atol=1e-6)


# --- colour profiles

SRGB_COLUMNS = [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)]
D50 = (0.96420, 1.0, 0.82491)
LINEAR = b"curv\0\0\0\0" + struct.pack(">I", 0)


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


def linear_grey() -> bytes:
    return icc(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": xyz(D50), b"kTRC": LINEAR})


def black_ink_only() -> bytes:
    """A press on which only black shows: L* falls in proportion to it, the other inks leave no trace."""
    identity = bytes(range(256))
    corners = b"".join(bytes([0 if corner & 1 else 255, 128, 128]) for corner in range(16))
    matrix = fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + corners + identity * 3
    return icc(b"prtr", b"CMYK", b"Lab ", {b"wtpt": xyz(D50), b"A2B0": table})


def srgb(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1: linear light to sRGB."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_colour_profile_is_converted(tmp_path, order, ending):
    Image.fromarray(patches()).save(tmp_path / f"wide{ending}", icc_profile=linear_rgb(order), **FAITHFUL[ending])
    expected = np.empty(patches().shape)
    expected[..., list(order)] = srgb(patches() / 255)
    pixels = images.load(tmp_path / f"wide{ending}").pixels
    np.testing.assert_allclose(pixels, expected, atol=(12 if ending == ".jpg" else 2) * LEVEL)


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA"])
def test_colour_profile_of_every_mode_is_converted(tmp_path, mode):
    image = Image.fromarray(patches()).convert(mode)
    expected = srgb(np.asarray(image.convert("RGB")) / 255)
    profile = linear_grey() if mode in ("L", "LA") else linear_rgb((0, 1, 2))
    image.save(tmp_path / "wide.png", icc_profile=profile)
    np.testing.assert_allclose(images.load(tmp_path / "wide.png").pixels, expected, atol=2 * LEVEL)


def test_colour_profile_leaves_alpha_alone(tmp_path):
    values = noise(channels=4)
    Image.fromarray(values).save(tmp_path / "clear.png", icc_profile=linear_rgb((0, 1, 2)))
    np.testing.assert_allclose(images.load(tmp_path / "clear.png").alpha, values[..., 3] / 255, atol=1e-6)


@pytest.mark.parametrize("black", [0, 51, 128, 230])
def test_press_profile_is_converted(tmp_path, black):
    inks = np.tile(np.array([200, 30, 90, black], np.uint8), (16, 16, 1))
    Image.fromarray(inks, "CMYK").save(tmp_path / "press.jpg", quality=100, icc_profile=black_ink_only())
    lightness = 100 * (1 - black / 255)
    light = ((lightness + 16) / 116) ** 3 if lightness > 8 else lightness / 903.3
    np.testing.assert_allclose(images.load(tmp_path / "press.jpg").pixels[8, 8], srgb(np.full(3, light)), atol=0.02)


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(b"no profile at all", id="text"),
        pytest.param(linear_rgb((0, 1, 2))[:200], id="cut"),
        pytest.param(linear_grey(), id="of a grey picture"),
    ],
)
def test_unfit_colour_profile_is_ignored_with_a_warning(tmp_path, profile):
    Image.fromarray(patches()).save(tmp_path / "odd.png", icc_profile=profile)
    with pytest.warns(UserWarning, match="colour profile ignored"):
        picture = images.load(tmp_path / "odd.png")
    np.testing.assert_allclose(picture.pixels, patches() / 255, atol=1e-6)


# --- size


@pytest.mark.parametrize(
    ("size", "upsample", "expected"),
    [
        (None, False, (24, 32)),
        (16, False, (12, 16)),
        (64, False, (24, 32)),
        (64, True, (48, 64)),
        (None, True, (24, 32)),
    ],
)
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_longer_side_has_the_size_and_grows_only_when_asked(tmp_path, depth, size, upsample, expected):
    Image.fromarray(noise()[..., 0].astype(depth)).save(tmp_path / "sized.png")
    assert images.load(tmp_path / "sized.png", size, upsample).size == expected


@pytest.mark.parametrize(("depth", "white"), [(np.uint8, 255), (np.uint16, 65_535)])
def test_checkerboard_read_smaller_is_grey(tmp_path, depth, white):
    board = np.indices((64, 64)).sum(axis=0) % 2 * white
    Image.fromarray(board.astype(depth)).save(tmp_path / "board.png")
    np.testing.assert_allclose(images.load(tmp_path / "board.png", size=8).pixels, 0.5, atol=0.01)


def test_shrinking_lets_no_clear_pixel_bleed(tmp_path):
    """The colour under transparent pixels does not reach the visible ones."""
    values = np.zeros((32, 32, 4), np.uint8)
    values[:, 13:] = 255, 0, 0, 255
    Image.fromarray(values).save(tmp_path / "cut_out.png")
    picture = images.load(tmp_path / "cut_out.png", size=8)
    np.testing.assert_allclose(picture.pixels[picture.alpha > 0.1, 0], 1, atol=4 * LEVEL)


SIDES = st.integers(1, images.MAX_SIDE)
steady = settings(deadline=None, derandomize=True, database=None)


@steady
@given(size=st.tuples(SIDES, SIDES), longest=SIDES)
def test_fit_keeps_proportions(size, longest):
    height, width = images.fit(size, longest, upsample=True)
    assert max(height, width) == longest
    assert abs(min(height, width) - max(1, longest * min(size) / max(size))) <= 0.5
    assert (height >= width) == (size[0] >= size[1]) or height == width


@steady
@given(size=st.tuples(SIDES, SIDES), longest=st.none() | SIDES)
def test_fit_never_enlarges_unasked(size, longest):
    assert max(images.fit(size, longest)) == min(max(size), longest or max(size))


@pytest.mark.parametrize("size", [(3, 4), (50, 70), (7, 64)])
@pytest.mark.parametrize("value", [-3.5, 0.25, 200])
def test_resized_constant_stays_constant(value, size):
    np.testing.assert_allclose(images.resize(np.full((20, 30, 2), value), size), np.full((*size, 2), value), rtol=1e-5)


def test_shrunk_checkerboard_is_grey():
    board = np.indices((64, 64)).sum(axis=0) % 2
    np.testing.assert_allclose(images.resize(board[..., None].astype(np.float32), (8, 8)), 0.5, atol=0.01)


@pytest.mark.parametrize("width", [16, 24, 96, 150])
def test_resized_ramp_stays_a_ramp(width):
    """Pixel i of n covers (i + 0.5) / n of the way; only the borders, where the kernel is cut off, may differ."""
    ramp = np.tile((np.arange(48) + 0.5) / 48, (5, 1))[..., None]
    expected = (np.arange(width) + 0.5) / width
    inner = slice(width // 8, -(width // 8))
    np.testing.assert_allclose(images.resize(ramp, (5, width))[2, inner, 0], expected[inner], atol=2e-3)


# --- writing


@pytest.mark.parametrize("ending", [".png", ".tif", ".tiff", ".PNG"])
def test_lossless_formats_give_back_the_pixels(tmp_path, ending):
    images.save(tmp_path / f"kept{ending}", Picture(noise() / np.float32(255)))
    np.testing.assert_array_equal(np.round(images.load(tmp_path / f"kept{ending}").pixels * 255), noise())


@pytest.mark.parametrize("ending", [".jpg", ".jpeg", ".webp"])
def test_lossy_formats_give_back_nearly_the_pixels(tmp_path, ending):
    images.save(tmp_path / f"kept{ending}", Picture(smooth()))
    np.testing.assert_allclose(images.load(tmp_path / f"kept{ending}").pixels, smooth(), atol=16 * LEVEL)


@pytest.mark.parametrize(("ending", "kind"), [(".png", "PNG"), (".jpg", "JPEG"), (".webp", "WEBP"), (".tif", "TIFF")])
def test_ending_names_the_format(tmp_path, ending, kind):
    images.save(tmp_path / f"picture{ending}", Picture(smooth()))
    with Image.open(tmp_path / f"picture{ending}") as file:
        assert file.format == kind


def test_saved_values_are_clipped_and_rounded(tmp_path):
    values = np.array([-0.2, 0.4 * LEVEL, 0.6 * LEVEL, 254.4 * LEVEL, 1.3], np.float32)
    images.save(tmp_path / "clipped.png", Picture(grey(values[None])))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "clipped.png"))[0, :, 0], [0, 0, 1, 254, 255])


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif"])
def test_alpha_is_restored(tmp_path, ending):
    alpha = noise()[..., 0] / np.float32(255)
    images.save(tmp_path / f"clear{ending}", Picture(smooth(), alpha))
    np.testing.assert_allclose(images.load(tmp_path / f"clear{ending}").alpha, alpha, atol=1e-6)


@pytest.mark.parametrize("alpha", [0, 0.25, 1])
def test_jpeg_is_laid_on_white(tmp_path, alpha):
    images.save(tmp_path / "laid.jpg", Picture(smooth(), np.full((24, 32), alpha, np.float32)))
    expected = smooth() * alpha + (1 - alpha)
    np.testing.assert_allclose(images.load(tmp_path / "laid.jpg").pixels, expected, atol=8 * LEVEL)


@pytest.mark.parametrize("ending", ENDINGS)
def test_origin_is_read_back(tmp_path, ending):
    images.save(tmp_path / f"made{ending}", Picture(smooth()), ORIGIN)
    assert images.read_origin(tmp_path / f"made{ending}") == ORIGIN


@pytest.mark.parametrize("ending", ENDINGS)
def test_same_picture_and_origin_give_the_same_bytes(tmp_path, ending):
    for name in ("one", "other"):
        images.save(tmp_path / f"{name}{ending}", Picture(smooth()), ORIGIN)
    assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"other{ending}").read_bytes()


def test_any_mapping_serves_as_origin(tmp_path):
    images.save(tmp_path / "made.png", Picture(smooth()), types.MappingProxyType(ORIGIN))
    assert images.read_origin(tmp_path / "made.png") == ORIGIN


def description(text: str) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = text
    return exif


def turned_exif(*entry: int) -> bytes:
    """EXIF that asks for a quarter turn and holds one entry more: (tag, type, count, value)."""
    entries = sorted([struct.pack("<HHII", *entry), struct.pack("<HHII", ExifTags.Base.Orientation, 3, 1, 6)])
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + b"".join(entries) + bytes(16)


@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(description("Holiday by the sea"), id="text"),
        pytest.param(description(json.dumps(["a", "list"])), id="json, but no object"),
        pytest.param(description("[" * 30_000), id="deep json"),
        pytest.param(turned_exif(ExifTags.Base.ImageDescription, 3, 1, 5), id="number"),
    ],
)
def test_foreign_picture_has_no_origin(tmp_path, exif):
    Image.new("RGB", (4, 4)).save(tmp_path / "foreign.jpg", exif=exif)
    with pytest.raises(ImageError, match=r"foreign\.jpg does not say how it was made"):
        images.read_origin(tmp_path / "foreign.jpg")


@pytest.mark.parametrize("name", ["picture.bmp", "picture", "picture.png.txt", "png"])
@pytest.mark.parametrize(
    "act", [pytest.param(lambda path: images.save(path, Picture(smooth())), id="save"), images.check_format]
)
def test_unknown_ending_is_refused(tmp_path, name, act):
    with pytest.raises(ImageError, match=rf"{name}: .*\.png, \.jpg"):
        act(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "picture", "origin"),
    [
        pytest.param("wide.webp", Picture(np.zeros((1, 16_384, 3), np.float32)), None, id="webp of 16384 px"),
        pytest.param("told.jpg", Picture(smooth()), {"flags": "x" * 70_000}, id="jpeg with 64 KiB of origin"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(tmp_path, name, picture, origin):
    with pytest.raises(TfgraphsError, match=name):
        images.save(tmp_path / name, picture, origin)
    assert list(tmp_path.iterdir()) == []


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
    """The message of the ImageError: one line that begins with the file's name."""
    with pytest.raises(ImageError) as caught:
        read(path)
    message = str(caught.value)
    assert message.splitlines() == [message]
    assert message.startswith(f"{path} ")
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
    assert "is a directory" in refusal(tmp_path / name)


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


fuzzed = settings(steady, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


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
