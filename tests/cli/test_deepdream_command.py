"""`deepdream`: its flags one by one, and how it refuses."""

import shlex

import numpy as np
import pytest
from PIL import Image

QUICK = ("--layer=fire2", "--iterations=2", "--octaves=1")


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(60, 200, (70, 90, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return pixels


@pytest.fixture
def dream(forked, tmp_path, photo):
    def run(*arguments, quick=QUICK):
        return forked("deepdream", "--input=photo.png", *quick, *arguments, cwd=tmp_path)

    return run


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_a_mask_keeps_what_is_black(dream, photo, tmp_path):
    mask = np.zeros((70, 90), np.uint8)
    mask[:, 45:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    result = dream("--mask=mask.png", "--output=dream.png")
    assert result.returncode == 0, result.stderr
    changed = np.abs(pixels_of(tmp_path / "dream.png") - photo).max(axis=-1)
    assert changed[:, :45].max() == 0
    assert changed[:, 45:].mean() > 1


def test_colours_are_kept(dream, photo, tmp_path):
    assert dream("--preserve_color", "--output=dream.png").returncode == 0
    dreamt = pixels_of(tmp_path / "dream.png")
    inside = ((dreamt > 0) & (dreamt < 255)).all(axis=-1)
    for one, other in ((0, 1), (1, 2)):
        before, after = (pixels[..., one].astype(int) - pixels[..., other] for pixels in (photo, dreamt))
        assert np.abs(after - before)[inside].max() <= 2
    assert np.abs(dreamt - photo).mean() > 1


@pytest.mark.parametrize(
    "flags",
    [
        ("--objective=fire2 - 0.5*fire3:7",),
        ("--objective=fire2:3:4:5", "--objective=class:tabby"),
        ("--guide=photo.png",),
        ("--normalize=laplacian",),
        ("--tile_size=80",),
    ],
    ids=["expression", "several", "guide", "laplacian", "tiles"],
)
def test_ways_to_dream_change_the_picture(dream, photo, tmp_path, flags):
    quick = () if flags[0].startswith("--objective") else ("--layer=fire2",)
    result = dream(*flags, "--iterations=2", "--octaves=1", "--output=dream.png", quick=quick)
    assert result.returncode == 0, result.stderr
    assert np.abs(pixels_of(tmp_path / "dream.png") - photo).mean() > 0.5


def test_pictures_are_kept_on_the_way(dream, tmp_path):
    result = dream("--save_every=5", "--output=dream.png", quick=("--layer=fire2", "--iterations=12", "--octaves=1"))
    assert result.returncode == 0, result.stderr
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "photo.png",
        "dream.png",
        "dream_00005.png",
        "dream_00010.png",
    }


def test_a_picture_tells_the_command_that_made_it_and_that_makes_it_again(dream, forked, tmp_path):
    assert dream("--preserve_color", "--objective=fire3:2", "--output=dream.png").returncode == 0
    shown = forked("deepdream", "--show_flags=dream.png", cwd=tmp_path).stdout
    name, *arguments = shlex.split(shown)
    assert name == "deepdream"
    assert set(arguments) == {"--input=photo.png", *QUICK, "--preserve_color", "--objective=fire3:2"}
    assert forked(name, *arguments, "--output=again.png", cwd=tmp_path).returncode == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "dream.png").read_bytes()


def test_a_savedmodel_is_written_without_a_picture(forked, tmp_path):
    result = forked("deepdream", "--export_dir=model", "--layer=fire2", "--octaves=2", cwd=tmp_path)
    assert result.stdout == "model: dream(image, steps, step_size)\n"
    assert (tmp_path / "model" / "saved_model.pb").is_file()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--objective=fire5 +"], "a layer is missing at the end"),
        (["--objective=fier5"], "fire5"),
        (["--objective=fire5:999"], "the channels 0 to 255, and no 999"),
        (["--objective=class:unicorn"], "no class 'unicorn'"),
        (["--guide=missing.jpg"], "missing.jpg does not exist"),
        (["--mask=wide.png"], "give the mask its proportions"),
        (["--tile_size=20"], "tiles of 20 px are too small"),
        (["--objective=class:1", "--tile_size=500"], "needs the whole picture"),
        (["--normalize=l2"], "mean_abs"),
        (["--export_dir=photo.png"], "photo.png"),
        (["--show_flags=photo.png"], "does not say how it was made"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(dream, tmp_path, flags, said):
    Image.new("L", (100, 20)).save(tmp_path / "wide.png")
    result = dream(*flags, quick=())
    assert result.returncode == 2, result.stdout + result.stderr
    (line,) = result.stderr.splitlines()
    assert said in line
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "wide.png"}


def test_verbosity_tells_that_all_octaves_share_a_graph(forked, tmp_path, photo):
    result = forked("deepdream", "--input=photo.png", "--layer=fire2", "--iterations=1", "--verbosity=1", cwd=tmp_path)
    assert result.returncode == 0
    assert result.stderr.count("one graph for all octaves") == 1
    assert "octave 2 of 2" in result.stderr
