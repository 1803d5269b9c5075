"""The painter as a SavedModel."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from tfgraphs.neural_style import StyleError, StyleSettings, paint
from tfgraphs.neural_style.exported import export_painter, noise
from tfgraphs.pictures.images import resize

SETTINGS = StyleSettings(content_layer="conv1", style_layers={"conv1": 1.0, "conv2": 0.5}, steps=12, seed=2)


def texture(*size, seed=0):
    coarse = np.random.default_rng(seed).random((1 + size[0] // 5, 1 + size[1] // 5, 3), np.float32)
    return resize(coarse, size).clip(0, 1)


CONTENT, STYLE = texture(60, 90), texture(50, 70, seed=1)


@pytest.fixture(scope="module")
def folder(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "painter"
    export_painter(folder, small, SETTINGS)
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return tf.saved_model.load(str(folder))


def test_at_one_scale_it_paints_what_paint_does(model, small):
    start = noise(tf.constant(CONTENT.shape[:2]), SETTINGS.seed)[0].numpy()
    *_, last = paint(CONTENT, STYLE, small, SETTINGS, start=start)
    np.testing.assert_allclose(model(CONTENT[None], STYLE[None])[0], last.picture, atol=1e-3)


def test_at_one_scale_it_supersamples_as_paint_does(small, tmp_path):
    settings = dataclasses.replace(SETTINGS, supersampling=1.25)
    export_painter(tmp_path / "painter", small, settings)
    model = tf.saved_model.load(str(tmp_path / "painter"))
    start = noise(tf.constant((75, 112)), settings.seed)[0].numpy()
    *_, last = paint(CONTENT, STYLE, small, settings, start=start)
    painted = model(CONTENT[None], STYLE[None])[0]
    assert painted.shape == CONTENT.shape
    assert np.abs(painted - last.picture).mean() < 2e-3  # two ways to resample


@pytest.mark.parametrize(("content", "style"), [((40, 240), (90, 33)), ((33, 32), (32, 200))])
def test_pictures_of_any_size_are_painted_to_the_same_bytes(model, content, style):
    pictures = texture(*content)[None], texture(*style, seed=1)[None]
    painted = model.stylize(*pictures, steps=6).numpy()
    assert painted.shape == pictures[0].shape
    assert painted.min() >= 0
    assert painted.max() <= 1
    assert painted.tobytes() == model.stylize(*pictures, steps=6).numpy().tobytes()


def test_more_steps_come_closer_to_the_photograph_where_content_is_all(small, tmp_path):
    settings = StyleSettings(
        content_layer="conv1", style_layers={"conv1": 1.0}, content_weight=1e4, variation_weight=0.0, learning_rate=0.1
    )
    export_painter(tmp_path / "painter", small, settings)
    model = hub.load(str(tmp_path / "painter"))
    few, many = (np.abs(model.stylize(CONTENT[None], STYLE[None], steps) - CONTENT).mean() for steps in (2, 60))
    assert many < 0.5 * few


def test_signatures_say_what_goes_in_and_out(model):
    assert set(model.signatures) == {"serving_default", "stylize", "serve_bytes"}
    picture = (tf.float32, [1, None, None, 3])
    for name, expected in (
        ("stylize", {"content": picture, "style": picture, "steps": (tf.int32, [])}),
        ("serving_default", {"content": picture, "style": picture}),
    ):
        _, inputs = model.signatures[name].structured_input_signature
        assert {name: (spec.dtype, spec.shape.as_list()) for name, spec in inputs.items()} == expected
        assert set(model.signatures[name].structured_outputs) == {"image"}


@pytest.mark.long
def test_saved_model_cli_runs_it(folder, tmp_path):
    np.save(tmp_path / "content.npy", CONTENT[None])
    np.save(tmp_path / "style.npy", STYLE[None])
    command = [Path(sys.executable).with_name("saved_model_cli"), "run", "--dir", folder, "--tag_set", "serve"]
    command += ["--signature_def", "stylize", "--input_exprs", "steps=2", "--outdir", tmp_path]
    command += ["--inputs", f"content={tmp_path}/content.npy;style={tmp_path}/style.npy"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert np.load(tmp_path / "image.npy").shape == (1, 60, 90, 3)


def test_a_picture_that_is_too_small_is_refused(model):
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 32 px a side"):
        model(texture(31, 60)[None], STYLE[None])


def test_another_optimizer_is_refused(small, tmp_path):
    with pytest.raises(StyleError, match="adam only"):
        export_painter(tmp_path / "painter", small, StyleSettings(optimizer="sgd"))
    assert not (tmp_path / "painter").exists()
