"""Folders of pictures that several processes or a scheduler's workers make: the same pictures, each once."""

import os
import signal
import subprocess
import time

import numpy as np
import pytest
from PIL import Image

from tfgraphs.cluster.scheduler import local_scheduler
from tfgraphs.pictures import films

pytest.importorskip("distributed", reason="needs the extra cluster")

DREAM = ("photos", "--layer=fire2", "--steps=4")


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(4):
        pixels = random.integers(0, 256, (10, 12, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path


@pytest.fixture(scope="module")
def address():
    with local_scheduler(2) as found:
        yield found


def wait_for(folder, pattern):
    """Waits until a file is there."""
    deadline = time.monotonic() + 120
    while not list(folder.glob(pattern)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_alike(folder, other):
    """Pictures are the same but for rounding: sums depend on the number of threads of a process."""
    assert contents(folder).keys() == contents(other).keys()
    for path in folder.iterdir():
        one, another = (np.asarray(Image.open(place / path.name)).astype(int) for place in (folder, other))
        assert np.abs(one - another).max() <= 3


def test_several_processes_dream_the_same(forked, folder):
    (folder / "photos" / "bad.jpg").write_text("no picture")
    alone = forked("deepdream", *DREAM, "--output=alone", cwd=folder)
    together = forked("deepdream", *DREAM, "--output=together", "--workers=2", cwd=folder)
    assert alone.returncode == together.returncode == 2
    assert "together: 4 of 5 pictures; left out: bad.jpg (is not a picture" in together.stderr
    assert_alike(folder / "together", folder / "alone")


def test_workers_of_a_scheduler_paint_the_same(forked, folder, address):
    flags = ("--input=photos", "--style=photos/0.png", "--steps=2", "--size=64")
    alone = forked("neural_style", *flags, "--output=alone", cwd=folder)
    together = forked("neural_style", *flags, "--output=together", f"--scheduler={address}", cwd=folder)
    assert (alone.returncode, together.returncode) == (0, 0), together.stderr
    assert together.stdout == "together: 4 pictures\n"
    assert_alike(folder / "together", folder / "alone")


def test_finished_pictures_are_not_made_again(forked, folder, address):
    flags = (*DREAM, "--output=out", f"--scheduler={address}")
    assert forked("deepdream", *flags, cwd=folder).returncode == 0
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "out").iterdir()}
    (folder / "out" / "2.png").unlink()
    assert forked("deepdream", *flags, cwd=folder).stdout == "out: 4 pictures\n"
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "out").iterdir()}
    assert [name for name in sorted(after) if after[name] != before[name]] == ["2.png"]
    assert forked("deepdream", *flags, "--seed=1", cwd=folder).returncode == 0
    assert all(path.stat().st_mtime_ns > after[path.name] for path in (folder / "out").iterdir())


def test_a_killed_run_leaves_whole_pictures_and_goes_on(forked, folder, address):
    flags = (*DREAM, "--steps=30", f"--scheduler={address}")
    run = forked.start("deepdream", *flags, "--output=out", cwd=folder)
    wait_for(folder, "out/*.png")
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    for path in folder.glob("out/*.png"):
        Image.open(path).load()
    assert forked("deepdream", *flags, "--output=out", cwd=folder).returncode == 0
    assert forked("deepdream", *flags, "--output=uninterrupted", cwd=folder).returncode == 0
    pictures = {path.name: path.read_bytes() for path in folder.glob("out/*.png")}
    assert pictures == contents(folder / "uninterrupted")


def test_a_painting_that_is_none_is_one_clear_error(forked, folder, address):
    (folder / "painting.png").write_text("no picture")
    flags = ("--input=photos", "--style=painting.png", "--output=out", f"--scheduler={address}")
    done = forked("neural_style", *flags, cwd=folder)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("neural_style: painting.png is not a picture")
    assert "Traceback" not in done.stderr


def test_a_process_that_ends_is_started_again(forked, folder, address):
    flags = (*DREAM, "--steps=60", f"--scheduler={address}", "--output=out")
    run = forked.start("deepdream", *flags, cwd=folder)
    wait_for(folder, "out/*.png")
    subprocess.run(["pkill", "-9", "-f", "--", "--steps=60 --input=."], check=True)
    assert run.wait().stdout == "out: 4 pictures\n"
    assert len(list(folder.glob("out/*.png"))) == 4


def test_an_interrupted_run_says_how_to_go_on(forked, folder, address):
    run = forked.start("deepdream", *DREAM, "--steps=60", f"--scheduler={address}", "--output=out", cwd=folder)
    wait_for(folder, "out")
    os.kill(run.pid, signal.SIGINT)
    done = run.wait()
    assert done.returncode == 130
    assert done.stderr.strip().splitlines()[-1].endswith("the same command makes the pictures that are missing")


def test_pictures_of_one_name_are_reported(forked, folder, address):
    (folder / "photos" / "0.bmp").write_bytes((folder / "photos" / "1.png").read_bytes())
    done = forked("deepdream", *DREAM, "--output=out", f"--scheduler={address}", cwd=folder)
    assert done.returncode == 2
    assert "out: 4 of 5 pictures" in done.stderr
    assert "another picture has the same name" in done.stderr


@pytest.fixture
def film(folder):
    """A film of four frames, of which the second is black."""
    frames = [np.asarray(Image.open(path), np.float32) / 255 for path in sorted((folder / "photos").iterdir())]
    frames[1] = np.zeros_like(frames[1])
    films.save(folder / "film.apng", frames, 10)
    return folder


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("deepdream", ["--layer=fire2", "--steps=3", "--blend=0"]),
        ("neural_style", ["--style=photos/0.png", "--steps=2", "--size=64", "--temporal_weight=0"]),
    ],
)
def test_frames_that_do_not_depend_on_one_another_are_made_side_by_side(forked, film, address, name, flags):
    flags = ["--input=film.apng", *flags]
    alone = forked(name, *flags, "--output=alone.apng", cwd=film)
    together = forked(name, *flags, "--output=together.apng", f"--scheduler={address}", cwd=film)
    assert (alone.returncode, together.returncode) == (0, 0), together.stderr
    assert together.stdout == alone.stdout.replace("alone", "together")
    one, other = (np.stack([*films.open_film(film / f"{which}.apng").frames()]) for which in ("alone", "together"))
    assert 255 * np.abs(one - other).max() <= 3.5
    assert not list(film.glob("checkpoints/*"))


def test_an_interrupted_film_goes_on_with_the_frames_that_are_missing(forked, film, address):
    flags = (
        "--input=film.apng",
        "--layer=fire2",
        "--steps=40",
        "--blend=0",
        "--output=out.apng",
        f"--scheduler={address}",
    )
    run = forked.start("deepdream", *flags, cwd=film)
    wait_for(film, "checkpoints/*/frames/*.png")
    os.kill(run.pid, signal.SIGINT)
    assert run.wait().returncode == 130
    done = forked("deepdream", *flags, "--resume", cwd=film)
    assert done.returncode == 0, done.stderr
    assert len([*films.open_film(film / "out.apng").frames()]) == 4


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    [
        ("deepdream", [], "give --blend=0 with it"),
        ("neural_style", ["--style=photos/0.png"], "give --temporal_weight=0 with it"),
    ],
)
def test_frames_that_depend_on_one_another_are_not_made_side_by_side(forked, film, name, flags, message):
    done = forked(name, "--input=film.apng", *flags, "--workers=2", cwd=film)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr


PAGE = ("feature", "--layer=fire3", "--channels=1,4-20", "--size=40", "--style=fourier")


def test_a_page_of_features_is_made_by_workers(forked, tmp_path, address):
    alone = forked("visualize", *PAGE, "--steps=4", "--output=alone", cwd=tmp_path)
    together = forked("visualize", *PAGE, "--steps=4", "--output=together", f"--scheduler={address}", cwd=tmp_path)
    assert (alone.returncode, together.returncode) == (0, 0), together.stderr
    assert together.stdout == alone.stdout.replace("alone", "together")
    pages = [(tmp_path / name / "index.html").read_text() for name in ("alone", "together")]
    assert pages[1].replace("together", "alone") == pages[0]
    for name in ("alone", "together"):
        (tmp_path / name / "index.html").unlink()
    assert_alike(tmp_path / "together", tmp_path / "alone")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "together"]


def test_an_interrupted_page_goes_on_with_the_parts_that_are_missing(forked, tmp_path, address):
    flags = (*PAGE, "--steps=40", "--output=page", f"--scheduler={address}")
    run = forked.start("visualize", *flags, cwd=tmp_path)
    wait_for(tmp_path, "checkpoints/*/pictures/*.done")
    os.kill(run.pid, signal.SIGINT)
    assert run.wait().returncode == 130
    mark = sorted(tmp_path.glob("checkpoints/*/pictures/*.done"))[0]  # of eight channels
    channel = [1, *range(4, 21)][8 * int(mark.stem)]
    finished = mark.with_name(f"fire3_{channel:04}.png")
    assert finished.exists()
    Image.new("RGB", (40, 40), "red").save(finished)
    done = forked("visualize", *flags, "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "page" / finished.name) as picture:
        assert picture.getpixel((20, 20)) == (255, 0, 0)
    assert len(list(tmp_path.glob("page/fire3_*.png"))) == 18


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["feature", "--objective=fire2:3", "--workers=2"], "are for a page"),
        (["layers", "--workers=2"], "--workers is for feature, not for layers"),
        (["feature", "--workers=2", "--logdir=logs"], "--logdir is for a run without"),
        (["feature", "--layer=fire33", "--workers=2"], "has no layer 'fire33'"),
    ],
)
def test_wrong_flags_of_a_page_are_refused(forked, tmp_path, flags, message):
    done = forked("visualize", *flags, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--workers=2", "--scheduler=tcp://127.0.0.1:1"], "say the same"),
        (["--workers=2", "--logdir=logs"], "--logdir is for a run without"),
        (["--scheduler=tcp://head:1"], "is another machine"),
        (["--workers=2", "--output=out.png"], "several pictures need a folder"),
    ],
)
def test_wrong_flags_are_refused(forked, folder, flags, message):
    done = forked("deepdream", *DREAM, *flags, cwd=folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["photos"]


@pytest.mark.parametrize("flags", [["photos/0.png"], ["photos/0.png", "--zoom_frames=2"]])
def test_one_picture_needs_no_workers(forked, folder, flags):
    done = forked("deepdream", *flags, "--workers=2", cwd=folder)
    assert done.returncode == 2
    assert "--workers is for several pictures" in done.stderr
