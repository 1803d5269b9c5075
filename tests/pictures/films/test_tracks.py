"""Sound and subtitles of a film are copied as they are, in step with the pictures, which keep their times."""

import json
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from allocated_memory import FORGOTTEN, allocated, growth
from film_frames import frame_times, still, write_clapper

from tfgraphs.pictures import films

av = pytest.importorskip("av")


def copied(source, name="copy.mp4"):
    """The film again, with the sound of the source."""
    film = films.open_film(source).measured(lambda *_: None)
    path = source.with_name(name)
    films.save(path, film.frames(), film)
    return path


def clap(path, track=0):
    """When the flash and the noise of a clapper begin, in seconds."""
    with av.open(str(path)) as container:
        flash = next(frame.time for frame in container.decode(video=0) if frame.to_ndarray(format="gray").mean() > 128)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=track):
            loud = np.flatnonzero(np.abs(frame.to_ndarray().astype(float)).max(axis=0) > 0.1 * level(frame))
            if len(loud):
                return flash, frame.time + loud[0] / frame.sample_rate
    return flash, None


def level(frame):
    return {"s16": 2**15, "s16p": 2**15, "fltp": 1, "flt": 1}[frame.format.name]


def packets(path, track=0):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[track]) if packet.size]


SOURCES = {
    "mp4": {},
    "mov": {"codecs": ("pcm_s16le",)},
    "mkv": {"codecs": ("libopus",)},
    "webm": {"codecs": ("libopus",), "picture": "libvpx"},
    "avi": {"codecs": ("libmp3lame",), "picture": "mpeg4", "ends": tuple(number / 25 for number in range(1, 51))},
    "ts": {},
    "flv": {},
}


@pytest.mark.parametrize("ending", SOURCES)
def test_the_noise_comes_with_the_flash(tmp_path, ending):
    source = write_clapper(tmp_path / f"clapper.{ending}", **SOURCES[ending])
    before, after = clap(source), clap(copied(source))
    assert after[1] - after[0] == pytest.approx(before[1] - before[0], abs=0.002)
    assert after[1] - after[0] == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm", "avi", "flv"])
def test_packets_are_copied(tmp_path, ending):
    source = write_clapper(tmp_path / f"clapper.{ending}", **SOURCES[ending])
    assert packets(copied(source)) == packets(source)


TIMES = {
    "the picture begins later": {"picture_start": 0.5},
    "the sound begins later": {"sound": (0.5, 2)},
    "the sound is longer": {"sound": (0, 3.5)},
    "the sound is shorter": {"sound": (0.9, 1.3)},
    "there is a pause": {"ends": (0.04, 0.08, 0.6, 1, 1.04, 1.08, 3.08, 3.12)},
    "the last frame stays": {"ends": (*(number / 25 for number in range(1, 50)), 4.5)},
}


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize("what", TIMES)
def test_times_are_those_of_the_source(tmp_path, ending, what):
    source = write_clapper(tmp_path / f"clapper.{ending}", **TIMES[what])
    path = copied(source)
    expected = np.array([0, *TIMES[what].get("ends", np.arange(1, 51) / 25)]) + TIMES[what].get("picture_start", 0)
    np.testing.assert_allclose(frame_times(path), expected, atol=0.025 if ending == "mkv" else 0.002)
    before, after = clap(source), clap(path)
    assert after[1] - after[0] == pytest.approx(before[1] - before[0], abs=0.002)
    with av.open(str(source)) as one, av.open(str(path)) as other:
        assert other.duration == pytest.approx(one.duration, abs=45_000)  # a frame, and the grain of AAC


def test_all_tracks_are_kept_with_their_languages(tmp_path):
    source = write_clapper(tmp_path / "clapper.mkv", ("aac", "libopus"))
    path = copied(source)
    with av.open(str(path)) as container:
        found = [(stream.codec_context.name, stream.language) for stream in container.streams.audio]
    assert found == [("aac", "deu"), ("opus", "fra")]
    assert [packets(path, track) for track in (0, 1)] == [packets(source, track) for track in (0, 1)]
    assert films.losses("copy.mp4", films.open_film(source)) == []


@pytest.mark.parametrize(
    ("codecs", "name", "line"),
    [
        (("pcm_alaw",), "copy.mp4", "left out: sound (pcm_alaw), which copy.mp4 cannot hold"),
        (("aac", "pcm_alaw"), "copy.mp4", "left out: sound (pcm_alaw), which copy.mp4 cannot hold"),
        (("aac",), "copy.webp", "left out: sound (aac), which copy.webp cannot hold; an .mp4 may"),
    ],
)
def test_sound_that_cannot_be_kept_is_named(tmp_path, codecs, name, line):
    source = write_clapper(tmp_path / "clapper.mov", codecs)
    assert films.losses(name, films.open_film(source)) == [f"{source}: {line}"]
    with av.open(str(copied(source))) as container:
        assert len(container.streams.audio) == len(codecs) - 1 or codecs == ("aac",)


def test_a_film_without_sound_begins_at_once(tmp_path):
    source = write_clapper(tmp_path / "clapper.mov", ("pcm_alaw",), picture_start=0.5)
    assert frame_times(copied(source))[0] == 0


def test_the_same_film_has_the_same_bytes(tmp_path):
    source = write_clapper(tmp_path / "clapper.mp4", picture_start=0.5)
    assert copied(source, "one.mp4").read_bytes() == copied(source, "other.mp4").read_bytes()


def test_sound_whose_times_go_backwards_is_copied(tmp_path):
    """As it is where recordings were joined."""
    part = write_clapper(tmp_path / "clapper.ts").read_bytes()
    (tmp_path / "joined.ts").write_bytes(part + part)
    path = copied(tmp_path / "joined.ts")
    with av.open(str(path)) as container:
        times = [packet.dts for packet in container.demux(audio=0) if packet.dts is not None]
    assert (np.diff(times) > 0).all()
    assert films.open_film(path).measured(lambda *_: None).count == 100


def test_other_frames_need_a_film_of_as_many(tmp_path):
    film = films.open_film(write_clapper(tmp_path / "clapper.mp4")).measured(lambda *_: None)
    with pytest.raises(films.FilmError, match="there are 3 frames, not 50"):
        films.save(tmp_path / "few.mp4", [still((0, 0, 0))] * 3, film)
    assert not (tmp_path / "few.mp4").exists()


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe, a program of FFmpeg, is not installed")
@pytest.mark.parametrize("what", TIMES)
def test_ffprobe_finds_the_same_durations(tmp_path, what):
    source = write_clapper(tmp_path / "clapper.mp4", **TIMES[what])

    def durations(path):
        command = ["ffprobe", "-v", "error", "-show_entries", "stream=start_time,duration", "-of", "json", path]
        streams = json.loads(subprocess.check_output(command))["streams"]
        return [[float(stream["start_time"]), float(stream["duration"])] for stream in streams]

    np.testing.assert_allclose(durations(copied(source)), durations(source), atol=0.022)  # the grain of AAC


def test_what_an_edit_list_hides_stays_hidden(tmp_path):
    """A recording that was cut without encoding it anew contains more than it shows: here the first 0.8 s."""
    source = tmp_path / "cut.mp4"
    with av.open(str(write_clapper(tmp_path / "clapper.mp4"))) as whole, av.open(str(source), "w") as container:
        copies = [container.add_stream_from_template(stream) for stream in whole.streams]
        for packet in whole.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                packet.pts -= round(0.8 / packet.time_base)
                packet.dts -= round(0.8 / packet.time_base)
                container.mux(packet)
    path = copied(source)
    assert clap(source)[0] == pytest.approx(0.2, abs=0.001)
    np.testing.assert_allclose(clap(path), clap(source), atol=0.002)
    assert frame_times(path)[-1] == pytest.approx(1.2, abs=0.001)


def test_subtitles_are_copied(tmp_path):
    source = tmp_path / "told.mp4"
    text = b"\x00\x05Clap!"  # the number of bytes comes first
    with av.open(str(write_clapper(tmp_path / "clapper.mp4"))) as silent, av.open(str(source), "w") as container:
        copies = [container.add_stream_from_template(stream) for stream in silent.streams]
        words = container.add_mux_stream("mov_text")
        packet = av.Packet(text)
        packet.pts = packet.dts = 1000
        packet.duration, packet.time_base, packet.stream = 200, Fraction(1, 1000), words
        container.mux(packet)
        for other in silent.demux():
            if other.dts is not None:
                other.stream = copies[other.stream.index]
                container.mux(other)
    path = copied(source)
    with av.open(str(path)) as container:
        found = [
            (packet.pts * packet.time_base, bytes(packet)) for packet in container.demux(subtitles=0) if packet.size
        ]
    assert (1, text) in found
    assert films.losses("copy.gif", films.open_film(source))[0].startswith(
        f"{source}: left out: sound (aac), subtitles (mov_text), which copy.gif cannot hold"
    )


def test_a_copy_leaves_nothing_in_memory(tmp_path):
    source = write_clapper(tmp_path / "clapper.mp4", ("aac", "aac"))
    assert growth(lambda: copied(source)) < FORGOTTEN


@pytest.mark.long
@pytest.mark.parametrize("ending", ["mp4", "gif"])
def test_a_long_film_takes_no_more_memory_than_a_short_one(tmp_path, ending):
    """Only FFmpeg's tables of what is in an MP4 grow, 500 bytes for a frame and its sound."""

    def most(count):
        ends = np.cumsum(np.where(np.arange(count) % 50, 0.04, 0.07))
        source = write_clapper(tmp_path / "long.mp4", ends=tuple(ends.tolist()), sound=(0, count / 25))
        seen, before = [], allocated()
        film = films.open_film(source).measured(lambda number, _: None)

        def watched():
            for number, frame in enumerate(film.frames()):
                if number % 100 == 0:
                    seen.append(allocated() - before)
                yield frame

        films.save(tmp_path / f"copy.{ending}", watched(), film)
        return max(seen)

    assert most(5000) < most(500) + 4500 * 600
