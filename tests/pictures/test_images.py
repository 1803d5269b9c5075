"""Whatever a file holds is read as upright sRGB in the size asked for; what is written can be read again."""

import json
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_makers import ENDINGS, FAITHFUL, LEVEL, encoded, noise, patches, turned_exif
from PIL import ExifTags, Image

from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures import images
from tfgraphs.pictures.images import MAX_SIDE, ImageError, Picture

ORIGIN = {"command": "neural_style --content=Tübingen/夜 🌙.jpg", "steps": 500, "tv": 1e-4}


def smooth() -> np.ndarray:
    rows, columns = np.mgrid[0:24, 0:32] / 32
    return np.stack([rows, columns, (1 + np.sin(4 * rows + columns)) / 2], axis=-1).astype(np.float32)


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


SIDES = st.integers(1, MAX_SIDE)


@given(size=st.tuples(SIDES, SIDES), longest=SIDES)
def test_fit_keeps_proportions(size, longest):
    height, width = images.fit(size, longest, upsample=True)
    assert max(height, width) == longest
    assert abs(min(height, width) - max(1, longest * min(size) / max(size))) <= 0.5
    assert (height >= width) == (size[0] >= size[1]) or height == width


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
