"""`visualize feature`: pictures, sheets, pages, and mistakes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CHECKOUT = str(Path(__file__).resolve().parents[2])
QUICK = ("--size=48", "--steps=4", "--style=fourier")


@pytest.fixture
def feature(forked, tmp_path):
    return lambda *arguments: forked("visualize", "feature", *arguments, cwd=tmp_path)


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


@pytest.fixture(scope="module")
def picture(forked, tmp_path_factory):
    """The folder and the output of a run for one picture."""
    folder = tmp_path_factory.mktemp("picture")
    return folder, forked("visualize", "feature", "--objective=fire5:3 - fire5:7", *QUICK, cwd=folder).stdout


def test_an_objective_is_a_picture_named_after_it(picture):
    folder, printed = picture
    assert printed == "fire5_3_-_fire5_7.png: fire5:3 - fire5:7 of squeezenet, fourier\n"
    assert pixels_of(folder / "fire5_3_-_fire5_7.png").shape == (48, 48, 3)


def test_the_command_is_in_the_picture(picture, feature):
    shown = feature(f"--show_flags={picture[0] / 'fire5_3_-_fire5_7.png'}").stdout
    assert shown.startswith("visualize feature ")
    assert "'--objective=fire5:3 - fire5:7'" in shown
    assert "--style=fourier" in shown


def test_styles_stand_side_by_side(feature, tmp_path):
    result = feature(
        "--objective=fire3:3", "--size=48", "--steps=2", "--style=naive,multiscale,laplacian", "--output=o.png"
    )
    assert result.returncode == 0, result.stderr
    height, width, _ = pixels_of(tmp_path / "o.png").shape
    assert width > 3 * 48 > height


def test_alpha_is_kept(feature, tmp_path):
    assert feature("--objective=fire5:3", *QUICK, "--alpha", "--output=o.png").returncode == 0
    assert pixels_of(tmp_path / "o.png").shape == (48, 48, 4)


def test_the_pictures_of_a_batch_are_a_sheet_and_differ(feature, tmp_path):
    assert feature("--objective=fire5:3", *QUICK, "--batch=2", "--output=o.png").returncode == 0
    sheet = pixels_of(tmp_path / "o.png")
    one, other = sheet[8:56, 8:56], sheet[8:56, 64:112]
    assert np.abs(one - other).mean() > 5


@pytest.fixture(scope="module")
def page(forked, tmp_path_factory):
    """The folder and the output of a run for a page."""
    folder = tmp_path_factory.mktemp("page")
    return folder, forked("visualize", "feature", "--layer=fire3", "--channels=1,4-12", *QUICK, cwd=folder).stdout


def test_channels_are_a_folder_with_a_page_a_sheet_and_each_picture(page):
    parent, printed = page
    assert printed == "squeezenet_fire3_features/index.html: 10 channels of squeezenet\n"
    folder = parent / "squeezenet_fire3_features"
    files = {path.name for path in folder.iterdir()}
    assert files == {"index.html", "sheet.png", *(f"fire3_{number:04}.png" for number in (1, *range(4, 13)))}
    text = (folder / "index.html").read_text()
    assert all(f'src="{name}"' in text for name in files - {"index.html", "sheet.png"})
    assert "10 of the 128 channels of fire3 of squeezenet" in text
    assert not (parent / "checkpoints").exists()


def test_channels_of_one_group_are_different_pictures(page):
    folder = page[0] / "squeezenet_fire3_features"
    one, other = (pixels_of(folder / f"fire3_{number:04}.png") for number in (1, 4))
    assert np.abs(one - other).mean() > 2


def test_an_interrupted_page_goes_on_to_the_same_bytes(feature, tmp_path):
    arguments = ("--layer=fire2", "--channels=0-8", "--size=40", "--steps=10", "--style=naive", "--output=page")
    command = [sys.executable, "-m", "tfgraphs.cli.visualize", "feature", *arguments]
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": CHECKOUT}
    )
    while process.poll() is None and not list(tmp_path.glob("checkpoints/*/pictures/*.done")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert b"--resume continues from here" in errors
    assert not (tmp_path / "page").exists()

    def bytes_of(*more):
        result = feature(*arguments, *more)
        assert result.returncode == 0, result.stderr
        found = {path.name: path.read_bytes() for path in (tmp_path / "page").iterdir()}
        shutil.rmtree(tmp_path / "page")
        return found

    assert bytes_of("--resume") == bytes_of()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--objective=fire5:999"], "fire5 of squeezenet has no channel 999: give one from 0 to 255"),
        (["--objective=fire55:9"], "fire5"),
        (["--objective=fire5:1", "--layer=fire5"], "or --layer and --channels, but not both"),
        (["--layer=fire5", "--channels=0-256"], "the layer has the channels 0 to 255"),
        (["--layer=fire5", "--channels=a"], "is no number, range or list of them"),
        (["--channels=0-3"], "--channels needs a layer"),
        (["--layer=fire5", "--batch=3"], "need one --objective"),
        (["--objective=fire5:1", "--diversity=2"], "give a --batch with it"),
        (["--layer=fire5", "--diversity=2"], "give a --batch with it"),
        (["--objective=fire5:1", "--save_every=5"], "--save_every is not for features"),
        (["--objective=fire5:1", "--input=cat.jpg"], "--input"),
        (["--objective=fire5:1", "--step_size=inf"], "step_size is inf"),
        (["--objective=fire5:1", "--style=cubist"], "styles are naive, multiscale, laplacian, fourier, maco"),
        (["--objective=fire5:1", "--style=maco", "--alpha"], "alpha is for the style fourier"),
        (["--objective=fire5:1", "--output=o.gif"], "o.gif"),
        (["--objective=fire9:1", "--size=8"], "fire9"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_leaves_nothing(feature, tmp_path, arguments, message):
    result = feature(*arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def half_dead(tmp_path_factory):
    """The file of a network with two channels, the second of which is dead."""
    import keras

    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 2))
    kernel[..., 1] = 0
    network = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3, padding="same", activation="relu", name="conv")]
    )
    network.layers[0].set_weights([kernel, np.array([0, -1])])
    path = tmp_path_factory.mktemp("network") / "half.keras"
    network.save(path)
    return path


def test_dead_channels_of_a_page_are_reported(feature, half_dead, tmp_path):
    result = feature(f"--backbone={half_dead}", "--layer=conv", "--channels=0,1", *QUICK, "--output=page")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("dead, so without a picture: conv:1\n")
    assert {path.name for path in (tmp_path / "page").iterdir()} == {"index.html", "sheet.png", "conv_0000.png"}


@pytest.mark.parametrize("asked", [("--layer=conv", "--channels=1"), ("--objective=conv:1",)], ids=["page", "picture"])
def test_if_all_units_are_dead_nothing_is_written(feature, half_dead, tmp_path, asked):
    result = feature(f"--backbone={half_dead}", *asked, *QUICK)
    assert result.returncode == 2
    assert "conv:1" in result.stderr
    assert "another" in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_else_is_kept(feature, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    result = feature("--layer=fire3", "--channels=0", *QUICK, "--output=mine")
    assert result.returncode == 2
    assert "choose another folder" in result.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["diary.txt"]
