"""Folders, films and endless zooms of `deepdream`."""

import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from film_sources import film, no_pyav, noise, photograph, shots
from PIL import Image

from tfgraphs.pictures import camera, films, images

CHECKOUT = Path(__file__).resolve().parents[3]
QUICK = ("--layer=fire2", "--iterations=1", "--octaves=1")


def frames_of(path):
    return np.stack(list(films.open_film(path).frames())) * 255


# --- folders


@pytest.fixture(scope="module")
def dreamt_folder(forked, tmp_path_factory):
    """Where a folder has dreamt in which two of five pictures are broken, and how the command ended."""
    place = tmp_path_factory.mktemp("folder")
    shots(place)
    (place / "shots" / "a3.png").write_bytes((place / "shots" / "a2.png").read_bytes()[:3000])
    (place / "shots" / "text.png").write_text("no picture")
    return place, forked("deepdream", *QUICK, "--input=shots/*.*", "--preserve_color", cwd=place)


def test_all_pictures_of_a_folder_that_can_be_read_are_made(dreamt_folder):
    place, result = dreamt_folder
    assert result.stdout == ""
    assert {path.name for path in (place / "shots_deepdream").iterdir()} == {"a2.png", "a10.png", "holes.png"}
    assert not (place / "checkpoints").exists()


def test_broken_pictures_are_told_of(dreamt_folder):
    _, result = dreamt_folder
    assert result.returncode == 2
    said = [line for line in result.stderr.splitlines() if " left (" not in line]  # without lines of progress
    assert "shots/a3.png is damaged" in said[0]
    assert "shots/text.png is not a picture" in said[1]
    assert len(said) == 3
    account = r"deepdream: shots_deepdream: 3 of 5 pictures; left out: a3.png \(is damaged .*\); text.png \(is not .*\)"
    assert re.fullmatch(account, said[2])


def test_a_picture_of_a_folder_becomes_what_it_becomes_alone(dreamt_folder, forked):
    place, _ = dreamt_folder
    holes = place / "shots_deepdream" / "holes.png"
    shown = forked("deepdream", f"--show_flags={holes}", cwd=place).stdout
    assert "--input=shots/holes.png" in shown
    assert forked(*shlex.split(shown), "--output=alone.png", cwd=place).returncode == 0
    assert (place / "alone.png").read_bytes() == holes.read_bytes()
    np.testing.assert_array_equal(np.asarray(Image.open(holes))[..., 3], noise(seed=2)[..., 0])


# --- films

ASKED = {*QUICK, "--input=film.webp", "--blend=0.5", "--mask=mask.png", "--size=70", "--step_size=8.0"}


@pytest.fixture(scope="module")
def dreamt_film(forked, tmp_path_factory):
    """Where a film has dreamt, in its right half."""
    place = tmp_path_factory.mktemp("film")
    film(place)
    Image.fromarray(np.repeat(np.uint8([[0, 255]]), 30, axis=0).repeat(20, axis=1)).save(place / "mask.png")
    result = forked("deepdream", *sorted(ASKED), "--output=film_deepdream.mp4", "--logdir=log", cwd=place)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "film_deepdream.mp4: 70 x 52 px, 5 frames, 0.4 s\n"
    assert not (place / "checkpoints").exists()
    return place


def test_a_film_keeps_its_frames_and_its_rate(dreamt_film):
    made = films.open_film(dreamt_film / "film_deepdream.mp4")
    assert (len(list(made.frames())), made.count, made.rate, made.size) == (5, 5, 12.5, (52, 70))


def test_each_frame_of_a_film_dreams_where_it_may(dreamt_film):
    before = [images.resize(frame, (52, 70)) for frame in frames_of(dreamt_film / "film.webp")]
    changed = np.abs(frames_of(dreamt_film / "film_deepdream.mp4") - before).mean(axis=(1, 3))
    assert (changed[:, :30].mean(axis=1) < 0.6 * changed[:, 40:].mean(axis=1)).all()  # the rest is compression


def test_a_film_tells_the_command_that_made_it(dreamt_film, forked):
    shown = forked("deepdream", "--show_flags=film_deepdream.mp4", cwd=dreamt_film).stdout
    name, *arguments = shlex.split(shown)
    assert name == "deepdream"
    assert set(arguments) == ASKED


def test_the_steps_of_a_film_go_on_over_its_frames(dreamt_film):
    records = next((dreamt_film / "log").glob("*.tfevents.*")).read_bytes()
    assert _steps(records) == {1, 2, 3, 4, 5}


def _steps(records):
    from tensorboard.compat.proto.event_pb2 import Event

    steps, start = set(), 0
    while start < len(records):  # each is a length of 8 bytes and 4 of a checksum, the event, and 4 of another
        length = int.from_bytes(records[start : start + 8], "little")
        event = Event.FromString(records[start + 12 : start + 12 + length])
        steps |= {event.step for value in event.summary.value if value.tag == "loss"}
        start += length + 16
    return steps


# --- zooms

ZOOM = (*QUICK, "--input=photo.png", "--zoom_frames=5", "--zoom=1.2", "--rotation=3", "--shift=0.02,-0.01")

SLOWLY = """
import runpy, sys, time
from tfgraphs.pictures import films
append = films.FrameFolder.append
films.FrameFolder.append = lambda *frame: (append(*frame), time.sleep(0.3))[0]
sys.argv[0] = "deepdream"
runpy.run_module("tfgraphs.cli.deepdream", run_name="__main__")
"""


@pytest.fixture(scope="module")
def zoom(forked, tmp_path_factory):
    """Where a zoom was made."""
    place = tmp_path_factory.mktemp("zoom")
    photograph(place)
    result = forked("deepdream", *ZOOM, "--rate=30", cwd=place)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "photo_zoom.mp4: 80 x 60 px, 5 frames, 0.2 s\n"
    return place


def test_a_zoom_has_the_frames_and_the_rate_that_were_asked_for(zoom):
    made = films.open_film(zoom / "photo_zoom.mp4")
    assert (len(list(made.frames())), made.count, made.rate, made.size) == (5, 5, 30, (60, 80))


def test_each_frame_of_a_zoom_is_the_one_before_seen_closer(zoom):
    frames = frames_of(zoom / "photo_zoom.mp4") / 255
    for before, after in itertools.pairwise(frames):
        closer = camera.zoomed(before, 1.2, 3, (0.02, -0.01))
        assert np.abs(closer - after).mean() < 0.5 * np.abs(before - after).mean()


@pytest.mark.long
def test_an_interrupted_zoom_resumes_to_the_same_bytes(zoom, forked):
    """With a network; the same of any command is tested in test_any_film_run.py."""
    arguments = [*ZOOM, "--rate=30", "--output=parts.mp4"]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, *arguments],
        cwd=zoom,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 300
    while not list(zoom.glob("checkpoints/*/frames/frame000002.png")):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert "--resume" in process.communicate()[1].splitlines()[-1]
    assert process.returncode == 130
    assert not (zoom / "parts.mp4").exists()

    assert forked("deepdream", *arguments, "--resume", cwd=zoom).returncode == 0
    assert (zoom / "parts.mp4").read_bytes() == (zoom / "photo_zoom.mp4").read_bytes()
    assert not (zoom / "checkpoints").exists()


def test_another_program_opens_a_zoom(zoom):
    cv2 = pytest.importorskip("cv2")
    video = cv2.VideoCapture(str(zoom / "photo_zoom.mp4"))
    found = [frame for _, frame in iter(video.read, (False, None))]
    assert (video.get(cv2.CAP_PROP_FPS), len(found), found[0].shape) == (30, 5, (60, 80, 3))
    video.release()


def test_a_zoom_can_be_a_webp_and_keep_the_colours_of_its_picture(forked, tmp_path):
    Image.fromarray(np.uint8(np.random.default_rng(0).normal(128, 20, (60, 80)).clip(0, 255))).save(
        tmp_path / "grey.png"
    )
    flags = ("--zoom_frames=3", "--preserve_color", "--output=zoom.webp")
    result = forked("deepdream", *QUICK, "--input=grey.png", *flags, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, "zoom.webp: 80 x 60 px, 3 frames, 0.1 s\n")
    with Image.open(tmp_path / "zoom.webp") as image:
        assert (image.n_frames, image.size) == (3, (80, 60))
    frames = frames_of(tmp_path / "zoom.webp")
    assert np.abs(frames - frames.mean(axis=-1, keepdims=True)).mean() < 3
    assert np.abs(frames[1] - frames[0]).mean() > 3


def test_frames_to_which_nothing_responds_stay_as_they_are(forked, tmp_path):
    films.save(tmp_path / "black.webp", [np.zeros((60, 80, 3), np.float32)] * 2, 10)
    flags = ("--objective=0*fire2", "--iterations=1", "--octaves=1", "--output=same.webp")
    result = forked("deepdream", "--input=black.webp", *flags, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("a frame stays unchanged: fire2 of squeezenet does not respond") == 1
    assert frames_of(tmp_path / "same.webp").max() < 3


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--input=photo.png", "--zoom_frames=0"], "zoom_frames"),
        (["--input=photo.png", "--zoom_frames=2", "--output=zoom.avi"], "one of .mp4, .webp, .gif, .apng"),
        (["--input=photo.png", "--zoom_frames=2", "--output=zoom.mp4/a.mp4", "--logdir=photo.png"], "photo.png"),
        (["--input=photo.png", "--zoom_frames=2", "--mask=photo.png"], "--mask keeps"),
        (["--input=photo.png", "--zoom_frames=2", "--zoom=50"], "a zoom of 50"),
        (["--input=photo.png", "--zoom_frames=2", "--shift=1"], "give two numbers"),
        (["--input=photo.png", "--zoom_frames=2", "--rate=1000"], "frames a second"),
        (["--input=photo.png", "--zoom_frames=2", "--blend=0.2"], "--blend is for"),
        (["--input=photo.png", "--zoom_frames=2", "--save_every=5"], "--save_every is for"),
        (["--input=photo.png", "--zoom_frames=2", "--resume"], "without --resume"),
        (["--input=photo.png", "--zoom=1.1"], "give --zoom_frames"),
        (["--input=photo.png", "--frame_iterations=1"], "give --zoom_frames"),
        (["--input=missing"], "missing does not exist"),
        (["--input=missing.webp", "--output=dream.gif"], "missing.webp does not exist"),
        (["--input=empty"], "empty has no pictures"),
        (["--input=*.jpg"], "*.jpg has no pictures"),
        (["--input=shots", "--zoom_frames=2"], "shots is several pictures"),
        (["--input=shots", "--output=dream.png"], "need a folder"),
        (["--input=shots", "--output=photo.png/dreams"], "cannot write photo.png/dreams"),
        (["--input=shots", "--output=shots"], "is where shots/a2.png is"),
        (["--input=shots", "--output=.", "--mask=a2.png"], "contains the input a2.png"),
        (["--input=shots", "--mask=missing.png"], "missing.png does not exist"),
        (["--input=**/a*.png"], "would both become"),
        (["--input=film.webp", "--zoom_frames=2"], "film.webp is a film"),
        (["--input=film.webp", "--blend=nan"], "less than 1"),
        (["--input=film.webp", "--output=dream.png"], "one of .mp4, .webp"),
        (
            ["--input=photo.png", "--zoom_frames=2", "--rate=60", "--output=zoom.gif"],
            "it can have 0.1 to 50: write an .mp4",
        ),
        (["--input=film.webp", "--output=film.webp"], "is the input itself"),
        (["--input=film.webp", "--output=dream.mp4"], "[video]"),
        (["--input=film.webp", "--mask=wide.png"], "its proportions"),
        (["--input=cut.webp"], "cut.webp is damaged"),
        (["--input=missing.mp4"], "missing.mp4 does not exist"),
        (["--show_flags=film.webp"], "does not say how it was made"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(arguments, word, forked, tmp_path):
    for make in (photograph, shots, film):
        make(tmp_path)
    (tmp_path / "empty").mkdir()
    whole = (tmp_path / "film.webp").read_bytes()
    (tmp_path / "cut.webp").write_bytes(whole[:-5000])
    (tmp_path / "shots" / "deeper").mkdir()
    Image.fromarray(noise()).save(tmp_path / "shots" / "deeper" / "a2.png")
    Image.new("L", (100, 20)).save(tmp_path / "wide.png")
    Image.new("L", (80, 60)).save(tmp_path / "a2.png")
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    if "dream.mp4" in arguments[-1]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(no_pyav(tmp_path)), str(CHECKOUT)])}
        program = [sys.executable, "-m", "tfgraphs.cli.deepdream", *arguments]
        result = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        (tmp_path / "trap" / "av.py").unlink()
        (tmp_path / "trap").rmdir()
    else:
        result = forked("deepdream", *arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stdout + result.stderr
    (line,) = result.stderr.splitlines()
    assert word in line
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == before
