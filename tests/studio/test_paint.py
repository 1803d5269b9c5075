"""The tab Paint: the bytes of the command, several paintings, one pass, the sheet, and mistakes."""

import shlex

import numpy as np
import pytest
from PIL import Image
from studio_works import bring, finished

from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures import images
from tfgraphs.studio import paint as paint_module
from tfgraphs.studio.paint import PaintTab, read_painting

QUICK = {"size": 64, "steps": 3}
SWIRLS, EMBERS = "sample:swirls", "sample:embers"


@pytest.fixture
def tab(tmp_path, uploads):
    return PaintTab(lambda: None, tmp_path, uploads)


def pixels_of(path):
    return np.asarray(Image.open(path))


@pytest.mark.parametrize(
    "state",
    [
        {"preset": "wild", "seed": 2},
        {"styles": [{"key": SWIRLS, "weight": 2}, {"key": EMBERS, "weight": 1}], "preserve_color": "luminance"},
        {"preset": "", "content_weight": 0.9, "style_scale": 1.5, "preserve_color": "match"},
        {"one_pass": "yes"},
    ],
    ids=["preset", "two paintings", "weight", "one pass"],
)
def test_a_painting_is_the_command_s_to_the_byte(forked, tab, uploads, tmp_path, pixels, state):
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", "PNG")
    state = {**QUICK, "picture": bring(uploads, pixels), **state}
    _, file, _ = finished(tab.paint(state), tmp_path)
    words = shlex.split(tab.questions["command"](state)["paint"])
    assert words[:2] == ["bin/neural_style", "photo.jpg"]
    done = forked("neural_style", *words[1:], "--output=command.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(pixels_of(file), pixels_of(tmp_path / "command.png"))


def test_a_painting_goes_where_its_mask_is_white(forked, tab, uploads, tmp_path, pixels):
    left = np.zeros(pixels.shape[:2], np.uint8)
    left[:, :48] = 255
    mask, right = bring(uploads, left), bring(uploads, 255 - left)
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", "PNG")
    Image.fromarray(left).save(tmp_path / "left.png")
    Image.fromarray(255 - left).save(tmp_path / "right.png")
    styles = [{"key": SWIRLS, "where": mask}, {"key": EMBERS, "where": right}]
    state = {**QUICK, "picture": bring(uploads, pixels), "styles": styles}
    _, file, _ = finished(tab.paint(state), tmp_path)
    words = shlex.split(tab.questions["command"](state)["paint"])
    assert words.count("--content_mask=mask.png") == 2
    flags = [word for word in words[2:] if not word.startswith("--content_mask")]
    flags += ["--content_mask=left.png", "--content_mask=right.png"]
    done = forked("neural_style", "photo.jpg", *flags, "--output=command.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(pixels_of(file), pixels_of(tmp_path / "command.png"))


def test_the_photograph_is_shown_first(tab, uploads, tmp_path, pixels):
    key = bring(uploads, pixels)
    states, _, _ = finished(tab.paint({**QUICK, "picture": key}), tmp_path)
    assert np.array_equal(states[0].picture, images.load(uploads.path(key), 64).pixels)
    assert states[-1].done == 1


def test_what_there_is_is_kept_of_a_painting_that_is_stopped(tab, uploads, tmp_path, pixels):
    state = {"size": 64, "steps": 60, "picture": bring(uploads, pixels)}
    states, file, _ = finished(tab.paint(state), tmp_path, steps=2)
    assert 0 < states[-1].done < 1
    assert np.array_equal(pixels_of(file), images.to_uint8(states[-1].picture))


def test_the_file_says_how_it_was_made(tab, uploads, tmp_path, pixels):
    state = {**QUICK, "picture": bring(uploads, pixels), "preset": "wild"}
    _, file, _ = finished(tab.paint(state), tmp_path)
    about = images.read_origin(file)
    assert about["command"] == "neural_style"
    flags = {"input": "photo.jpg", "style": [SWIRLS], "size": 64, "steps": 3, "preset": "wild"}
    assert about["flags"] == flags


def test_the_sheet_has_each_painting_in_each_strength(tab, uploads, tmp_path, pixels, monkeypatch):
    monkeypatch.setattr(paint_module, "SHEET_STEPS", 2)
    monkeypatch.setattr(paint_module, "SHEET_SIZE", 48)
    styles = [{"key": SWIRLS}, {"key": EMBERS}]
    states, file, told = finished(tab.sheet({"picture": bring(uploads, pixels), "styles": styles}), tmp_path)
    assert told["paintings"] == [SWIRLS, EMBERS]
    assert told["presets"] == ["faithful", "balanced", "wild"]
    made = pixels_of(file)
    assert made.shape == (2 * (36 + 8), 3 * (48 + 8), 3)
    tiles = [made[row * 44 : row * 44 + 36, column * 56 : column * 56 + 48] for row in (0, 1) for column in (0, 1, 2)]
    assert len({tile.tobytes() for tile in tiles}) == 6
    assert states[-1].done == pytest.approx(1)
    assert [*sorted(state.done for state in states)] == [state.done for state in states]


def test_one_painting_alone_has_the_samples_beside_it_on_the_sheet(tab, uploads, tmp_path, pixels, monkeypatch):
    monkeypatch.setattr(paint_module, "SHEET_STEPS", 1)
    monkeypatch.setattr(paint_module, "SHEET_SIZE", 48)
    _, _, told = finished(tab.sheet({"picture": bring(uploads, pixels)}), tmp_path, steps=2)
    assert told["paintings"] == [SWIRLS, EMBERS, "sample:waves"]


def test_the_defaults_need_no_flags_but_the_painting(tab):
    assert tab.questions["command"]({})["paint"] == "bin/neural_style photo.jpg --style=sample:swirls"


def test_what_can_be_chosen_is_told(tab):
    choices = tab.questions["choices"]({})
    assert set(choices["presets"]["squeezenet"]) == {"faithful", "balanced", "wild"}
    assert choices["trained"] == [EMBERS, SWIRLS]
    assert 0 < choices["content_weights"]["squeezenet"] < 1


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "choose a photograph first"),
        ({"picture": "0" * 16}, "not here any more"),
        ({"styles": []}, "one to 4 paintings are needed"),
        ({"styles": [{"key": SWIRLS}] * 5}, "one to 4 paintings are needed"),
        ({"styles": ["swirls"]}, "one to 4 paintings are needed"),
        ({"styles": [{"key": 3}]}, "key has to be a text"),
        ({"styles": [{"key": SWIRLS, "weight": -1}]}, "weight is '-1'"),
        ({"preset": "mild"}, "preset is 'mild'"),
        ({"network": "vgg99"}, "network is 'vgg99'"),
        ({"steps": 0}, "steps is '0'"),
        ({"size": 16}, "size is '16'"),
        ({"one_pass": "yes", "styles": [{"key": "sample:waves"}]}, "no trained network for sample:waves"),
        ({"one_pass": "yes", "preserve_color": "match"}, "one pass paints with one painting"),
    ],
)
def test_a_mistake_is_one_line(tab, state, message):
    with pytest.raises(TfgraphsError, match=message) as error:
        tab.paint(state)
    assert "\n" not in str(error.value)


def test_a_small_photograph_is_refused(tab, uploads):
    key = bring(uploads, np.zeros((16, 64, 3), np.uint8))
    with pytest.raises(TfgraphsError, match="a side of 16 px: at least 32 are needed"):
        tab.paint({"picture": key})


def test_a_painting_that_is_not_here_any_more_is_an_error_of_the_run(tab, uploads, pixels):
    work = tab.paint({**QUICK, "picture": bring(uploads, pixels), "styles": [{"key": "f" * 16}]})
    with pytest.raises(TfgraphsError, match="not here any more"):
        list(work.run())


def test_presets_give_way_to_a_weight_of_one_s_own():
    assert read_painting({"preset": "", "content_weight": 0.5}).settings.content_weight == 0.5
    assert read_painting({"preset": "wild", "content_weight": 0.5}).settings.content_weight == 0.15
