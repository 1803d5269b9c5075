"""Dreams as SavedModels."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
from saved_models import run_saved_model_cli

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, relu
from tfgraphs.deepdream import DreamSettings, dream, layer_l2
from tfgraphs.deepdream.exported import export_dream

RANDOM = np.random.default_rng(0)
SETTINGS = DreamSettings(octaves=2, octave_scale=1.3, iterations=3, jitter=0, step_size=0.01)


@pytest.fixture(scope="module")
def backbone():
    """With a layer computed with its mirrored kernel, a variable that must be exported, too."""
    shapes = {"conv1": (3, 3, 3, 256), "conv2": (3, 3, 256, 256)}
    layers = [
        convolution(name, source, (RANDOM.normal(size=shapes[name]) / 40).astype(np.float32), np.zeros(256, "f"))
        for name, source in (("conv1", "input"), ("conv2", "conv1"))
    ]
    return Backbone("wide", [*layers, relu("relu2", "conv2")], lambda pictures: pictures * 2 - 1)


@pytest.fixture(scope="module")
def folder(backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "dream"
    export_dream(folder, layer_l2("relu2"), backbone, SETTINGS)
    return str(folder)


@pytest.fixture(scope="module")
def model(folder):
    return hub.load(folder)


def test_with_one_octave_it_is_the_same_dream(backbone, tmp_path):
    settings = DreamSettings(octaves=1, iterations=3, jitter=5, step_size=0.01, seed=3)
    export_dream(tmp_path / "dream", layer_l2("relu2"), backbone, settings)
    pixels = RANDOM.uniform(size=(60, 72, 3)).astype(np.float32)
    *_, last = dream(pixels, layer_l2("relu2"), backbone, settings)
    loaded = tf.saved_model.load(str(tmp_path / "dream"))
    np.testing.assert_allclose(loaded(pixels[None])[0], last.picture, atol=1e-5)


@pytest.mark.parametrize("size", [(64, 64), (51, 97), (30, 20)])
def test_pictures_of_any_size_dream(model, size):
    pictures = RANDOM.uniform(size=(2, *size, 3)).astype(np.float32)
    dreamt = model.dream(pictures, steps=2, step_size=0.02).numpy()
    assert dreamt.shape == pictures.shape
    assert dreamt.min() >= 0
    assert dreamt.max() <= 1
    assert np.abs(dreamt - pictures).mean() > 0.005


def test_octaves_add_their_detail_to_the_original(model):
    pictures = RANDOM.uniform(0.3, 0.7, size=(1, 70, 80, 3)).astype(np.float32)
    np.testing.assert_allclose(model.dream(pictures, steps=0, step_size=0.02), pictures, atol=1e-6)
    one, two = (model.dream(pictures, steps=1, step_size=size).numpy() for size in (0.001, 0.01))
    assert np.abs(two - pictures).mean() == pytest.approx(10 * np.abs(one - pictures).mean(), rel=0.2)


def test_signatures_say_what_goes_in_and_out(model):
    assert set(model.signatures) == {"serving_default", "dream", "serve_bytes"}
    _, inputs = model.signatures["dream"].structured_input_signature
    assert {name: (spec.dtype, spec.shape.as_list()) for name, spec in inputs.items()} == {
        "image": (tf.float32, [None, None, None, 3]),
        "steps": (tf.int32, []),
        "step_size": (tf.float32, []),
    }
    assert set(model.signatures["dream"].structured_outputs) == {"image"}


@pytest.mark.long
def test_saved_model_cli_dreams(folder, model, tmp_path):
    pictures = RANDOM.uniform(size=(1, 52, 60, 3)).astype(np.float32)
    np.save(tmp_path / "picture.npy", pictures)
    inputs = ("--inputs", f"image={tmp_path / 'picture.npy'}", "--outdir", tmp_path)
    run_saved_model_cli(folder, "dream", "steps=2;step_size=0.02", *inputs)
    dreamt = model.dream(pictures, steps=2, step_size=0.02)
    np.testing.assert_allclose(np.load(tmp_path / "image.npy"), dreamt, atol=1e-5)


def test_preserve_color_changes_the_luma_only(backbone, tmp_path):
    export_dream(tmp_path / "dream", layer_l2("relu2"), backbone, SETTINGS, preserve_color=True)
    pictures = RANDOM.uniform(0.3, 0.7, size=(1, 60, 72, 3)).astype(np.float32)
    change = tf.saved_model.load(str(tmp_path / "dream"))(pictures) - pictures
    np.testing.assert_allclose(change, np.repeat(change[..., :1], 3, axis=-1), atol=1e-6)
    assert np.abs(change).mean() > 0.005
