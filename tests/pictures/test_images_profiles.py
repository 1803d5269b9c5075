"""Colours are converted to sRGB as a file's profile says; a profile that does not fit is ignored with a warning."""

import numpy as np
import pytest
from picture_makers import D50, ENDINGS, FAITHFUL, LEVEL, LINEAR, fixed, icc, linear_rgb, noise, patches, xyz
from PIL import Image

from tfgraphs.pictures import images


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
