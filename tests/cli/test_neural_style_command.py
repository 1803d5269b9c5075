"""`neural_style`: its flags one by one, and how it refuses."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgraphs.extras import install_extra
from tfgraphs.pictures import films, images

CHECKOUT = Path(__file__).resolve().parents[2]
QUICK = ("--steps=3", "--size=0", "--content_layer=fire2", "--style_layers=conv1")
TWO_STYLES = ("--style=sample:swirls", "--style=sample:embers")


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(60, 200, (60, 70, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return pixels


@pytest.fixture
def paint(forked, tmp_path, photo):
    def run(*arguments):
        return forked("neural_style", "--input=photo.png", *QUICK, *arguments, cwd=tmp_path)

    return run


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def save_mask(path, columns):
    mask = np.zeros((60, 70), np.uint8)
    mask[:, columns] = 255
    Image.fromarray(mask).save(path)


@pytest.mark.parametrize(
    "flags",
    [
        (*TWO_STYLES, "--style_weight=0.7", "--style_weight=0.3", "--init=content", "--preserve_color=match"),
        (*TWO_STYLES, "--content_mask=left.png", "--content_mask=", "--style_mask=all.png", "--style_mask="),
        ("--init=photo.png", "--statistic=mean_variance", "--optimizer=rmsprop", "--learning_rate=0.01"),
        ("--loss=paper", "--optimizer=lbfgs", "--content_layer=fire3", "--style_layers=conv1,fire2:0.5"),
    ],
    ids=["weights", "masks", "rmsprop", "lbfgs"],
)
def test_ways_to_paint(paint, tmp_path, flags):
    save_mask(tmp_path / "left.png", slice(0, 35))
    Image.new("L", (480, 360), 255).save(tmp_path / "all.png")
    result = paint(*flags, "--output=painted.png")
    assert result.returncode == 0, result.stderr
    assert pixels_of(tmp_path / "painted.png").shape == (60, 70, 3)


def test_colours_of_the_photograph_are_kept(paint, photo, tmp_path):
    assert paint("--preserve_color=luminance", "--output=painted.png").returncode == 0
    painted = pixels_of(tmp_path / "painted.png")
    inside = ((painted > 0) & (painted < 255)).all(axis=-1)
    for one, other in ((0, 1), (1, 2)):
        before, after = (pixels[..., one].astype(int) - pixels[..., other] for pixels in (photo, painted))
        assert np.abs(after - before)[inside].max() <= 2


def test_a_painting_tells_the_command_that_made_it(paint, forked, tmp_path):
    flags = ["--style=sample:embers", "--style=sample:swirls", "--style_weight=1.0", "--style_weight=2.0", "--seed=3"]
    assert paint(*flags, "--output=painted.png").returncode == 0
    shown = forked("neural_style", "--show_flags=painted.png", cwd=tmp_path)
    assert shown.returncode == 0
    name, *given = shlex.split(shown.stdout)
    assert name == "neural_style"
    assert set(given) == {*flags, "--input=photo.png", *QUICK}


def test_without_a_photograph_a_painter_is_exported(forked, tmp_path):
    flags = ("--export_dir=model", "--steps=5", "--content_layer=fire2", "--style_layers=conv1")
    result = forked("neural_style", *flags, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "model: stylize(content, style, steps)\n"
    assert {path.name for path in tmp_path.iterdir()} == {"model"}
    assert (tmp_path / "model" / "saved_model.pb").exists()


# --- folders and films


@pytest.fixture(scope="module")
def painted_folder(forked, tmp_path_factory):
    """Where a folder was painted in which one of three pictures is broken, and how the command ended."""
    place = tmp_path_factory.mktemp("folder")
    (place / "shots").mkdir()
    noise = np.random.default_rng(1).integers(60, 200, (60, 70, 4), np.uint8)
    Image.fromarray(noise[..., :3]).save(place / "shots" / "a.jpg")
    Image.fromarray(noise).save(place / "shots" / "holes.png")
    (place / "shots" / "text.png").write_text("no picture")
    save_mask(place / "left.png", slice(0, 35))
    flags = ("--style=sample:swirls", "--style=sample:embers", "--content_mask=left.png", "--content_mask=")
    return place, forked("neural_style", "--input=shots/*.*", *QUICK, *flags, cwd=place)


def test_each_picture_of_a_folder_is_painted(painted_folder):
    place, result = painted_folder
    assert result.returncode == 2
    assert "shots_neural_style: 2 of 3 pictures; left out: text.png (is not a picture" in result.stderr.splitlines()[-1]
    assert "shots/text.png is not a picture" in result.stderr
    assert {path.name for path in (place / "shots_neural_style").iterdir()} == {"a.png", "holes.png"}
    assert not (place / "checkpoints").exists()


def test_a_picture_of_a_folder_is_painted_as_it_is_alone(painted_folder, forked):
    place, _ = painted_folder
    holes = place / "shots_neural_style" / "holes.png"
    shown = forked("neural_style", f"--show_flags={holes}", cwd=place).stdout
    assert "--input=shots/holes.png" in shown
    assert forked(*shlex.split(shown), "--output=alone.png", cwd=place).returncode == 0
    assert (place / "alone.png").read_bytes() == holes.read_bytes()
    assert np.asarray(Image.open(holes)).shape == (60, 70, 4)


def save_film(folder, count=3):
    """The picture of the first frame moves to the left by 4 pixels a frame."""
    wide = images.resize(np.random.default_rng(2).random((20, 34, 3), np.float32), (60, 100)).clip(0, 1)
    films.save(folder / "film.webp", [wide[:, 4 * number : 4 * number + 70] for number in range(count)], 12.5)


FILM = (
    "--input=film.webp",
    *QUICK,
    "--init=content",
    "--frame_steps=2",
)

SLOWLY = """
import runpy, sys, time
from tfgraphs.pictures import films
append = films.FrameFolder.append
films.FrameFolder.append = lambda *frame: (append(*frame), time.sleep(0.5))[0]
sys.argv[0] = "neural_style"
runpy.run_module("tfgraphs.cli.neural_style", run_name="__main__")
"""


@pytest.fixture(scope="module")
def painted_film(forked, tmp_path_factory):
    place = tmp_path_factory.mktemp("film")
    save_film(place)
    result = forked("neural_style", *FILM, "--output=film_neural_style.mp4", cwd=place)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "film_neural_style.mp4: 70 x 60 px, 3 frames, 0.2 s\n"
    return place


def test_a_painted_film_keeps_its_frames_and_its_rate(painted_film):
    made = films.open_film(painted_film / "film_neural_style.mp4")
    assert (len(list(made.frames())), made.rate, made.size) == (3, 12.5, (60, 70))
    assert not (painted_film / "checkpoints").exists()


def test_a_painted_film_tells_the_command_that_made_it(painted_film, forked):
    shown = forked("neural_style", "--show_flags=film_neural_style.mp4", cwd=painted_film).stdout
    assert set(shlex.split(shown)) == {"neural_style", *FILM}


@pytest.mark.long
def test_an_interrupted_film_resumes_to_the_same_bytes(painted_film, forked):
    arguments = [*FILM, "--output=parts.mp4"]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, *arguments],
        cwd=painted_film,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 200
    while not list(painted_film.glob("checkpoints/*/frames/frame000001.png")):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert "--resume" in process.communicate()[1].splitlines()[-1]
    assert process.returncode == 130
    assert forked("neural_style", *arguments, "--resume", cwd=painted_film).returncode == 0
    assert (painted_film / "parts.mp4").read_bytes() == (painted_film / "film_neural_style.mp4").read_bytes()


def test_a_film_is_held_unless_its_frames_are_painted_alone(painted_film, forked):
    """Frames that are held move with the film's 4 px to the left; ones from fresh noise do not."""
    alone = [flag for flag in FILM if not flag.startswith(("--init", "--frame_steps"))]
    assert (
        forked("neural_style", *alone, "--temporal_weight=0", "--output=alone.webp", cwd=painted_film).returncode == 0
    )
    changes = []
    for name in ("film_neural_style.mp4", "alone.webp"):
        before, after = list(films.open_film(painted_film / name).frames())[1:]
        changes.append(np.abs(after[5:-5, 5:-10] - before[5:-5, 9:-6]).mean())
    assert changes[0] < 0.5 * changes[1]


def test_without_opencv_a_film_is_refused_at_once(painted_film):
    trap = painted_film / "trap"
    trap.mkdir()
    (trap / "cv2.py").write_text("raise ImportError")
    result = subprocess.run(
        [sys.executable, "-m", "tfgraphs.cli.neural_style", "--input=film.webp", "--output=other.webp"],
        cwd=painted_film,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(trap), str(CHECKOUT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert install_extra("video") in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (painted_film / "other.webp").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "say which photograph to paint"),
        (("--input=photo.png", "--style=sample:swirls", "--style_weight=1", "--style_weight=2"), "one for each"),
        (("--input=photo.png", "--style_weight=-1"), "weight of a painting is -1.0"),
        (("--input=photo.png", "--content_mask=photo.png", "--content_mask=photo.png"), "one for each"),
        (("--input=photo.png", "--content_mask=wide.png"), "give the mask its proportions"),
        (("--input=photo.png", "--content_mask=black.png"), "is black"),
        (("--input=dot.png",), "dot.png has 1 x 1 px, which is too small: give a picture of at least 32 px a side"),
        (("--input=photo.png", "--style=dot.png"), "dot.png has 1 x 1 px, which is too small"),
        (("--input=photo.png", "--style=cut.png"), "cut.png"),
        (("--input=photo.png", "--style_layers=fire3:much"), "not a layer with a weight"),
        (("--input=photo.png", "--style_layers=fire33"), "fire33"),
        (("--input=photo.png", "--init=nothing.png"), "nothing.png"),
        (("--input=photo.png", "--optimizer=climber"), "climber"),
        (("--input=photo.png", "--optimizer=lbfgs", "--learning_rate=0.1"), "leave --learning_rate out"),
        (("--input=photo.png", "--loss=other"), "--loss"),
        (("--input=photo.png", "--style_stride=2"), "transport samples positions: leave style_stride out"),
        (("--input=photo.png", "--device=gpu"), "there is no GPU that TensorFlow can use"),
        (("--export_dir=.",), "choose another folder"),
        (("--export_dir=model", "--optimizer=sgd"), "adam only"),
        (("--export_dir=model", "--style_layers=fire33"), "fire33"),
        (("--show_flags=photo.png",), "does not say how it was made"),
        (("--input=empty",), "empty has no pictures"),
        (("--input=*.gif",), "*.gif has no pictures"),
        (("--input=*.png", "--output=painted.png"), "need a folder"),
        (("--input=*.png", "--content_mask=nothing.png"), "nothing.png does not exist"),
        (("--input=film.webp", "--blend=0.5"), "--blend is for"),
        (("--input=photo.png", "--frame_steps=3"), "--frame_steps is for films"),
        (("--input=*.png", "--temporal_weight=3"), "--temporal_weight is for films"),
        (("--input=film.webp", "--temporal_weight=-1"), "--temporal_weight"),
        (("--input=film.webp", "--supersampling=2"), "--supersampling is for pictures"),
        (("--input=film.webp", "--content_mask=wide.png"), "give the mask its proportions"),
        (("--input=film.webp", "--output=film.webp"), "is the input itself"),
        (("--input=photo.png", "--zoom_frames=3"), "--zoom_frames is for"),
    ],
    ids=lambda value: value if isinstance(value, str) else "flags",
)
def test_refusals_are_one_line_and_leave_nothing(forked, tmp_path, photo, flags, message):
    save_mask(tmp_path / "black.png", slice(0, 0))
    Image.new("L", (90, 20), 255).save(tmp_path / "wide.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "photo.png").read_bytes()[:500])
    (tmp_path / "empty").mkdir()
    save_film(tmp_path)
    before = set(tmp_path.iterdir())
    result = forked("neural_style", "--size=0", "--steps=3", *flags, cwd=tmp_path)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("neural_style: ")
    assert message in line
    assert set(tmp_path.iterdir()) == before
