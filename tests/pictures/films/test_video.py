"""Videos of others are seen as players show them: upright, with square pixels, in their colours."""

import itertools
import struct
from fractions import Fraction

import numpy as np
import pytest
from film_frames import moving, still, write_video
from picture_makers import LEVEL, patches

from tfgraphs.pictures import films, images
from tfgraphs.pictures.films import FilmError, video

av = pytest.importorskip("av")

PATCHES = patches() / np.float32(255)


def shown(path, number=0):
    return list(films.open_film(path).frames())[number]


# --- formats

FORMATS = {
    "mp4": ("libx264", "yuv420p", {"crf": "5"}),
    "mov": ("mpeg4", "yuv420p", {"b": "4M"}),
    "mkv": ("libx264", "yuv444p", {"crf": "5"}),
    "avi": ("mjpeg", "yuvj420p", {"b": "4M"}),
    "webm": ("libvpx", "yuv420p", {"crf": "4", "b": "4M"}),
    "mpg": ("mpeg2video", "yuv420p", {"b": "4M"}),
    "ts": ("libx264", "yuv420p", {"crf": "5"}),
    "wmv": ("wmv2", "yuv420p", {"b": "4M"}),
    "flv": ("libx264", "yuv420p", {"crf": "5"}),
}


@pytest.mark.parametrize("ending", FORMATS)
def test_formats_of_others_are_read(tmp_path, ending):
    codec, pixels, options = FORMATS[ending]
    path = write_video(tmp_path / f"other.{ending}", list(moving(10)), codec, pixels, options)
    opened = films.open_film(path)
    assert opened.size == (32, 48)
    assert opened.rate == pytest.approx(25, rel=0.02)
    assert opened.count in (10, None)
    frames = list(opened.frames())
    assert len(frames) == 10
    for frame, expected in zip(frames, moving(10), strict=True):
        assert np.abs(frame - expected).mean() < 8 * LEVEL


def test_content_decides_and_not_the_name(tmp_path):
    path = write_video(tmp_path / "film.mp4", list(moving(3))).rename(tmp_path / "film.gif")
    assert len(list(films.open_film(path).frames())) == 3


@pytest.mark.parametrize("name", ["http:film.mp4", "concat:film.mp4", "film %03d.mp4", "-i.mp4", "日本 film.mp4"])
def test_names_are_only_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    films.save(name, moving(2), 25, {"made": "here"})
    assert films.open_film(name).count == 2
    assert films.read_origin(name) == {"made": "here"}


# --- how it is shown


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90])
def test_turned_films_are_upright(tmp_path, degrees):
    """A camera that was held on its side says by how much the picture has to be turned."""
    path = write_video(tmp_path / "turned.mp4", [PATCHES] * 2, options={"crf": "5"}, turn=degrees)
    expected = np.rot90(PATCHES, degrees // 90)
    assert films.open_film(path).size == expected.shape[:2]
    np.testing.assert_allclose(middles(shown(path, 1)), middles(expected), atol=6 * LEVEL)


def middles(picture):
    """The colours of the patches."""
    return picture[8::16, 8::16]


def test_wide_pixels_are_made_square(tmp_path):
    path = write_video(tmp_path / "wide.mp4", [PATCHES] * 2, options={"crf": "5"}, shape=2)
    assert films.open_film(path).size == (32, 96)
    np.testing.assert_allclose(shown(path)[8::16, 16::32], middles(PATCHES), atol=6 * LEVEL)


def test_a_film_that_is_made_of_one_needs_no_turning(tmp_path):
    path = write_video(tmp_path / "turned.mp4", [PATCHES] * 2, options={"crf": "5"}, turn=90, shape=2)
    film = films.open_film(path).measured(lambda *_: None)
    films.save(tmp_path / "made.mp4", film.frames(), film)
    with av.open(str(tmp_path / "made.mp4")) as container:
        stream = container.streams.video[0]
        (turn,) = {frame.rotation for frame in container.decode(stream)}
        assert (stream.height, stream.width, turn, stream.sample_aspect_ratio or 1) == (96, 32, 0, 1)
    np.testing.assert_allclose(middles(shown(tmp_path / "made.mp4")), middles(shown(path)), atol=6 * LEVEL)


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(1_000_000, 33_367), Fraction(24), Fraction(15, 2)])
@pytest.mark.parametrize("ending", ["mp4", "avi", "mkv"])
def test_a_steady_rate_stays_exactly_as_it_is(tmp_path, ending, rate):
    path = write_video(tmp_path / f"steady.{ending}", list(moving(90)), rate=rate)
    found = films.open_film(path).measured(lambda *_: None).timing
    assert found.ticks is None
    assert float(1 / found.unit) == pytest.approx(float(rate), rel=1e-5)


@pytest.mark.parametrize("shape", [Fraction(1, 1000), Fraction(1000)])
def test_absurd_pixels_are_not_believed(tmp_path, shape):
    path = write_video(tmp_path / "absurd.mkv", [PATCHES] * 2, shape=shape)
    assert films.open_film(path).size == (32, 48)


@pytest.mark.parametrize(("times", "matrix"), [(1, "ITU601"), (20, "ITU709")])
def test_colours_that_are_not_named_are_guessed_by_size(tmp_path, times, matrix):
    """Without a word players take BT.601 for small pictures and BT.709 for large ones."""
    large = PATCHES.repeat(times, axis=0).repeat(times, axis=1)
    with av.open(str(tmp_path / "silent.mp4"), "w") as container:
        stream = container.add_stream("libx264", 25, options={"crf": "5", "preset": "ultrafast"})
        stream.height, stream.width = large.shape[:2]
        frame = av.VideoFrame.from_ndarray(np.round(large * 255).astype(np.uint8), "rgb24")
        converted = frame.reformat(format="yuv420p", dst_colorspace=matrix)
        converted.colorspace = 2
        container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    colours = shown(tmp_path / "silent.mp4")[8 * times :: 16 * times, 8 * times :: 16 * times]
    np.testing.assert_allclose(colours, middles(PATCHES), atol=6 * LEVEL)


def test_colours_are_named(tmp_path):
    films.save(tmp_path / "named.mp4", [PATCHES] * 2, 25)
    with av.open(str(tmp_path / "named.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)


def test_an_odd_size_of_others_is_read(tmp_path):
    path = write_video(tmp_path / "odd.mkv", [still((0.2, 0.4, 0.6), 31, 47)] * 2, "libx264", "yuv444p")
    np.testing.assert_allclose(shown(path), still((0.2, 0.4, 0.6), 31, 47), atol=4 * LEVEL)


# --- refusals


def refusal(path):
    with pytest.raises(FilmError) as caught:
        for _ in films.open_film(path).frames():
            pass
    message = str(caught.value)
    assert message.splitlines() == [message]
    assert str(path) in message
    return message


LIES = {
    "empty.mp4": b"",
    "letter.mp4": b"Dear Sir or Madam,\n" * 100,
    "photo.mp4": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "list.m3u8": b"#EXTM3U\n#EXTINF:1\nfilm.mp4\n#EXT-X-ENDLIST\n",
    "list.mp4": b"ffconcat version 1.0\nfile film.mp4\n",
    "call.mp4": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=call\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
    "zeros.mp4": bytes(5000),
}


@pytest.mark.parametrize("name", LIES)
def test_what_is_no_film_is_refused_in_one_line(tmp_path, name):
    write_video(tmp_path / "film.mp4", list(moving(1)))
    (tmp_path / name).write_bytes(LIES[name])
    assert "no film that can be read" in refusal(tmp_path / name)


def test_a_missing_film_is_refused_in_one_line(tmp_path):
    assert "does not exist" in refusal(tmp_path / "missing.mp4")


def test_a_folder_is_refused_in_one_line(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    assert "it is a folder" in refusal(tmp_path / "folder.mp4")


def test_sound_alone_is_refused(tmp_path):
    with av.open(str(tmp_path / "sound.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", 8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
    assert "no pictures" in refusal(tmp_path / "sound.mkv")


@pytest.mark.parametrize("limit", ["MAX_SIDE", "MAX_PIXELS"])
def test_too_large_a_film_is_refused_before_it_is_decoded(tmp_path, monkeypatch, limit):
    path = write_video(tmp_path / "large.mp4", list(moving(2)))
    monkeypatch.setattr(images, limit, 47)
    monkeypatch.setattr(video, "_decoded", lambda *_: pytest.fail("the film is about to be decoded"))
    assert "is too large (48 x 32 px)" in refusal(path)


def test_size_counts_in_square_pixels(tmp_path, monkeypatch):
    path = write_video(tmp_path / "wide.mp4", list(moving(2)), shape=9)
    monkeypatch.setattr(images, "MAX_SIDE", 400)
    assert "is too large (432 x 32 px)" in refusal(path)


def test_a_film_that_grows_too_large_is_refused(tmp_path, monkeypatch):
    """What its head says is small, and later pictures are not."""
    path = joined(tmp_path, (32, 48), (320, 480))
    monkeypatch.setattr(video, "MAX_PIXELS", 10_000)
    assert "damaged" in refusal(path)


def test_a_film_that_changes_its_size_is_refused(tmp_path):
    assert "changes its size at frame 4" in refusal(joined(tmp_path, (32, 48), (64, 48)))


def joined(folder, *sizes):
    """A transport stream of films of several sizes, one after the other."""
    parts = [write_video(folder / f"{size}.ts", list(moving(4, *size))).read_bytes() for size in sizes]
    (folder / "joined.ts").write_bytes(b"".join(parts))
    return folder / "joined.ts"


@pytest.mark.parametrize("ending", ["mp4", "mov", "avi", "mkv", "webm"])
@pytest.mark.parametrize("part", [0.001, 0.02, 0.25, 0.5, 0.75, 0.95])
def test_a_film_that_was_cut_short_is_refused(tmp_path, ending, part):
    if ending == "mp4":
        films.save(tmp_path / "whole.mp4", moving(30), 25)
    else:
        write_video(tmp_path / f"whole.{ending}", list(moving(30)), *FORMATS[ending])
    content = (tmp_path / f"whole.{ending}").read_bytes()
    (tmp_path / f"cut.{ending}").write_bytes(content[: max(1, int(part * len(content)))])
    refusal(tmp_path / f"cut.{ending}")


def test_what_was_read_before_the_damage_is_there(tmp_path):
    films.save(tmp_path / "whole.mp4", moving(60), 25)
    content = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) * 3 // 4])
    frames = films.open_film(tmp_path / "cut.mp4").frames()
    first = list(itertools.islice(frames, 10))
    np.testing.assert_equal(first, list(itertools.islice(films.open_film(tmp_path / "whole.mp4").frames(), 10)))


@pytest.mark.parametrize("count", [1_000_001, 80_000_000, 2**32 - 1])
def test_frames_that_cannot_be_there_are_refused_before_they_need_memory(tmp_path, count):
    """80 million of them would be 5 GB in FFmpeg."""
    path = write_tables(tmp_path, {b"stsz": (4, 1, count), b"stsc": (12, count), b"stts": (8, count)})
    assert f"{count:,} frames cannot be in" in refusal(path)


@pytest.mark.parametrize("count", [4, 1000, 1_000_000])
def test_a_few_frames_too_many_are_found_missing(tmp_path, count):
    refusal(write_tables(tmp_path, {b"stsz": (4, 1, count), b"stsc": (12, count), b"stts": (8, count)}))


def test_a_number_of_frames_beyond_reason_is_not_passed_on(tmp_path):
    assert films.open_film(write_tables(tmp_path, {b"stts": (8, 2**31 - 1)})).count is None


def write_tables(folder, entries):
    """A film of three frames with other numbers in its tables: for each where they begin, and what they are."""
    films.save(folder / "lie.mp4", moving(3), 25)
    content = bytearray((folder / "lie.mp4").read_bytes())
    for name, (place, *values) in entries.items():
        struct.pack_into(f">{len(values)}I", content, content.index(name) + 4 + place, *values)
    (folder / "lie.mp4").write_bytes(content)
    return folder / "lie.mp4"
