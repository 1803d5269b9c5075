"""Files that are no networks, or are under another name: what they are, and what to give."""

import json
import shutil
import tarfile

import keras
import pytest
import tensorflow as tf
from foreign_networks import message

from tfgraphs.backbones import BackboneError, installed, load
from tfgraphs.backbones.readers.weights import WeightsError


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        (
            "model.tflite",
            b"\x1c\0\0\0TFL3\x14\0\x20\0",
            "a model of TensorFlow Lite: give the Keras model or SavedModel",
        ),
        ("model.data", b"\x08\x08\x12\x07pytorch\x1a\x032.1", "a model of ONNX: give the model that it was made of"),
        (
            "model.onnx",
            b"\x08\x08",
            "is a model of ONNX, of which weights alone are read: name the network that has them",
        ),
        ("model.onnx", None, "there is no file"),
        (
            "model.json",
            json.dumps({"class_name": "Sequential"}).encode(),
            "save the whole model, model.save(",
        ),
        (
            "model.pth",
            b"PK",
            "holds weights but no network: name the network that has them, such as --backbone",
        ),
        ("last.ckpt", b"PK", "holds weights but no network"),
        ("best.pth.tar", b"PK", "holds weights but no network"),
        ("model.safetensors", b"", "holds weights but no network"),
        ("model.ckpt.index", b"\0", "belongs to a checkpoint of TensorFlow, which has weights but no network"),
        ("model.ckpt.data-00000-of-00001", b"\0", "belongs to a checkpoint of TensorFlow"),
        ("model.ckpt", None, "belongs to a checkpoint of TensorFlow"),
        ("model.pth", None, "there is no file"),
    ],
)
def test_what_is_no_network_is_named_with_what_to_give(tmp_path, name, content, text):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    told = message(BackboneError, load, tmp_path / name)
    assert str(tmp_path / name) in told
    assert text in told


def test_the_program_in_a_saved_model_stands_for_its_folder(tmp_path):
    keras.Sequential([keras.Input((None, None, 3)), keras.layers.ReLU()]).export(tmp_path / "model", verbose=False)
    assert list(load(tmp_path / "model" / "saved_model.pb").layers) == list(load(tmp_path / "model").layers)
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "model", arcname="model")
    assert "a packed file: unpack it first" in message(BackboneError, load, tmp_path / "model.tar.gz")
    shutil.rmtree(tmp_path / "model" / "variables")
    message(WeightsError, load, tmp_path / "model")


def graph_of(path, shape, with_variable=False, as_text=False):
    """Writes a graph with a placeholder for pictures and one convolution."""
    with tf.Graph().as_default() as graph:
        pictures = tf.compat.v1.placeholder(tf.float32, shape, name="pictures")
        kernel = tf.ones([3, 3, 1, 4])
        if with_variable:
            kernel = tf.compat.v1.get_variable("kernel", initializer=kernel, use_resource=False)
        if shape[-1] == 1:
            tf.nn.conv2d(pictures, kernel, 1, "SAME", name="convolution")
        definition = graph.as_graph_def()
    path.write_bytes(str(definition).encode() if as_text else definition.SerializeToString())
    return path


def test_a_frozen_graph_of_one_channel_sees_greys(tmp_path):
    network = load(graph_of(tmp_path / "grey.pb", [None, 28, 28, 1]), expects="0..1")
    assert network.sees_greys
    pictures = tf.ones([1, 5, 5, 3])
    found = network(pictures, ["convolution"])["convolution"]
    assert found.shape == (1, 5, 5, 4)
    assert float(found[0, 2, 2, 0]) == pytest.approx(9, rel=1e-3)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"shape": [None, 28, 28, 1], "with_variable": True},
            "weights, such as 'kernel', are variables, which",
        ),
        ({"shape": [None, 28, 28, 1], "as_text": True}, "it is text, not in binary"),
        (
            {"shape": [None, 3, 28, 28]},
            "it has none; 'pictures' takes them with the channels first, which is not possible",
        ),
        ({"shape": [None, 28, 28, 4]}, "float pictures [batch, height, width, 3 or 1]; it has none"),
    ],
    ids=["variables", "text", "channels first", "four channels"],
)
def test_other_graphs_are_refused_with_the_reason(tmp_path, options, text):
    path = graph_of(tmp_path / "graph.pb", **options)
    told = message(WeightsError, load, path, expects="0..1")
    assert told.startswith(str(path))
    assert text in told


def test_networks_that_need_no_download_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGRAPHS_CACHE", str(tmp_path))
    packaged = set(installed())
    assert packaged <= {"squeezenet", "vgg16"}
    for file in ("resnet18-f37072fd.pth", "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"):
        (tmp_path / file).touch()
    found = installed()
    assert set(found) == packaged | {"resnet18", "vgg19"}
    assert "fc6" not in found["vgg19"]
    assert not found["resnet18"].has_weights


def test_a_vgg_with_all_its_weights_has_its_classes(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGRAPHS_CACHE", str(tmp_path))
    (tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels.h5").touch()
    assert "softmax" in installed()["vgg16"]
