"""A mask is what a person sees in it: white, or what is painted; a black one is refused."""

import numpy as np
import pytest
from PIL import Image

from tfgraphs.pictures import masks


@pytest.mark.parametrize("alpha", [None, 128])
def test_a_mask_is_the_mean_of_the_colours_times_alpha(tmp_path, alpha):
    colour = (30, 60, 240) if alpha is None else (30, 60, 240, alpha)
    Image.new("RGB" if alpha is None else "RGBA", (40, 30), colour).save(tmp_path / "mask.png")
    mask = masks.load_mask(tmp_path / "mask.png", (15, 20))
    assert (mask.dtype, mask.shape) == (np.float32, (15, 20))
    np.testing.assert_allclose(mask, 110 / 255 * (alpha or 255) / 255, atol=2e-3)


def test_a_mask_of_other_proportions_is_refused(tmp_path):
    Image.new("L", (40, 30)).save(tmp_path / "mask.png")
    with pytest.raises(masks.MaskError, match="40 x 30 px and the picture 30 x 30 px"):
        masks.load_mask(tmp_path / "mask.png", (30, 30))


def test_a_mask_of_other_proportions_is_named_with_its_own_size(tmp_path):
    Image.new("L", (4000, 30), 255).save(tmp_path / "mask.png")
    with pytest.raises(masks.MaskError, match=r"mask\.png has 4000 x 30 px"):
        masks.load_mask(tmp_path / "mask.png", (64, 64))


def painted(colour, hidden=(0, 0, 0)):
    """A transparent layer whose right half is painted in one colour."""
    pixels = np.full((30, 40, 4), (*hidden, 0), np.uint8)
    pixels[:, 20:] = (*colour, 255)
    return Image.fromarray(pixels, "RGBA")


HALF = np.repeat([[0.0, 1.0]], 30, axis=0).repeat(20, axis=1)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 60)])
@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 255, 255)])
def test_what_is_painted_in_one_colour_is_the_mask_whatever_the_colour(tmp_path, colour, hidden):
    painted(colour, hidden).save(tmp_path / "mask.png")
    np.testing.assert_allclose(masks.load_mask(tmp_path / "mask.png", (30, 40)), HALF, atol=2 / 255)


def test_opacity_that_grows_is_a_mask_that_grows(tmp_path):
    pixels = np.zeros((30, 256, 4), np.uint8)
    pixels[..., 3] = np.arange(256)
    Image.fromarray(pixels, "RGBA").save(tmp_path / "mask.png")
    mask = masks.load_mask(tmp_path / "mask.png", (30, 256))
    np.testing.assert_allclose(mask, np.tile(np.arange(256) / 255, (30, 1)), atol=1e-6)


def test_colours_that_differ_count_with_their_opacity(tmp_path):
    image = painted((255, 255, 255))
    image.paste((0, 0, 0, 255), (30, 0, 40, 30))
    image.save(tmp_path / "mask.png")
    mask = masks.load_mask(tmp_path / "mask.png", (30, 40))
    np.testing.assert_allclose(mask.mean(axis=0), [0] * 20 + [1] * 10 + [0] * 10, atol=2 / 255)


@pytest.mark.parametrize("blank", [Image.new("L", (40, 30)), Image.new("RGBA", (40, 30)), Image.new("P", (40, 30))])
@pytest.mark.parametrize("size", [None, (15, 20)])
def test_a_mask_that_is_black_everywhere_is_refused(tmp_path, blank, size):
    blank.save(tmp_path / "mask.png")
    with pytest.raises(masks.MaskError, match=r"mask\.png \(40 x 30 px\) is black or transparent everywhere"):
        masks.load_mask(tmp_path / "mask.png", size)
