"""GIF films: one good palette, a dither that stands still, times in hundredths, transparency, repetitions."""

import struct
import tracemalloc

import numpy as np
import pytest
from film_frames import ORIGIN, moving, still
from picture_makers import LEVEL
from PIL import Image

from tfgraphs.pictures import films
from tfgraphs.pictures.films.dither import Dither, film_colours


def shown(path):
    return list(films.open_film(path).frames())


def blurred(frame):
    """The mean of each square of 8 px."""
    height, width, _ = frame.shape
    return frame.reshape(height // 8, 8, width // 8, 8, 3).mean(axis=(1, 3))


def test_frames_come_back_nearly_as_they_were(tmp_path):
    films.save(tmp_path / "waves.gif", moving(12, 96, 128), 25)
    found = shown(tmp_path / "waves.gif")
    for frame, expected in zip(found, moving(12, 96, 128), strict=True):
        assert np.abs(frame - expected).mean() < 12 * LEVEL
        np.testing.assert_allclose(blurred(frame), blurred(expected), atol=10 * LEVEL)


def test_a_few_colours_are_kept_exactly(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (200, 3), np.uint8)
    frames = colours[np.random.default_rng(1).integers(0, 200, (5, 24, 32))].astype(np.float32) / 255
    films.save(tmp_path / "few.gif", frames, 25)
    np.testing.assert_array_equal(shown(tmp_path / "few.gif"), frames)


def test_what_does_not_move_does_not_flicker(tmp_path):
    """A half stands still while the other changes all its colours."""
    calm = next(moving(1, 64, 64))
    frames = [np.hstack([calm, np.random.default_rng(number).random((64, 64, 3), np.float32)]) for number in range(6)]
    films.save(tmp_path / "calm.gif", frames, 25)
    first, *others = shown(tmp_path / "calm.gif")
    for frame in others:
        np.testing.assert_array_equal(frame[:, :64], first[:, :64])


def test_a_mixture_has_the_mean_that_was_asked_for():
    dither = Dither(np.uint8([[0, 0, 0], [255, 255, 255], [255, 0, 0]]))
    for value in (0, 40, 100, 128, 200, 255):
        numbers = dither(np.full((16, 16, 3), value, np.uint8))
        assert dither.palette[numbers].mean(axis=(0, 1)) == pytest.approx([value] * 3, abs=8)


def test_a_palette_counts_what_is_seen():
    frames = np.zeros((1, 16, 16, 4), np.uint8)
    frames[..., :3] = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3))
    frames[0, :8, :, 3] = 255
    assert {tuple(colour) for colour in film_colours(frames, 200)} <= {
        tuple(one) for one in frames[0, :8, :, :3].reshape(-1, 3)
    }
    assert film_colours(np.zeros((1, 4, 4, 4), np.uint8), 255).shape == (1, 3)


@pytest.mark.parametrize("rate", [0.1, 3, 12.5, 24, 30, 50])
def test_delays_add_up(tmp_path, rate):
    films.save(tmp_path / "steady.gif", moving(9, 8, 8), rate)
    with Image.open(tmp_path / "steady.gif") as file:
        delays = []
        for number in range(file.n_frames):
            file.seek(number)
            delays.append(file.info["duration"])
        assert file.info["loop"] == 0
    np.testing.assert_allclose(np.cumsum(delays), np.arange(1, 10) * 1000 / rate, atol=5)


def test_origin_is_a_comment(tmp_path):
    films.save(tmp_path / "made.gif", moving(2), 25, ORIGIN | {"long": "x" * 2000})
    assert films.read_origin(tmp_path / "made.gif") == ORIGIN | {"long": "x" * 2000}
    films.save(tmp_path / "silent.gif", moving(2), 25)
    with pytest.raises(films.FilmError, match="does not say how it was made"):
        films.read_origin(tmp_path / "silent.gif")


def test_the_same_frames_give_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        films.save(tmp_path / f"{name}.gif", moving(9), 25, ORIGIN)
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "other.gif").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 5), (300, 20)])
def test_sizes_are_kept(tmp_path, width, height):
    films.save(tmp_path / "film.gif", moving(3, height, width), 25)
    content = (tmp_path / "film.gif").read_bytes()
    assert struct.unpack("<HH", content[6:10]) == (width, height)
    film = films.open_film(tmp_path / "film.gif")
    assert (film.size, film.count, film.rate) == ((height, width), 3, 25)


@pytest.mark.parametrize(("frames", "reason"), [([], "there are no frames"), ([still((0, 0, 0), 2, 65_536)], "65,535")])
def test_what_makes_no_gif_is_refused(tmp_path, frames, reason):
    with pytest.raises(films.FilmError, match=reason):
        films.save(tmp_path / "film.gif", frames, 25)
    assert list(tmp_path.iterdir()) == []


def test_many_frames_need_no_more_memory_than_a_few(tmp_path):
    def most(count):
        tracemalloc.start()
        try:
            films.save(tmp_path / "film.gif", moving(count, 96, 128), 25)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most(2)
    assert most(120) < most(20) + 500_000
