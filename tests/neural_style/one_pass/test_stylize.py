"""Networks that paint as SavedModels: ours through what others load them with, and those of others through ours."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from tests.saved_models import PICTURES, save_function, save_root
from tfgraphs.files.trust import TrustError
from tfgraphs.neural_style import StyleError
from tfgraphs.neural_style.one_pass.network import TransformationNetwork
from tfgraphs.neural_style.one_pass.stylize import StyleModel, export_network

SAVED_MODEL_CLI = Path(sys.executable).with_name("saved_model_cli")


def picture(*size, seed=0):
    return np.random.default_rng(seed).random((*size, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    return TransformationNetwork(channels=(6, 8), blocks=1, seed=3)


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "network"
    export_network(folder, network)
    return str(folder)


@pytest.fixture(scope="module")
def magenta(tmp_path_factory):
    """A model made as Magenta's module is: a pruned graph of TensorFlow 1 that returns a list.

    It paints a photograph in the mean colour of the painting, and two pixels smaller.
    """
    taken, returned = [], []

    def build(photograph, painting):
        taken.extend([photograph, painting])
        mean = tf.reduce_mean(painting, axis=[1, 2], keepdims=True)
        returned.append((photograph[:, 1:-1, 1:-1] * 0.5 + mean * 0.5) * tf.Variable(1.0))
        return returned[0]

    function = tf.compat.v1.wrap_function(build, [PICTURES, PICTURES]).prune(taken, returned)
    root = tf.train.Checkpoint()
    root.__call__ = function
    root.variables = list(function.graph.variables)
    folder = tmp_path_factory.mktemp("models") / "magenta"
    tf.saved_model.save(root, str(folder), signatures=function)
    return str(folder)


@pytest.mark.parametrize("size", [(16, 24), (17, 31), (64, 33)], ids=str)
def test_hub_load_paints_pictures_of_any_size(network, exported, size):
    batch = np.stack([picture(*size), picture(*size, seed=1)])
    painted = hub.load(exported)(tf.constant(batch))
    assert painted.shape == batch.shape
    np.testing.assert_allclose(painted, network(tf.constant(batch)), atol=1e-5)


def test_a_loaded_network_lists_its_variables(network, exported):
    loaded = hub.load(exported)
    assert len(loaded.variables) == len(loaded.trainable_variables) == len(network.trainable_variables)


@pytest.mark.parametrize("trainable", [False, True])
def test_a_keras_layer_paints_and_can_be_trained_further(network, exported, trainable):
    layer = hub.KerasLayer(exported, trainable=trainable)
    batch = tf.constant(picture(20, 21)[None])
    with tf.GradientTape() as tape:
        painted = layer(batch)
        loss = tf.reduce_sum(tf.square(painted))
    np.testing.assert_allclose(painted, network(batch), atol=1e-5)
    assert len(layer.trainable_weights) == trainable * len(network.trainable_variables)
    assert all(gradient is not None for gradient in tape.gradient(loss, layer.trainable_weights))


def test_saved_model_cli_paints(network, exported, tmp_path):
    batch = picture(19, 26)[None]
    np.save(tmp_path / "photograph.npy", batch)
    command = [SAVED_MODEL_CLI, "run", "--dir", exported, "--tag_set", "serve", "--signature_def", "serving_default"]
    command += ["--inputs", f"image={tmp_path / 'photograph.npy'}", "--outdir", str(tmp_path)]
    subprocess.run(command, capture_output=True, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "image.npy"), network(tf.constant(batch)), atol=1e-5)


def test_a_network_of_ours_is_known_by_how_it_is_called(network, exported):
    model = StyleModel(exported)
    assert not model.takes_painting
    photograph = picture(21, 30)
    np.testing.assert_allclose(model(photograph), network(tf.constant(photograph[None]))[0], atol=1e-5)


def test_a_model_of_any_style_is_known_by_how_it_is_called(magenta):
    model = StyleModel(magenta)
    assert model.takes_painting
    photograph, painting = np.full((20, 30, 3), 0.2, np.float32), picture(9, 11)
    expected = np.broadcast_to(0.1 + painting.mean(axis=(0, 1)) / 2, photograph.shape)
    np.testing.assert_allclose(model(photograph, painting), expected, atol=1e-5)


def test_a_model_can_be_a_hub_handle(exported):
    assert not StyleModel(f"hub:{exported}").takes_painting


def test_a_model_whose_root_is_a_function_of_several_results_gives_the_first(tmp_path):
    folder = save_function(tmp_path / "model", lambda pictures: (pictures * 0.5, pictures))
    photograph = picture(16, 16)
    np.testing.assert_allclose(StyleModel(str(folder))(photograph), photograph / 2, atol=1e-6)


@pytest.mark.parametrize("size", [(7, 30), (30, 7)], ids=str)
def test_a_picture_that_is_too_small_is_refused(exported, size):
    with pytest.raises(StyleError, match="is too small: give at least 8 px a side"):
        StyleModel(exported)(picture(*size))


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(StyleError, match="is not a SavedModel"):
        StyleModel(str(tmp_path))


def test_a_damaged_model_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"nothing of the kind")
    with pytest.raises(StyleError, match="cannot be read"):
        StyleModel(str(tmp_path))


def test_a_model_that_reads_files_is_refused(tmp_path):
    def spy(pictures):
        return pictures + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)

    with pytest.raises(TrustError, match="'ReadFile'"):
        StyleModel(str(save_function(tmp_path / "model", spy)))


VECTOR = tf.TensorSpec([None, 3])


@pytest.mark.parametrize(
    ("call", "specs"),
    [
        (lambda pictures: tf.reduce_mean(pictures, axis=[1, 2]), [PICTURES]),
        (lambda vectors: vectors, [VECTOR]),
        (lambda pictures: pictures[..., :1], [PICTURES]),
        (lambda one, two, three: one, [PICTURES] * 3),
        (lambda pictures, vectors: pictures, [PICTURES, VECTOR]),
        (lambda pictures: pictures, [tf.TensorSpec([None, None, None, 3], tf.uint8)]),
    ],
    ids=["features", "vectors", "grey", "three pictures", "picture and vector", "bytes"],
)
def test_models_that_are_called_otherwise_are_refused(tmp_path, call, specs):
    with pytest.raises(StyleError, match=r"^[^\n]*is not a model that paints[^\n]*$"):
        StyleModel(str(save_function(tmp_path / "model", call, *specs)))


def test_a_network_of_classes_is_refused(tmp_path):
    save_root(tmp_path)
    with pytest.raises(StyleError, match="is not a model that paints"):
        StyleModel(str(tmp_path))


def test_a_model_without_a_call_is_refused(tmp_path):
    tf.saved_model.save(tf.train.Checkpoint(), str(tmp_path / "model"))
    with pytest.raises(StyleError, match="is not a model that paints"):
        StyleModel(str(tmp_path / "model"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda pictures: pictures / 0, "does not return a picture"),
        (lambda pictures: tf.ensure_shape(pictures, [1, 8, 9, 3]), "fails"),
    ],
    ids=["not finite", "of one size"],
)
def test_a_model_that_fails_is_explained(tmp_path, call, message):
    model = StyleModel(str(save_function(tmp_path / "model", call)))
    with pytest.raises(StyleError, match=rf"^[^\n]*{message}[^\n]*$"):
        model(picture(16, 17))
