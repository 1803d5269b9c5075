"""`neural_style --train_style` and `--model`: networks that paint in one pass, and how they are refused."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.saved_models import PICTURES, save_function
from tfgraphs.backbones.networks import squeezenet
from tfgraphs.files.packaged import PackageError
from tfgraphs.neural_style.one_pass.network import TransformationNetwork
from tfgraphs.neural_style.one_pass.trained import TRAINED, trained_network
from tfgraphs.pictures import samples


@pytest.fixture
def folder(tmp_path):
    """A photograph, a painting, and folders of photographs that can be learned from, that are too small, and broken."""
    draw = np.random.default_rng(0)
    for name, size in (
        ("photo", (40, 51)),
        ("painting", (70, 60)),
        ("photos/one", (256, 256)),
        ("small/one", (255, 300)),
        ("tiny", (7, 40)),
    ):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(draw.integers(60, 200, (*size, 3), np.uint8)).save(path)
    (tmp_path / "photos" / "notes.png").write_text("not a picture")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "one.jpg").write_text("not a picture")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.fixture
def run(forked, folder):
    return lambda *arguments: forked("neural_style", *arguments, cwd=folder)


@pytest.fixture
def dark(folder):
    """A model of one style that halves its picture."""
    return save_function(folder / "dark", lambda pictures: pictures / 2)


@pytest.fixture
def mean(folder):
    """A model of any style that gives the mean colour of the painting."""

    def paint(photographs, paintings):
        return [photographs * 0 + tf.reduce_mean(paintings, axis=[1, 2], keepdims=True)]

    return save_function(folder / "mean", paint, PICTURES, PICTURES)


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_a_trained_network_paints(run, folder):
    try:
        squeezenet.read_packaged()
    except PackageError as error:
        pytest.skip(str(error))
    trained = run(
        *("--train_style=painting.png", "--photos=photos", "--export_dir=out/model", "--train_steps=2"),
        *("--content_layer=fire2", "--style_layers=conv1", "--logdir=logs"),
    )
    assert trained.returncode == 0, trained.stderr
    assert "left out: photos/notes.png is not a picture" in trained.stderr
    assert "out/model: a network" in trained.stdout
    assert list((folder / "logs").iterdir())
    assert not (folder / "checkpoints").exists()
    painted = run("--model=out/model", "--input=photo.png", "--output=painted.png")
    assert painted.returncode == 0, painted.stderr
    assert pixels_of(folder / "painted.png").shape == (40, 51, 3)


def test_a_model_of_one_style_paints_a_picture(run, folder, dark):
    assert run("--model=dark", "--input=photo.png", "--output=painted.png").returncode == 0
    assert np.abs(pixels_of(folder / "painted.png") - pixels_of(folder / "photo.png") / 2).max() <= 1


def test_a_model_of_any_style_paints_with_a_painting(run, folder, mean):
    assert run("--model=mean", "--input=photo.png", "--style=painting.png", "--output=painted.png").returncode == 0
    expected = pixels_of(folder / "painting.png").mean(axis=(0, 1))
    assert np.abs(pixels_of(folder / "painted.png") - expected).max() <= 1


def test_a_model_paints_the_pictures_of_a_folder(run, folder, dark):
    assert run("--model=dark", "--input=small", "--size=0", "--output=painted").returncode == 0
    assert pixels_of(folder / "painted" / "one.png").shape == (255, 300, 3)


def test_a_model_paints_in_the_colours_of_the_photograph(run, folder, dark):
    flags = ("--model=dark", "--input=photo.png", "--preserve_color=luminance", "--output=painted.png")
    assert run(*flags).returncode == 0
    before, after = pixels_of(folder / "photo.png"), pixels_of(folder / "painted.png")
    inside = (after > 0).all(axis=-1)
    assert np.abs((after - before)[..., :2] - (after - before)[..., 1:])[inside].max() <= 2


def test_a_picture_tells_which_model_made_it(run, folder, dark):
    assert run("--model=dark", "--input=photo.png", "--output=painted.png").returncode == 0
    assert run("--show_flags=painted.png").stdout.split() == ["neural_style", "--input=photo.png", "--model=dark"]


@pytest.mark.parametrize("name", TRAINED)
def test_a_network_of_the_package_paints_as_its_painting(run, folder, name):
    """Its colours are those of the painting rather than those of the photograph, and the command is remembered."""
    result = run("--fast", "--input=photo.png", f"--style=sample:{name}", "--output=painted.png")
    assert (result.returncode, result.stderr.count("\n") < 5) == (0, True)
    with Image.open(samples.resolve(f"sample:{name}")) as image:
        painting = np.asarray(image.convert("RGB")).astype(int)
    painted, photo = pixels_of(folder / "painted.png"), pixels_of(folder / "photo.png")
    assert painted.shape == photo.shape
    wanted, found, given = (pixels.mean(axis=(0, 1)) for pixels in (painting, painted, photo))
    assert np.linalg.norm(found - wanted) < np.linalg.norm(given - wanted)
    assert "--fast" in run("--show_flags=painted.png").stdout.split()


def test_a_network_of_the_package_is_what_this_package_exports():
    """Small, and with the weights of the present architecture."""
    for name in TRAINED:
        folder = trained_network(f"sample:{name}")
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 1_550_000
        stored = tf.saved_model.load(str(folder)).variables
        assert [v.shape for v in stored] == [v.shape for v in TransformationNetwork().trainable_variables]


@pytest.mark.parametrize("name", TRAINED)
def test_a_network_of_the_package_refuses_files_of_pictures_that_are_too_large(name):
    network = tf.saved_model.load(str(trained_network(f"sample:{name}")))
    with pytest.raises(tf.errors.InvalidArgumentError, match="a picture is too large"):
        network.serve_bytes(tf.constant([tf.io.encode_png(tf.zeros([1, 20_001, 3], tf.uint8)).numpy()]))


TRAIN = ("--train_style=painting.png", "--export_dir=model")
PAINT = ("--input=photo.png",)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--train_style=painting.png",), "say where to write the trained network"),
        (("--train_style=nothing.png", "--export_dir=model", "--photos=photos"), "nothing.png does not exist"),
        (("--train_style=painting.png", "--export_dir=photos"), "photos exists and is not an earlier result"),
        ((*TRAIN, "--photos=nowhere"), "nowhere does not exist"),
        ((*TRAIN, "--photos=empty"), "empty has no pictures"),
        ((*TRAIN, "--photos=broken"), "one.jpg is not a picture"),
        ((*TRAIN, "--photos=small"), "one.png is too small"),
        ((*TRAIN, "--photos=photos", "--resume"), "no interrupted run"),
        ((*TRAIN, "--photos=photos", "--loss=paper"), "leave both out"),
        ((*TRAIN, "--photos=photos", "--style_layers=fire33"), "fire33"),
        ((*TRAIN, "--train_steps=0"), "--train_steps"),
        ((*TRAIN, *PAINT), "--train_style only trains"),
        ((*PAINT, "--model=nowhere"), "nowhere is not a SavedModel"),
        ((*PAINT, "--model=photos"), "photos is not a SavedModel"),
        ((*PAINT, "--model=hub:nowhere"), "hub:nowhere is not a SavedModel"),
        ((*PAINT, "--model=features"), "features is not a model that paints"),
        ((*PAINT, "--model=dark", "--style=painting.png"), "leave --style out"),
        ((*PAINT, "--model=dark", "--style=nothing.png"), "nothing.png does not exist"),
        ((*PAINT, "--model=mean"), "give one --style"),
        ((*PAINT, "--model=mean", "--style=painting.png", "--style=photo.png"), "give one --style"),
        ((*PAINT, "--model=dark", "--steps=3"), "--steps is for painting step by step"),
        (("--input=tiny.png", "--model=dark"), "40 x 7 px is too small"),
        (
            (*PAINT, "--fast", "--style=painting.png"),
            "there is no trained network for painting.png, only for sample:embers and sample:swirls;",
        ),
        (
            (*PAINT, "--fast", "--style=sample:waves"),
            "there is no trained network for sample:waves, only for sample:embers and sample:swirls;",
        ),
        ((*PAINT, "--fast", "--model=dark"), "leave --model out"),
        ((*PAINT, "--fast", "--style=sample:embers", "--style=sample:swirls"), "give one --style"),
        ((*PAINT, "--fast", "--octaves=2"), "--octaves is for painting step by step: leave it out with --fast"),
        (("--fast", "--export_dir=painter"), "leave it out with --model and --fast"),
    ],
    ids=lambda value: value.replace("/", " ") if isinstance(value, str) else "flags",
)
def test_refusals_are_one_line_and_leave_nothing(run, folder, dark, mean, flags, message):
    save_function(folder / "features", lambda pictures: tf.reduce_mean(pictures, axis=[1, 2]))
    before = set(folder.rglob("*"))
    result = run(*flags)
    assert result.returncode == 2
    *_, line = result.stderr.splitlines()
    assert line.startswith("neural_style: ")
    assert message in line
    assert "Traceback" not in result.stderr
    assert set(folder.rglob("*")) == before
