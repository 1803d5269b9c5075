"""A film with a few wrong bytes is read or refused in one line, whatever they are, and takes little memory."""

import tracemalloc

import numpy as np
import pytest
from film_frames import ORIGIN, moving, write_clapper, write_video
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tfgraphs.pictures import films
from tfgraphs.pictures.films import FilmError

av = pytest.importorskip("av")

fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
SMALL = list(moving(5, 16, 24))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Films of several formats, as bytes by ending."""
    folder = tmp_path_factory.mktemp("whole")
    films.save(folder / "film.mp4", SMALL, 25, ORIGIN)
    films.save(folder / "film.webp", SMALL, 25, ORIGIN)
    films.save(folder / "film.apng", SMALL, 25, ORIGIN)
    write_clapper(folder / "film.mkv", ("libopus",), ends=(0.04, 0.08, 0.12, 1, 1.2))
    write_video(folder / "film.webm", SMALL, "libvpx")
    write_video(folder / "film.avi", SMALL, "mpeg4")
    write_clapper(folder / "film.mov", picture="mpeg4", ends=(0.04, 0.08, 0.12, 1, 1.2), picture_start=0.2)
    write_video(folder / "film.ts", list(moving(20)), "mpeg2video")
    first, *others = [Image.fromarray(np.uint8(frame * 255)) for frame in SMALL]
    for ending in ("gif", "png"):
        first.save(folder / f"film.{ending}", save_all=True, append_images=others, duration=40)
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


ENDINGS = [".mp4", ".webp", ".mkv", ".webm", ".avi", ".mov", ".ts", ".gif", ".png", ".apng"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_without_damage_they_are_read(tmp_path, whole, ending):
    (tmp_path / "film").write_bytes(whole[ending])
    assert len(list(films.open_film(tmp_path / "film").frames())) == (20 if ending == ".ts" else 5)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The file with bytes changed, put in or cut out, most of them near its ends, where its tables are."""
    changed = bytearray(content)
    if draw(st.integers(0, 5)) == 0:
        return bytes(changed[: draw(st.integers(0, len(changed)))])
    for _ in range(draw(st.integers(1, 4))):
        near = draw(st.integers(0, min(800, len(changed))))
        start = draw(st.sampled_from([near, len(changed) - near]) | st.integers(0, len(changed)))
        piece = draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\x7f\xff\xff\xff"])))
        changed[start : start + draw(st.sampled_from([len(piece), 0, 1, 4]))] = piece
    return bytes(changed)


def check_line(path, error):
    assert str(error).splitlines() == [str(error)]
    assert str(path) in str(error)


@pytest.mark.parametrize("ending", ENDINGS)
@fuzzed
@given(data=st.data())
def test_damaged_film_is_read_or_refused(tmp_path, whole, ending, data):
    path = tmp_path / "damaged"
    path.write_bytes(data.draw(damaged(whole[ending])))
    tracemalloc.start()
    try:
        film = films.open_film(path)
        assert 0.1 <= film.rate <= 240
        measured = film.measured(lambda *_: None)
        assert measured.timing.seconds(measured.count) > 0
        films.save(tmp_path / "again.mp4", film.frames(), measured)
        for frame in film.frames():
            assert (frame.dtype, frame.shape) == (np.float32, (*film.size, 3))
            assert 0 <= frame.min() <= frame.max() <= 1
    except FilmError as error:
        check_line(path, error)
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < 2**31


@pytest.mark.parametrize("ending", [".mp4", ".webp", ".apng"])
@fuzzed
@given(data=st.data())
def test_origin_of_a_damaged_film_is_read_or_refused(tmp_path, whole, ending, data):
    path = tmp_path / "damaged"
    path.write_bytes(data.draw(damaged(whole[ending])))
    try:
        assert isinstance(films.read_origin(path), dict)
    except FilmError as error:
        check_line(path, error)


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png", ".mp4"])
@fuzzed
@given(data=st.data())
def test_whether_a_damaged_file_is_a_film_is_always_answered(tmp_path, whole, ending, data):
    path = tmp_path / f"damaged{ending}"
    path.write_bytes(data.draw(damaged(whole[ending])))
    assert films.is_film(path) in (True, False)
