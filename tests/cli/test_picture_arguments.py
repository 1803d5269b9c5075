"""Arguments that are not flags do what they plainly mean; what can be refused without TensorFlow is refused at once."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with pictures, and one that makes the import of TensorFlow, SciPy, OpenCV and PyAV an error."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    (folder / "shots").mkdir()
    for name, size in (("photo.png", (70, 90)), ("painting.png", (60, 64)), ("shots/a.png", (40, 48))):
        Image.fromarray(random.integers(40, 220, (*size, 3), np.uint8)).save(folder / name)
    Image.fromarray(random.integers(40, 220, (44, 40, 3), np.uint8)).save(folder / "shots" / "b.png")
    Image.new("RGB", (2000, 40), "red").save(folder / "strip.png")
    Image.new("RGB", (16, 12), "red").save(folder / "dot.png")
    Image.new("L", (90, 70)).save(folder / "black.png")
    Image.new("RGBA", (90, 70)).save(folder / "clear.png")
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:])
    (folder / "trap").mkdir()
    missing = "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'scipy', 'cv2', 'av')))"
    (folder / "trap" / "sitecustomize.py").write_text(missing)
    return folder


def refusal(place, *arguments):
    """The line with which a command refuses, in an environment where TensorFlow cannot be imported."""
    name, *rest = arguments
    before = set(place.rglob("*"))
    result = subprocess.run(
        [sys.executable, "-m", f"tfgraphs.cli.{name}", *rest],
        cwd=place,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(place / "trap"), str(CHECKOUT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2, result.stderr
    assert set(place.rglob("*")) == before
    (line,) = result.stderr.splitlines()
    return line.removeprefix(f"{name}: ")


ENLARGED = "which --size={} reduces to {} px: at least {} px a side are needed, give --size={} or more"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("neural_style", "strip.png"), f"strip.png has 2000 x 40 px, {ENLARGED.format(640, '640 x 13', 32, 1600)}"),
        (("deepdream", "strip.png"), f"strip.png has 2000 x 40 px, {ENLARGED.format(1024, '1024 x 20', 29, 1450)}"),
        (("neural_style", "photo.png", "dot.png"), "dot.png has 16 x 12 px, which is too small: give a picture of at"),
        (("neural_style", "film.gif", "--size=20", "--temporal_weight=0"), "film.gif has 64 x 48 px, which --size=20"),
        (("neural_style", "photo.png", "--content_mask=black.png"), "black.png (90 x 70 px) is black or transparent"),
        (("neural_style", "shots", "--style_mask=black.png"), "black.png (90 x 70 px) is black or transparent"),
        (("deepdream", "photo.png", "--mask=clear.png"), "clear.png (90 x 70 px) is black or transparent"),
        (("deepdream", "shots", "--mask=black.png"), "black.png (90 x 70 px) is black or transparent"),
        (("neural_style", "photo.png", "--optimizer=lbfgs"), "L-BFGS needs SciPy and threadpoolctl: "),
        (("neural_style", "film.gif"), "OpenCV is not installed: "),
        (("deepdream", "film.gif", "--output=film.mp4"), "PyAV is not installed"),
        (("deepdream", "https://example.com/cat.jpg"), "https://example.com/cat.jpg is an address"),
        (("neural_style", "photo.png", "s3://cats/cat.jpg"), "s3://cats/cat.jpg is an address"),
        (("deepdream", "photo.png", "--weights=s3://cats/cat.h5"), "s3://cats/cat.h5 is an address"),
        (("deepdream", "photo.png", "--objective=fire5 +"), "a layer is missing at the end of 'fire5 +'"),
        (("visualize", "feature", "--objective=(fire5"), "a ')' is missing at the end of '(fire5'"),
        (("deepdream", "photo.png", "--backbone=cat.keras"), "cat.keras does not exist"),
        (("visualize", "layers", "--backbone=networks/cat"), "networks/cat does not exist"),
        (("neural_style", "photo.png", "--model=cat"), "--model=cat is not a SavedModel: it has no saved_model.pb"),
        (("neural_style", "photo.png", "--photos=shots"), "--photos is for --train_style: leave it out"),
        (("deepdream", "photo.png", "size=300"), "'size=300' is not a file: is --size=300 meant?"),
        (("neural_style", "a.jpg", "b.jpg", "c.jpg"), "which of the 3 pictures is the painting? Give it as --style="),
        (("deepdream", "photo.png", "film.gif"), "film.gif is a film, and there are other inputs beside it"),
        (("visualize", "photo.png"), "what of photo.png? visualize classify photo.png, or visualize activations"),
        (("visualize", "layers", "vgg19"), "'vgg19' is not a flag: layers takes flags only"),
        (("visualize", "classify", "photo.png", "painting.png"), "classify takes one picture"),
    ],
)
def test_a_refusal_names_its_subject_before_tensorflow_starts(place, arguments, said):
    assert refusal(place, *arguments).startswith(said)


def flags_of(place, forked, path):
    """The flags that a picture remembers, without those that make the tests quick."""
    shown = forked("neural_style", f"--show_flags={path}", cwd=place).stdout.split()
    return {word for word in shown if not word.startswith(("--size", "--steps"))} - {"neural_style", "deepdream"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("photo.png", "painting.png"), {"--input=photo.png", "--style=painting.png"}),
        (("--style=painting.png", "photo.png", "--iterations=2"), {"--input=photo.png", "--style=painting.png"}),
    ],
)
def test_a_photograph_is_painted_in_the_style_of_the_picture_after_it(place, forked, arguments, expected):
    result = forked("neural_style", *arguments, "--size=48", "--steps=2", "--output=out/painted.png", cwd=place)
    assert result.returncode == 0, result.stderr
    assert flags_of(place, forked, "out/painted.png") == expected


@pytest.mark.parametrize("arguments", [("--input", "shots/a.png", "shots/b.png"), ("shots/b.png", "shots/a.png")])
def test_several_pictures_dream_each(place, forked, arguments):
    result = forked("deepdream", *arguments, "--steps=1", "--layer=fire2", "--output=out/dreams", cwd=place)
    assert (result.returncode, result.stdout) == (0, "out/dreams: 2 pictures\n"), result.stderr
    assert "--input=shots/b.png" in flags_of(place, forked, "out/dreams/b.png")


def test_several_pictures_are_named_after_the_folder_that_they_have_in_common(place, forked):
    result = forked("deepdream", "shots/a.png", "shots/b.png", "--steps=1", "--layer=fire2", cwd=place)
    assert result.stdout == "shots_deepdream: 2 pictures\n"


def test_a_layer_may_be_several(place, forked):
    dreams = []
    for flags in (("--layer=fire2,fire3",), ("--layer=fire2", "--layer=fire3"), ("--objective=fire2 + fire3",)):
        result = forked("deepdream", "photo.png", *flags, "--steps=2", "--output=out/dream.png", cwd=place)
        assert result.returncode == 0, result.stderr
        with Image.open(place / "out" / "dream.png") as image:
            dreams.append(np.asarray(image))
    np.testing.assert_array_equal(dreams[0], dreams[1])
    np.testing.assert_array_equal(dreams[0], dreams[2])


def test_the_sides_that_squeezenet_needs_are_those_of_its_structure():
    from tfgraphs.backbones import structure
    from tfgraphs.deepdream.presets import LAYERS
    from tfgraphs.deepdream.settings import SMALLEST_SIDES

    network = structure("squeezenet")
    assert {layer: network.view(layer).smallest for layer in SMALLEST_SIDES} == SMALLEST_SIDES
    assert LAYERS["squeezenet"] == "fire7"


def test_a_picture_is_shown_and_classified_by_its_name(place, forked):
    result = forked("visualize", "classify", "photo.png", "--topn=1", cwd=place)
    assert result.returncode == 0, result.stderr
