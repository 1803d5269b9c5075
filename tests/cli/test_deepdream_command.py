"""`deepdream`: flags and mistakes."""

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


@pytest.mark.parametrize(
    "flags",
    [("--normalize=laplacian", "--preserve_color"), ("--tile_size=80", "--guide=photo.png")],
    ids=["colours", "tiles and guide"],
)
def test_a_mask_keeps_what_is_black(dream, photo, tmp_path, flags):
    mask = np.zeros((70, 90), np.uint8)
    mask[:, 45:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    quick = ("--layer=fire2", "--iterations=3", "--octaves=4", "--octave_scale=1.1")
    result = dream("--mask=mask.png", "--output=dream.png", *flags, quick=quick)
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
        ("--objective=fire2:3:4:5 - 0.5*fire3:7", "--objective=class:tabby", "--steps=2", "--normalize=laplacian"),
        ("--content=photo.png", "--layer=fire2", "--steps=2", "--optimizer=adam"),
    ],
    ids=["objectives", "optimizer"],
)
def test_flags_change_the_picture(dream, photo, tmp_path, flags):
    result = dream(*flags, "--octaves=1", "--output=dream.png", quick=())
    assert result.returncode == 0, result.stderr
    assert np.abs(pixels_of(tmp_path / "dream.png") - photo).mean() > 0.5


def test_save_every_writes_pictures_on_the_way(dream, photo, tmp_path):
    clear = np.dstack([photo, np.tile(np.uint8([[0, 200]]), (70, 45))])
    Image.fromarray(clear, "RGBA").save(tmp_path / "clear.png")
    quick = ("--layer=fire2", "--iterations=5", "--octaves=2", "--octave_scale=1.2")
    result = dream("--input=clear.png", "--save_every=4", "--output=dream.png", quick=quick)
    assert result.returncode == 0, result.stderr
    names = {path.name for path in tmp_path.glob("dream*.png")}
    assert names == {"dream.png", "dream_00004.png", "dream_00008.png"}
    for name in names:
        with Image.open(tmp_path / name) as image:
            assert image.mode == "RGBA"


def test_an_objective_without_gradient_is_one_line(dream, tmp_path):
    result = dream("--objective=0*fire5", "--output=dream.png", "--iterations=1", quick=())
    assert result.returncode == 2
    said = [line for line in result.stderr.splitlines() if " left (" not in line]  # without lines of progress
    assert said == ["deepdream: fire5 of squeezenet does not respond to this picture: choose another objective"]
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png"}


def test_show_flags_prints_the_command_that_makes_the_same_bytes(dream, forked, tmp_path):
    assert dream("--preserve_color", "--objective=fire3:2", "--output=dream.png").returncode == 0
    shown = forked("deepdream", "--show_flags=dream.png", cwd=tmp_path).stdout
    name, *arguments = shlex.split(shown)
    assert name == "deepdream"
    assert set(arguments) == {"--input=photo.png", *QUICK, "--preserve_color", "--objective=fire3:2"}
    assert forked(name, *arguments, "--output=again.png", cwd=tmp_path).returncode == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "dream.png").read_bytes()


def test_an_exported_dream_follows_the_guide(forked, photo, tmp_path):
    import tensorflow as tf

    Image.new("RGB", (64, 64), (200, 40, 90)).save(tmp_path / "pink.png")
    dreams = []
    for name in ("photo", "pink"):
        guide = f"--guide={name}.png"
        result = forked("deepdream", f"--export_dir={name}", *QUICK, guide, "--preserve_color", cwd=tmp_path)
        assert result.stdout == f"{name}: dream(image, steps, step_size)\n", result.stderr
        dreams.append(tf.saved_model.load(str(tmp_path / name))(photo[None] / np.float32(255)).numpy())
    assert np.abs(dreams[0] - dreams[1]).mean() > 1e-3


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--objective=fire5 +"], "a layer is missing at the end"),
        (["--objective=fier5"], "fire5"),
        (["--objective=fire5:999"], "no channel 999: give one from 0 to 255"),
        (["--objective=class:unicorn"], "no class 'unicorn'"),
        (["--guide=missing.jpg"], "missing.jpg does not exist"),
        (["--mask=wide.png"], "give the mask its proportions"),
        (["--tile_size=20"], "tiles of 20 px are too small"),
        (["--objective=class:1", "--tile_size=500"], "needs the whole picture"),
        (["--device=gpu"], "there is no GPU that TensorFlow can use"),
        (["--normalize=l2"], "mean_abs"),
        (["--export_dir=photo.png"], "photo.png"),
        (["--export_dir=model", "--mask=wide.png"], "--mask has no meaning for a SavedModel"),
        (["--export_dir=model", "--tile_size=500"], "--tile_size has no meaning for a SavedModel"),
        (["--export_dir=model", "--input=", "--output=dream.png"], "--output is for a picture"),
        (["--step_size=inf"], "step_size is inf"),
        (["--step_size=1e38"], "on the scale 0..1"),
        (["--octave_scale=inf"], "octave_scale is inf"),
        (["--input=broken.png"], "broken.png is not a picture"),
        (["--input=tiny.png", "--layer=fire9"], "tiny.png has 6 x 6 px, which is too small"),
        (["--steps=4", "--iterations=1"], "--steps and --iterations say the same"),
        (["--optimizer=hogwild"], "choose one of"),
        (["--export_dir=model", "--optimizer=adam"], "exported dreams take their steps with sgd only"),
        (["--show_flags=photo.png"], "does not say how it was made"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(dream, tmp_path, flags, said):
    Image.new("L", (100, 20)).save(tmp_path / "wide.png")
    Image.new("L", (6, 6)).save(tmp_path / "tiny.png")
    (tmp_path / "broken.png").write_text("no picture")
    given = {path.name for path in tmp_path.iterdir()}
    result = dream(*flags, quick=())
    assert result.returncode == 2, result.stdout + result.stderr
    (line,) = result.stderr.splitlines()
    assert said in line
    assert {path.name for path in tmp_path.iterdir()} == given


def test_verbosity_logs_that_all_octaves_share_a_graph(forked, tmp_path, photo):
    result = forked("deepdream", "--input=photo.png", "--layer=fire2", "--steps=2", "--verbosity=1", cwd=tmp_path)
    assert result.returncode == 0
    assert result.stderr.count("one graph for all octaves") == 1
    assert "octave 2 of 2" in result.stderr
    assert "Sharding" not in result.stderr
