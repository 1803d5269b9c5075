"""`neural_style`: its flags one by one, and how it refuses."""

import shlex

import numpy as np
import pytest
from PIL import Image

QUICK = ("--steps=3", "--size=0")


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(60, 200, (60, 70, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return pixels


@pytest.fixture
def paint(forked, tmp_path, photo):
    def run(*arguments):
        return forked("neural_style", "--content=photo.png", *QUICK, *arguments, cwd=tmp_path)

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
        ("--style=sample:swirls", "--style=sample:embers", "--style_weight=0.7", "--style_weight=0.3"),
        ("--style=sample:swirls", "--style=sample:embers", "--content_mask=left.png", "--content_mask="),
        ("--style_mask=all.png",),
        ("--preserve_color=match",),
        ("--init=content",),
        ("--init=photo.png",),
        ("--loss=paper",),
        ("--statistic=mean_variance",),
        ("--optimizer=rmsprop", "--learning_rate=0.01"),
        ("--content_layer=fire3", "--style_layers=conv1,fire2:0.5"),
    ],
    ids=lambda flags: flags[-1].split("=")[0].strip("-"),
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
    assert set(given) == {*flags, "--content=photo.png", *QUICK}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "say which photograph to paint"),
        (("--content=photo.png", "--style=sample:swirls", "--style_weight=1", "--style_weight=2"), "one for each"),
        (("--content=photo.png", "--style_weight=-1"), "weight of a painting is -1.0"),
        (("--content=photo.png", "--content_mask=photo.png", "--content_mask=photo.png"), "one for each"),
        (("--content=photo.png", "--content_mask=wide.png"), "give the mask its proportions"),
        (("--content=photo.png", "--content_mask=black.png"), "is black"),
        (("--content=photo.png", "--style_layers=fire3:much"), "no layer with a weight"),
        (("--content=photo.png", "--style_layers=fire33"), "fire33"),
        (("--content=photo.png", "--init=nothing.png"), "nothing.png"),
        (("--content=photo.png", "--optimizer=climber"), "climber"),
        (("--content=photo.png", "--loss=other"), "--loss"),
        (("--show_flags=photo.png",), "does not say how it was made"),
    ],
    ids=lambda value: value if isinstance(value, str) else "flags",
)
def test_refusals_are_one_line_and_leave_nothing(forked, tmp_path, photo, flags, message):
    save_mask(tmp_path / "black.png", slice(0, 0))
    Image.new("L", (90, 20), 255).save(tmp_path / "wide.png")
    before = set(tmp_path.iterdir())
    result = forked("neural_style", "--size=0", "--steps=3", *flags, cwd=tmp_path)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("neural_style: ")
    assert message in line
    assert set(tmp_path.iterdir()) == before
