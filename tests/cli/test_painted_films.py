"""Films of `neural_style`, step by step and in one pass: they are still where camera and scene are, resumed or not."""

import itertools

import numpy as np
import pytest
from film_frames import recorded, rolling_ball, town
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.saved_models import save_function
from tfgraphs.pictures import films

QUICK = ("--steps=20", "--init=content", "--content_layer=fire2", "--style_layers=conv1", "--octaves=1")
PAINTERS = {
    "step by step": (*QUICK, "--frame_steps=4"),
    "in its colours": (*QUICK, "--frame_steps=2", "--preserve_color=luminance"),
    "in one pass": ("--model=model",),
    "in one pass, in its colours": ("--model=model", "--preserve_color=luminance"),
}

INTERRUPTED = """
import runpy, sys
from tfgraphs.pictures import films
append = films.FrameFolder.append
def append_three(folder, frame):
    append(folder, frame)
    if len(folder) == 3:
        raise KeyboardInterrupt
films.FrameFolder.append = append_three
sys.argv = ["neural_style", *{arguments}]
runpy.run_module("tfgraphs.cli.neural_style", run_name="__main__")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A film of a still camera before which a ball rolls, one in which nothing moves, and a model."""
    place = tmp_path_factory.mktemp("films")
    moving, _ = rolling_ball(5)
    films.save(place / "ball.apng", recorded(moving), 10)
    films.save(place / "still.apng", recorded([town(64, 80)] * 4, noise=3), 10)
    save_function(place / "model", lambda pictures: (3 * pictures - 1)[..., ::-1])  # shows noise three times as large
    return place


@pytest.fixture
def run(forked, folder):
    return lambda *arguments: forked("neural_style", *arguments, cwd=folder)


def changes(path):
    """Mean changes from frame to frame where nothing moves, and where the ball is, in 1/255."""
    _, never = rolling_ball(5)
    for before, after in itertools.pairwise(films.open_film(path).frames()):
        change = 255 * np.abs(after - before)
        yield change[never].mean(), change[~never].mean()


@pytest.mark.parametrize("painter", PAINTERS)
def test_where_nothing_moves_nothing_flickers(run, folder, painter):
    assert run("--input=ball.apng", *PAINTERS[painter], "--output=painted.apng").returncode == 0
    still, moving = zip(*changes(folder / "painted.apng"), strict=True)
    assert max(still) < 1
    assert min(moving) > 3


def test_nor_does_the_encoded_film(run, folder):
    assert run("--input=ball.apng", "--model=model", "--output=painted.mp4").returncode == 0
    assert max(still for still, _ in changes(folder / "painted.mp4")) < 1


def test_frames_that_are_painted_alone_flicker(run, folder):
    """What the film above would be without memory."""
    assert run("--input=ball.apng", "--model=model", "--temporal_weight=0", "--output=alone.apng").returncode == 0
    assert min(still for still, _ in changes(folder / "alone.apng")) > 4


@pytest.mark.parametrize("painter", ["step by step", "in one pass"])
def test_a_film_in_which_nothing_moves_is_one_picture(run, folder, painter):
    assert run("--input=still.apng", *PAINTERS[painter], "--output=painted.apng").returncode == 0
    first, *others = films.open_film(folder / "painted.apng").frames()
    assert first.std() > 0.05
    for frame in others:
        np.testing.assert_array_equal(frame, first)


def test_tensorboard_shows_the_graph_of_a_frame_that_follows_another(run, folder):
    assert run("--input=ball.apng", *PAINTERS["step by step"], "--output=logged.apng", "--logdir=logs").returncode == 0
    log = EventAccumulator(str(folder / "logs")).Reload()
    scopes = {node.name.split("/")[1] for node in log.Graph().node if node.name.startswith("loss/")}
    assert {"content", "style", "anchor", "temporal"} <= scopes


@pytest.mark.parametrize("painter", [pytest.param("step by step", marks=pytest.mark.long), "in one pass"])
def test_a_film_that_was_interrupted_goes_on_with_what_it_keeps(run, forked, folder, painter):
    arguments = ["--input=ball.apng", *PAINTERS[painter], "--output=parts.apng"]
    first = forked("-c", INTERRUPTED.format(arguments=arguments), cwd=folder)
    assert first.returncode == 130, first.stderr
    assert run(*arguments, "--resume").returncode == 0
    assert run(*arguments[:-1], "--output=whole.apng").returncode == 0
    assert (folder / "parts.apng").read_bytes() == (folder / "whole.apng").read_bytes()
