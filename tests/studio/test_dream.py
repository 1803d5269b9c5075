"""The tab Dream: the bytes of the command, masks, guides, zooms, runs that are stopped, and mistakes."""

import shlex

import numpy as np
import pytest
from PIL import Image
from studio_works import bring, finished

from tfgraphs.deepdream.preset_values import DREAMS
from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures import films, images
from tfgraphs.studio.dream import DreamTab, read_dream

QUICK = {"layer": "fire2", "steps": 4, "octaves": 2, "size": 64}


@pytest.fixture
def tab(tmp_path, uploads):
    return DreamTab(lambda: None, tmp_path, uploads)


def test_a_dream_is_the_command_s_to_the_byte(forked, tab, uploads, tmp_path, pixels):
    mask = np.zeros((72, 96), np.uint8)
    mask[:, 40:] = 255
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    state = {**QUICK, "picture": bring(uploads, pixels), "mask": bring(uploads, mask), "step_size": 1.5, "seed": 3}
    _, file, _ = finished(tab.dream(state), tmp_path)
    name, picture, *flags = shlex.split(tab.command(state)["dream"])
    assert (name, picture, "--mask=mask.jpg" in flags) == ("bin/deepdream", "photo.jpg", True)
    flags = [flag for flag in flags if not flag.startswith("--mask")]
    done = forked("deepdream", "photo.png", *flags, "--mask=mask.png", "--output=command.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.asarray(Image.open(tmp_path / "command.png")), np.asarray(Image.open(file)))


def test_the_photograph_is_shown_first_and_then_every_step(tab, uploads, tmp_path, pixels):
    key = bring(uploads, pixels)
    states, file, _ = finished(tab.dream({**QUICK, "picture": key}), tmp_path)
    assert np.array_equal(states[0].picture, images.load(uploads.path(key), 64).pixels)
    assert [state.step for state in states] == [0, 1, 2, 3, 4]
    with Image.open(file) as made:
        assert made.size == (64, 48)


def test_what_there_is_is_kept_of_a_dream_that_is_stopped(tab, uploads, tmp_path, pixels):
    states, file, _ = finished(tab.dream({**QUICK, "picture": bring(uploads, pixels)}), tmp_path, steps=3)
    assert np.array_equal(np.asarray(Image.open(file)), images.to_uint8(states[2].picture))


def test_a_dream_that_is_stopped_does_not_replace_a_finished_one(tab, uploads, tmp_path, pixels):
    state = {**QUICK, "picture": bring(uploads, pixels)}
    _, finished_one, _ = finished(tab.dream(state), tmp_path)
    before = finished_one.read_bytes()
    _, stopped, _ = finished(tab.dream(state), tmp_path, steps=3)
    assert stopped.name == f"{finished_one.stem}_step_2.png"
    assert finished_one.read_bytes() == before


def test_the_file_says_how_it_was_made(tab, uploads, tmp_path, pixels):
    _, file, _ = finished(tab.dream({**QUICK, "picture": bring(uploads, pixels)}), tmp_path)
    origin = images.read_origin(file)
    assert origin["command"] == "deepdream"
    assert origin["flags"] == {"input": "photo.jpg", "size": 64, "steps": 4, "octaves": 2, "layer": "fire2"}


def test_a_guide_changes_the_dream(tab, uploads, tmp_path, pixels):
    state = {**QUICK, "picture": bring(uploads, pixels)}
    _, alone, _ = finished(tab.dream(state), tmp_path)
    _, guided, _ = finished(tab.dream({**state, "guide": "sample:swirls"}), tmp_path)
    assert not np.array_equal(np.asarray(Image.open(alone)), np.asarray(Image.open(guided)))


def test_colours_are_kept(tab, uploads, tmp_path):
    grey = np.random.default_rng(1).integers(0, 256, (12, 16, 1), np.uint8).repeat(3, axis=2)
    grey = grey.repeat(6, axis=0).repeat(6, axis=1)
    state = {**QUICK, "picture": bring(uploads, grey), "preserve_color": "yes"}
    _, file, _ = finished(tab.dream(state), tmp_path)
    made = np.asarray(Image.open(file)).astype(int)
    assert np.abs(made - made.mean(axis=2, keepdims=True)).max() <= 2


def test_a_zoom_is_a_film_that_the_command_makes_too(forked, tab, uploads, tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    state = {**QUICK, "picture": bring(uploads, pixels), "frames": 3, "frame_steps": 2, "zoom": 1.1}
    states, file, _ = finished(tab.zoom(state), tmp_path)
    assert states[-1].stage.startswith("frame 3 of 3")
    flags = shlex.split(tab.command(state)["zoom"])[2:]
    assert {"--zoom_frames=3", "--frame_steps=2", "--zoom=1.1"} <= set(flags)
    done = forked("deepdream", "photo.png", *flags, "--output=command.webp", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ours, theirs = (np.stack([*films.open_film(path).frames()]) for path in (file, tmp_path / "command.webp"))
    assert np.array_equal(ours, theirs)
    assert not list((tmp_path / ".studio").iterdir())


def test_a_zoom_that_is_stopped_has_the_frames_so_far(tab, uploads, tmp_path, pixels):
    state = {**QUICK, "picture": bring(uploads, pixels), "frames": 50, "frame_steps": 2}
    states, file, _ = finished(tab.zoom(state), tmp_path, steps=7)
    assert states[-1].stage.startswith("frame 3")
    assert len([*films.open_film(file).frames()]) == 2


def test_presets_have_objectives_of_the_network(tab):
    choices = tab.questions["choices"]({})
    assert choices["presets"] == DREAMS
    assert len(choices["units"]["objectives"]) >= 30
    assert all(unit.startswith("fire") for unit in choices["units"]["objectives"])


def test_the_defaults_need_no_flags(tab):
    assert tab.command({"size": 1024})["dream"] == "bin/deepdream photo.jpg"
    assert tab.command({"picture": "sample:cat"})["dream"] == "bin/deepdream sample:cat --size=640"


def test_dreamers_are_kept_for_the_next_picture_and_not_for_ever(tab, uploads, tmp_path, pixels):
    for seed in (0, 0, 1, 2, 3, 4):
        finished(tab.dream({**QUICK, "picture": bring(uploads, pixels), "seed": seed}), tmp_path, steps=2)
    about = tab._dreamer.cache_info()
    assert (about.hits, about.currsize) == (1, 3)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "choose a picture first"),
        ({"picture": "0" * 16}, "not here any more"),
        ({"picture": "../../etc/passwd"}, "not here any more"),
        ({"steps": 0}, "steps is '0'"),
        ({"steps": "many"}, "steps is 'many': it has to be a number"),
        ({"step_size": float("inf")}, "step_size is 'inf'"),
        ({"network": "hub:evil"}, "network is 'hub:evil'"),
        ({"objective": 7}, "objective has to be a text"),
        ({"size": 5000}, "size is '5000'"),
    ],
)
def test_a_mistake_is_one_line(tab, state, message):
    with pytest.raises(TfgraphsError, match=message) as error:
        tab.dream(state)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("objective", ["fire55", "fire5:9999", "fire5 +", "__import__('os')"])
def test_an_objective_that_is_none_is_an_error_of_the_run(tab, uploads, pixels, objective):
    work = tab.dream({"picture": bring(uploads, pixels), "objective": objective})
    with pytest.raises(TfgraphsError):
        list(work.run())


def test_a_zoom_has_no_mask(tab, uploads, pixels):
    key = bring(uploads, pixels)
    with pytest.raises(TfgraphsError, match="a zoom leaves behind"):
        tab.zoom({"picture": key, "mask": key})


def test_numbers_may_be_written(tab):
    assert read_dream({"steps": "7", "chroma": "0.5"}).settings.steps == 7
