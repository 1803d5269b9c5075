"""What phones, cameras and the web make is read, or named with the way to read it."""

import sys

import numpy as np
import pytest
from picture_makers import encoded, heic, noise, patches, turned_exif
from PIL import ExifTags, Image

from tfgraphs.extras import install_extra
from tfgraphs.pictures import images
from tfgraphs.pictures.films.folders import sources
from tfgraphs.pictures.formats import LIKE_PICTURES
from tfgraphs.pictures.images import ImageError, Picture

ORIGIN = {"command": "deepdream", "flags": {"steps": 8}}


def photograph(**options):
    pytest.importorskip("pillow_heif")
    return heic(Image.fromarray(patches()), quality=100, chroma=444, **options)


@pytest.mark.parametrize("name", ["phone.heic", "phone.HEIF", "phone.jpg", "phone"])
def test_a_heic_picture_is_read_whatever_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(photograph())
    np.testing.assert_allclose(images.load(tmp_path / name).pixels, patches() / 255, atol=6 / 255)


def test_a_heic_picture_is_turned_once(tmp_path):
    exif = turned_exif(ExifTags.Base.Software, 3, 1, 0)
    (tmp_path / "turned.heic").write_bytes(photograph(exif=exif))
    picture = images.load(tmp_path / "turned.heic")
    assert picture.size == images.read_size(tmp_path / "turned.heic")
    np.testing.assert_allclose(picture.pixels, np.rot90(patches(), -1) / 255, atol=6 / 255)


def test_a_heic_picture_keeps_its_transparency(tmp_path):
    pixels = np.full((32, 32, 4), 255, np.uint8)
    pixels[:, :16, 3] = 0
    pytest.importorskip("pillow_heif")
    (tmp_path / "clear.heic").write_bytes(heic(Image.fromarray(pixels, "RGBA"), quality=100))
    alpha = images.load(tmp_path / "clear.heic").alpha
    assert alpha is not None
    np.testing.assert_allclose(alpha, pixels[..., 3] / 255, atol=6 / 255)


def test_without_pillow_heif_the_extra_is_named(tmp_path, monkeypatch):
    content = photograph()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "phone.jpg").write_bytes(content)
    with pytest.raises(ImageError) as caught:
        images.load(tmp_path / "phone.jpg")
    assert (
        str(caught.value) == f"{tmp_path}/phone.jpg is a HEIC picture, which needs a package: {install_extra('heic')}"
    )


@pytest.mark.parametrize("name", ["shot.NEF", "shot.cr2", "shot.dng"])
def test_the_thumbnail_of_a_raw_picture_is_not_taken_for_it(tmp_path, name):
    (tmp_path / name).write_bytes(encoded(Image.fromarray(noise()), "TIFF"))
    with pytest.raises(ImageError, match=r"camera's raw picture.*export it"):
        images.load(tmp_path / name)


@pytest.mark.parametrize("alpha", [None, np.linspace(0, 1, 48 * 32, dtype=np.float32).reshape(32, 48)])
def test_avif_is_written_with_its_origin_and_read_again(tmp_path, alpha):
    picture = Picture((patches() / 255).astype(np.float32), alpha)
    for name in ("once.avif", "twice.avif"):
        images.save(tmp_path / name, picture, ORIGIN)
    assert (tmp_path / "once.avif").read_bytes() == (tmp_path / "twice.avif").read_bytes()
    again = images.load(tmp_path / "once.avif")
    np.testing.assert_allclose(again.pixels, picture.pixels, atol=8 / 255)
    assert images.read_origin(tmp_path / "once.avif") == ORIGIN
    if alpha is not None:
        np.testing.assert_allclose(again.alpha, alpha, atol=4 / 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_picture(tmp_path, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.new("RGB", (48, 32)).save(tmp_path / "turned.jpg", exif=exif)
    assert images.read_size(tmp_path / "turned.jpg") == images.load(tmp_path / "turned.jpg").size


def test_a_folder_lists_all_that_people_take_for_pictures(tmp_path):
    for ending in LIKE_PICTURES:
        (tmp_path / f"shot{ending.upper()}").touch()
    (tmp_path / "notes.txt").touch()
    assert len(sources(tmp_path)) == len(LIKE_PICTURES)


@pytest.mark.parametrize("address", ["https://example.com/cat.jpg", "s3://cats/cat.jpg", "file:///cats/cat.jpg"])
@pytest.mark.parametrize("read", [images.load, images.read_origin, sources])
def test_an_address_is_named_as_it_was_given(address, read):
    with pytest.raises(Exception, match=f"^{address} is an address, from which nothing is fetched"):
        read(address)
