"""Animated GIF, WebP and PNG are seen as browsers show them, and what Pillow cannot trust is refused."""

import struct

import numpy as np
import pytest
from film_frames import moving
from picture_makers import LEVEL
from PIL import ExifTags, Image, ImageFile

from tfgraphs.pictures import films
from tfgraphs.pictures.films import FilmError

KINDS = (".gif", ".webp", ".png")
COLOURS = ((255, 0, 0), (0, 128, 0), (0, 0, 255))


def write(path, images, **options):
    first, *others = images
    first.save(path, save_all=True, append_images=others, lossless=True, exact=True, **options)
    return path


def plain(size=(8, 6)):
    return [Image.new("RGB", size, colour) for colour in COLOURS]


@pytest.mark.parametrize("ending", KINDS)
def test_every_frame_is_read(tmp_path, ending):
    film = films.open_film(write(tmp_path / f"plain{ending}", plain(), duration=40))
    assert (film.size, film.count) == ((6, 8), 3)
    for frame, colour in zip(film.frames(), COLOURS, strict=True):
        np.testing.assert_allclose(frame, np.broadcast_to(np.float32(colour) / 255, (6, 8, 3)), atol=LEVEL)


@pytest.mark.parametrize("ending", KINDS)
@pytest.mark.parametrize(
    ("durations", "rate"),
    [
        pytest.param([40, 40, 40], 25, id="steady"),
        pytest.param([100, 30, 20], 20, id="uneven: the mean"),
        pytest.param([10, 10, 10], 10, id="no browser is so fast"),
        pytest.param([60_000, 60_000, 60_000], 0.1, id="slower than a film can be"),
    ],
)
def test_rate_comes_from_the_durations(tmp_path, ending, durations, rate):
    assert films.open_film(write(tmp_path / f"timed{ending}", plain(), duration=durations)).rate == pytest.approx(rate)


def test_a_frame_may_change_only_a_part(tmp_path):
    """GIF and PNG store what is different, to be drawn over what was there."""
    corner = Image.new("RGB", (8, 6), "red")
    corner.paste((0, 0, 255), (5, 3, 8, 6))
    for ending in (".gif", ".png"):
        film = films.open_film(write(tmp_path / f"part{ending}", [Image.new("RGB", (8, 6), "red"), corner]))
        np.testing.assert_allclose(list(film.frames())[1] * 255, np.asarray(corner), atol=1)


@pytest.mark.parametrize("ending", KINDS)
def test_clear_pixels_are_white_and_known(tmp_path, ending):
    stripes = np.zeros((6, 8, 4), np.uint8)
    stripes[:, ::2] = 0, 0, 255, 255
    images = [Image.fromarray(np.roll(stripes, number, axis=1)) for number in (0, 1)]
    path = write(tmp_path / f"clear{ending}", images, disposal=2)
    film = films.open_film(path)
    assert film.transparent
    for number, (frame, alpha) in enumerate(zip(film.frames(), film.alphas(), strict=True)):
        np.testing.assert_array_equal(alpha[0, :, 0], [1 - number, number] * 4)
        np.testing.assert_allclose(frame[:, number::2], np.tile(np.float32([0, 0, 1]), (6, 4, 1)), atol=4 * LEVEL)
        np.testing.assert_allclose(frame[:, 1 - number :: 2], 1, atol=LEVEL)


@pytest.mark.parametrize("ending", [".webp", ".png"])
def test_exif_turns_every_frame(tmp_path, ending):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    film = films.open_film(write(tmp_path / f"turned{ending}", plain(), exif=exif))
    assert film.size == (8, 6)
    assert [frame.shape for frame in film.frames()] == [(8, 6, 3)] * 3


def test_what_a_png_shows_where_nothing_moves_is_no_frame(tmp_path):
    path = tmp_path / "default.png"
    Image.new("RGB", (8, 6), "white").save(path, save_all=True, append_images=plain(), default_image=True)
    film = films.open_film(path)
    assert film.count == 3
    np.testing.assert_array_equal([frame[0, 0] * 255 for frame in film.frames()], COLOURS)


@pytest.mark.parametrize("ending", KINDS)
def test_a_picture_is_a_film_of_one_frame(tmp_path, ending):
    film = films.open_film(write(tmp_path / f"still{ending}", plain()[:1]))
    assert (film.count, len(list(film.frames()))) == (1, 1)


def test_a_webp_of_one_frame_is_a_film(tmp_path):
    films.save(tmp_path / "one.webp", moving(1), 25)
    assert films.open_film(tmp_path / "one.webp").count == 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 3), (7, 5), (300, 2)])
def test_chunks_of_a_webp_fill_the_file(tmp_path, width, height):
    """Each has an even length, and the header says the length of all."""
    films.save(tmp_path / "film.webp", moving(3, height, width), 25, {"made": "here"})
    content = (tmp_path / "film.webp").read_bytes()
    assert content[:12] == b"RIFF" + struct.pack("<I", len(content) - 8) + b"WEBP"
    names, place = [], 12
    while place < len(content):
        names.append(content[place : place + 4])
        place += 8 + struct.unpack_from("<I", content, place + 4)[0]
        place += place % 2
    assert names == [b"VP8X", b"ANIM", b"ANMF", b"ANMF", b"ANMF", b"EXIF"]
    assert place == len(content)


# --- refusals


def refusal(path):
    with pytest.raises(FilmError) as caught:
        films.open_film(path)
    message = str(caught.value)
    assert message.splitlines() == [message]
    assert str(path) in message
    return message


@pytest.mark.parametrize("ending", KINDS)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.75, 0.95])
def test_cut_file_is_refused(tmp_path, ending, part):
    noise = np.random.default_rng(0).integers(0, 256, (4, 24, 32, 3), np.uint8)
    path = write(tmp_path / f"cut{ending}", map(Image.fromarray, noise))
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    assert "damaged" in refusal(path)


def gif(content, width, height):
    content[6:10] = struct.pack("<HH", width, height)


def webp(content, width, height):
    content[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


@pytest.mark.parametrize(("ending", "lie"), [(".gif", gif), (".webp", webp)])
@pytest.mark.parametrize(("width", "height"), [(60_000, 2), (2, 60_000), (12_000, 12_000)])
def test_huge_pictures_are_refused_by_their_header(tmp_path, monkeypatch, ending, lie, width, height):
    path = write(tmp_path / f"huge{ending}", plain())
    content = bytearray(path.read_bytes())
    lie(content, width, height)
    path.write_bytes(content)
    monkeypatch.setattr(
        ImageFile.ImageFile, "load", lambda _: pytest.fail("memory for the pixels is about to be taken")
    )
    refusal(path)


@pytest.mark.parametrize("count", [0, 4, 2**31])
def test_a_png_that_lies_about_its_frames_is_refused_or_read(tmp_path, count):
    import zlib

    path = write(tmp_path / "lie.png", plain())
    content = bytearray(path.read_bytes())
    place = content.index(b"acTL")
    content[place + 4 : place + 8] = struct.pack(">I", count)
    content[place + 12 : place + 16] = struct.pack(">I", zlib.crc32(content[place : place + 12]))
    path.write_bytes(content)
    if count:
        assert "damaged" in refusal(path)
    else:
        assert films.open_film(path).count == 1
