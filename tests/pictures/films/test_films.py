"""A film that was written is read again: so many frames, of this size and rate, nearly as they were."""

import json
import os
import re
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from film_frames import ENDINGS, ORIGIN, moving, still
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picture_makers import LEVEL
from PIL import Image

from tfgraphs.errors import TfgraphsError
from tfgraphs.extras import install_extra
from tfgraphs.pictures import films, images
from tfgraphs.pictures.films import FilmError

endings = pytest.mark.parametrize("ending", ENDINGS)
drawn = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


# --- round trips


@endings
def test_frames_come_back_nearly_as_they_were(tmp_path, ending):
    films.save(tmp_path / f"waves{ending}", moving(), 25)
    for frame, expected in zip(films.open_film(tmp_path / f"waves{ending}").frames(), moving(), strict=True):
        assert (frame.dtype, frame.shape) == (np.float32, expected.shape)
        np.testing.assert_allclose(frame, expected, atol=20 * LEVEL)
        assert np.abs(frame - expected).mean() < 3 * LEVEL


@endings
@drawn
@given(height=st.integers(1, 40), width=st.integers(1, 40), count=st.integers(1, 5))
def test_size_and_number_of_frames_are_kept(tmp_path, ending, height, width, count):
    path = tmp_path / f"small{ending}"
    films.save(path, moving(count, height, width), 25, count=count)
    film = films.open_film(path)
    even = ending == ".mp4"
    assert film.size == (height + height % 2 * even, width + width % 2 * even)
    assert film.count == count
    assert len(list(film.frames())) == count


def test_odd_sides_are_lengthened_and_nothing_is_stretched(tmp_path):
    films.save(tmp_path / "odd.mp4", moving(3, 31, 47), 25)
    for frame, expected in zip(films.open_film(tmp_path / "odd.mp4").frames(), moving(3, 31, 47), strict=True):
        np.testing.assert_allclose(frame, np.pad(expected, ((0, 1), (0, 1), (0, 0)), mode="edge"), atol=20 * LEVEL)


@endings
@pytest.mark.parametrize(
    "colour", [(0, 0, 0), (1, 1, 1), (0.5, 0.5, 0.5), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0.2, 0.6, 0.4)]
)
def test_plain_colours_are_kept(tmp_path, ending, colour):
    films.save(tmp_path / f"plain{ending}", [still(colour)] * 2, 25)
    frame = next(films.open_film(tmp_path / f"plain{ending}").frames())
    np.testing.assert_allclose(frame, still(colour), atol=3 * LEVEL)


@endings
def test_values_are_clipped(tmp_path, ending):
    films.save(tmp_path / f"clipped{ending}", [still((-3, 1.5, 0.5))], 25)
    frame = next(films.open_film(tmp_path / f"clipped{ending}").frames())
    np.testing.assert_allclose(frame, still((0, 1, 0.5)), atol=3 * LEVEL)


@endings
@pytest.mark.parametrize("rate", [0.1, 1, 12.5, 23.976, 24, 25, 29.97, 30, 50, 60, 90])
def test_rate_is_kept(tmp_path, ending, rate):
    films.save(tmp_path / f"steady{ending}", moving(7, 16, 16), rate)
    duration = 7 / films.open_film(tmp_path / f"steady{ending}").rate
    assert duration == pytest.approx(7 / rate, abs=0.001 if ending == ".webp" else 1e-4)


def test_frames_of_an_mp4_follow_each_other_evenly(tmp_path):
    av = pytest.importorskip("av")
    films.save(tmp_path / "steady.mp4", moving(20), 29.97)
    with av.open(str(tmp_path / "steady.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    np.testing.assert_allclose(times, np.arange(20) / 29.97, atol=1e-4)


def test_frames_of_a_webp_follow_each_other_evenly(tmp_path):
    films.save(tmp_path / "steady.webp", moving(20), 30)
    begins = []
    with Image.open(tmp_path / "steady.webp") as file:
        for number in range(file.n_frames):
            file.seek(number)
            file.load()
            begins.append(file.info["timestamp"])
        assert file.info["loop"] == 0
    np.testing.assert_allclose(begins, np.arange(20) * 1000 / 30, atol=0.5)


@endings
def test_reading_can_begin_anywhere(tmp_path, ending):
    films.save(tmp_path / f"waves{ending}", moving(9), 25)
    film = films.open_film(tmp_path / f"waves{ending}")
    every = list(film.frames())
    for start in (0, 4, 8, 9, 12):
        np.testing.assert_equal(list(film.frames(start)), every[start:])


@endings
def test_same_frames_give_the_same_bytes(tmp_path, ending):
    for name in ("one", "other"):
        films.save(tmp_path / f"{name}{ending}", moving(40), 25, ORIGIN)
    assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"other{ending}").read_bytes()


# --- origin


@endings
@pytest.mark.parametrize("origin", [ORIGIN, {}, {"flags": "x" * 70_000}], ids=["flags", "nothing", "long"])
def test_origin_is_read_back(tmp_path, ending, origin):
    films.save(tmp_path / f"made{ending}", moving(2), 25, origin)
    assert films.read_origin(tmp_path / f"made{ending}") == origin
    assert len(list(films.open_film(tmp_path / f"made{ending}").frames())) == 2


def test_origin_of_a_webp_is_that_of_a_picture(tmp_path):
    films.save(tmp_path / "made.webp", moving(2), 25, ORIGIN)
    assert images.read_origin(tmp_path / "made.webp") == ORIGIN


@endings
def test_film_without_origin_says_so(tmp_path, ending):
    films.save(tmp_path / f"silent{ending}", moving(2), 25)
    with pytest.raises(FilmError, match=rf"silent\{ending} does not say how it was made"):
        films.read_origin(tmp_path / f"silent{ending}")


@pytest.mark.parametrize("comment", ["Holiday by the sea", json.dumps(["a", "list"]), "[" * 30_000])
def test_foreign_comment_is_no_origin(tmp_path, monkeypatch, comment):
    monkeypatch.setattr(films.video.json, "dumps", lambda _: comment)
    films.save(tmp_path / "foreign.mp4", moving(1), 25, ORIGIN)
    with pytest.raises(FilmError, match=r"foreign\.mp4 does not say how it was made"):
        films.read_origin(tmp_path / "foreign.mp4")


# --- refusals


@endings
@pytest.mark.parametrize(
    ("frames", "count", "reason"),
    [
        pytest.param([], None, "there are no frames", id="no frames"),
        pytest.param([still((0, 0, 0)), still((0, 0, 0), width=50)], None, "frame 1 has another size", id="wider"),
        pytest.param([still((0, 0, 0)), still((0, 0, 0)).transpose(1, 0, 2)], None, "another size", id="turned"),
        pytest.param(list(moving(3)), 4, "there are 3 frames, not 4", id="too few"),
        pytest.param(list(moving(3)), 2, "there are more than 2 frames", id="too many"),
    ],
)
def test_frames_that_make_no_film_are_refused(tmp_path, ending, frames, count, reason):
    with pytest.raises(FilmError, match=reason) as caught:
        films.save(tmp_path / f"film{ending}", frames, 25, count=count)
    assert str(caught.value).startswith(f"{tmp_path / f'film{ending}'}: ")
    assert list(tmp_path.iterdir()) == []


@endings
def test_what_stops_the_frames_leaves_an_earlier_film(tmp_path, ending):
    def interrupted():
        yield from moving(3)
        raise KeyboardInterrupt

    (tmp_path / f"film{ending}").write_bytes(b"earlier")
    with pytest.raises(KeyboardInterrupt):
        films.save(tmp_path / f"film{ending}", interrupted(), 25)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {f"film{ending}": b"earlier"}


@pytest.mark.parametrize("name", ["film.png", "film", "film.mp4.txt", "mp4", "film.mov"])
@pytest.mark.parametrize(
    "act", [pytest.param(lambda path: films.save(path, moving(), 25), id="save"), films.check_format]
)
def test_unknown_ending_is_refused(tmp_path, name, act):
    with pytest.raises(FilmError, match=rf"{name}: .*\.mp4, \.webp"):
        act(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "rate"),
    [*((f"film{ending}", rate) for ending in ENDINGS for rate in (0, -1, 0.09, 241, np.nan, np.inf)), ("f.webp", 91)],
)
def test_rates_out_of_reach_are_refused(tmp_path, name, rate):
    with pytest.raises(FilmError, match=f"{name}: {rate:g} frames a second"):
        films.save(tmp_path / name, moving(), rate)


@pytest.mark.parametrize(("ending", "width"), [(".webp", 16_384), (".mp4", 20_000)])
def test_what_a_format_cannot_hold_is_refused(tmp_path, ending, width):
    with pytest.raises(FilmError, match=f"{width}|16,383"):
        films.save(tmp_path / f"wide{ending}", [np.zeros((2, width, 3), np.float32)], 25)
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, signal, sys
import numpy as np
from tfgraphs.pictures import films
from tfgraphs.files.outputs import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
noise = np.random.default_rng(0).random((12, 96, 128, 3), np.float32)
try:
    films.save(sys.argv[1], noise, 25)
except OutputError as error:
    print(error)
"""


@endings
@pytest.mark.skipif(os.name == "nt", reason="a limit to the size of files is a matter of POSIX")
def test_full_disk_is_told_in_one_line(tmp_path, ending):
    path = tmp_path / f"film{ending}"
    result = subprocess.run([sys.executable, "-c", FULL, path], capture_output=True, text=True, check=True)
    assert result.stdout == f"cannot write {path}: file too large\n"
    assert list(tmp_path.iterdir()) == []


@endings
def test_missing_folder_is_made(tmp_path, ending):
    films.save(tmp_path / "new" / f"film{ending}", moving(1), 25)
    assert films.open_film(tmp_path / "new" / f"film{ending}").count == 1


# --- without PyAV


@pytest.fixture
def _without_pyav(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)


@pytest.mark.usefixtures("_without_pyav")
@pytest.mark.parametrize(
    "act", [films.check_format, films.open_film, films.read_origin, lambda path: films.save(path, moving(), 25)]
)
def test_missing_pyav_is_named_with_its_extra(tmp_path, act):
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    with pytest.raises(FilmError, match=re.escape(install_extra("video"))):
        act(tmp_path / "film.mp4")


@pytest.mark.usefixtures("_without_pyav")
def test_webp_needs_no_pyav(tmp_path):
    films.check_format(tmp_path / "film.webp", 25)
    films.save(tmp_path / "film.webp", moving(3), 25)
    assert len(list(films.open_film(tmp_path / "film.webp").frames())) == 3


def test_importing_films_imports_neither_pyav_nor_tensorflow():
    program = (
        "import sys, tfgraphs.pictures.films, tfgraphs.pictures.camera; print({'av', 'tensorflow'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "set()\n"


# --- is it a film?


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in ("a.mp4", "a.MOV", "a.mkv", "a.webm", "a.avi", "a.b.mpg")),
        *((name, False) for name in ("a.jpg", "missing.gif", "a", "sample:cat", "mp4", "a.mp4.txt")),
    ],
)
def test_films_are_known_by_their_ending(name, expected):
    assert films.is_film(name) is expected


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png"])
@pytest.mark.parametrize("count", [1, 2])
def test_pictures_are_films_if_they_move(tmp_path, ending, count):
    first, *others = [Image.new("RGB", (8, 8), colour) for colour in ("white", "black")[:count]]
    first.save(tmp_path / f"picture{ending}", save_all=True, append_images=others)
    assert films.is_film(tmp_path / f"picture{ending}") is (count > 1)


def test_damaged_picture_is_no_film(tmp_path):
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    assert not films.is_film(tmp_path / "a.gif")


# --- memory, other programs


@pytest.mark.parametrize("ending", ENDINGS)
def test_many_frames_need_no_more_memory_than_a_few(tmp_path, ending):
    films.save(tmp_path / f"first{ending}", moving(2), 25)  # what is imported now counts no more
    tracemalloc.start()
    try:
        films.save(tmp_path / f"many{ending}", moving(150, 96, 128), 25)
        for _ in films.open_film(tmp_path / f"many{ending}").frames():
            pass
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 12 * 96 * 128 * 3 * 4 + (tmp_path / f"many{ending}").stat().st_size


def test_opencv_finds_the_frames_that_were_written(tmp_path):
    cv2 = pytest.importorskip("cv2")
    frames = list(moving(50, 32, 48))
    films.save(tmp_path / "film.mp4", frames, 24, ORIGIN)
    video = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    assert video.isOpened()
    told = [video.get(name) for name in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
    assert told == [24, 48, 32]
    found = [frame[..., ::-1] for _, frame in iter(video.read, (False, None))]  # it has blue first
    video.release()
    assert len(found) == 50
    for frame, written in zip(found, frames, strict=True):
        assert np.abs(frame / 255 - written).mean() < 0.03


def test_ffprobe_agrees(tmp_path):
    ffprobe = shutil.which("ffprobe")
    if ffprobe is None:
        pytest.skip("ffprobe, a program of FFmpeg, is not installed")
    films.save(tmp_path / "film.mp4", moving(50, 31, 48), 24, ORIGIN)
    entries = "stream=codec_name,profile,width,height,pix_fmt,color_space,r_frame_rate,avg_frame_rate,nb_read_frames"
    command = [
        ffprobe,
        "-v",
        "error",
        "-count_frames",
        "-show_entries",
        f"{entries}:format=duration:format_tags=comment",
    ]
    told = json.loads(subprocess.check_output([*command, "-of", "json", tmp_path / "film.mp4"]))
    assert told["streams"] == [
        {
            "codec_name": "h264",
            "profile": "High",
            "width": 48,
            "height": 32,
            "pix_fmt": "yuv420p",
            "color_space": "bt709",
            "r_frame_rate": "24/1",
            "avg_frame_rate": "24/1",
            "nb_read_frames": "50",
        }
    ]
    assert float(told["format"]["duration"]) == pytest.approx(50 / 24, abs=1e-3)
    assert json.loads(told["format"]["tags"]["comment"]) == ORIGIN


def test_mp4_can_be_shown_before_all_of_it_has_come(tmp_path):
    films.save(tmp_path / "film.mp4", moving(), 25)
    content = (tmp_path / "film.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_errors_are_those_of_the_house():
    assert issubclass(FilmError, TfgraphsError)
