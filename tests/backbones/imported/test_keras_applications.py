"""The networks of keras.applications: with weights as Keras publishes them, and as Keras computes them."""

import inspect
import re
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from foreign_networks import message, random_pictures, randomize
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group
from keras.src.utils import file_utils

from tfgraphs.backbones.imported import keras_network
from tfgraphs.backbones.imported.keras_applications import APPLICATIONS, find
from tfgraphs.backbones.loading import load
from tfgraphs.backbones.readers.weights import WeightsError


def save_released(model: keras.Model, path: Path) -> Path:
    """Writes weights as those that Keras publishes are written."""
    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, model)
    return path


def counted(model: keras.Model) -> list[str]:
    """The names of layers as in a new process, where Keras counts each kind that it names itself from 0."""
    own = r"(conv2d|batch_normalization|activation|max_pooling2d|average_pooling2d|concatenate)(?:_(\d+))?"
    found = [re.fullmatch(own, layer.name) for layer in model.layers[1:]]
    counts = [(match[1], int(match[2] or 0)) if match else ("", 0) for match in found]
    least = {kind: min(number for other, number in counts if other == kind) for kind, _ in counts}
    return [
        f"{kind}_{number - least[kind]}".removesuffix("_0") if kind else layer.name
        for layer, (kind, number) in zip(model.layers[1:], counts, strict=True)
    ]


@pytest.mark.long
def test_inception_is_as_keras_computes_it(tmp_path, monkeypatch):
    model = randomize(keras.applications.InceptionV3(weights=None, input_shape=(96, 107, 3)))
    path = save_released(model, tmp_path / "weights.h5")
    fetched = []
    monkeypatch.setattr(keras_network, "fetch", lambda download, report: fetched.append(download) or path)
    network = load("InceptionV3")
    assert fetched[0].digest == "md5:9a0d58056eeedaa3f26cb7ebd46da564"
    assert sum(layer.parameters for layer in network.layers.values()) == 23_851_784
    assert {"conv2d", "conv2d_93", "activation_93", "mixed10"} <= set(network.layers)
    names = dict(zip(counted(model), model.layers[1:], strict=True))
    assert len(names) == 94 * 3 + 4 + 9 + 11 + 2 + 2 + 2  # convolved, max and average pools, blocks, parts of them, end
    pictures = random_pictures(1, 96, 107, 3)
    expected = keras.Model(model.inputs, [layer.output for layer in names.values()])(pictures * 2 - 1)
    ours = network(pictures, names)
    for name, activation in zip(names, expected, strict=True):
        largest = np.abs(activation).max()
        np.testing.assert_allclose(ours[name], activation, rtol=1e-4, atol=1e-5 * largest, err_msg=name)
    assert ours["mixed4"].shape == (1, 4, 5, 768)
    assert (network.view("mixed10").stride, network.view("mixed10").smallest) == (32, 75)


@pytest.mark.long
def test_efficientnet_sees_what_it_was_trained_on(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:  # with weights of its own, which Keras would download, it has a layer more
        patched.setattr(file_utils, "get_file", lambda *_, **__: "")
        patched.setattr(keras.Model, "load_weights", lambda *_: None)
        released = randomize(keras.applications.EfficientNetB0())
    network = load("EfficientNetB0", weights=save_released(released, tmp_path / "weights.h5"))
    pictures = random_pictures(1, 224, 224, 3)
    names = ["stem_conv", "block3a_se_excite", "predictions"]
    expected = keras.Model(released.inputs, [released.get_layer(name).output for name in names])(pictures * 255)
    ours = network(pictures, names)
    for name, activation in zip(names, expected, strict=True):
        np.testing.assert_allclose(ours[name], activation, rtol=1e-3, atol=1e-4 * np.abs(activation).max())


@pytest.fixture(scope="module")
def mobile_model() -> keras.Model:
    return randomize(keras.applications.MobileNet((64, 64, 3), weights=None, include_top=False))


@pytest.fixture(scope="module")
def mobile(tmp_path_factory, mobile_model) -> Path:
    """Weights of MobileNet without its classifier."""
    return save_released(mobile_model, tmp_path_factory.mktemp("mobile") / "weights.h5")


def test_weights_of_a_trunk_make_a_trunk_as_keras_computes_it(mobile, mobile_model):
    network, pictures = load("mobilenet", weights=mobile), random_pictures(1, 64, 64, 3)
    assert "predictions" not in network.layers
    names = ["conv1_relu", "conv_dw_6", "conv_pw_13_bn"]
    expected = keras.Model(mobile_model.inputs, [mobile_model.get_layer(name).output for name in names])
    found = network(pictures, names)
    for name, activation in zip(names, expected(pictures * 2 - 1), strict=True):
        largest = np.abs(activation).max()
        np.testing.assert_allclose(found[name], activation, rtol=1e-3, atol=1e-4 * largest, err_msg=name)


@pytest.mark.parametrize(
    ("file", "whole"),
    [
        ("model.weights.h5", True),
        pytest.param("model.keras", True, marks=pytest.mark.long),
        pytest.param("model.h5", True, marks=pytest.mark.long),
        ("model.keras", False),
        pytest.param("model.weights.h5", False, marks=pytest.mark.long),
        pytest.param("model.h5", False, marks=pytest.mark.long),
    ],
)
def test_a_trained_network_of_other_classes_is_read_by_its_names(tmp_path, mobile_model, file, whole):
    """With ten classes in Keras' own last layers, or as a model within one that has a last layer of its own."""
    if whole:
        model = randomize(keras.applications.MobileNet((64, 64, 3), weights=None, classes=10))
        names, inside = ["conv_pw_13_relu", "predictions"], model
    else:
        picture, inside, names = keras.Input((64, 64, 3)), mobile_model, ["conv_pw_13_relu"]
        average = keras.layers.GlobalAveragePooling2D()(mobile_model(picture))
        model = keras.Model(picture, keras.layers.Dense(5, "softmax")(average))
    (model.save_weights if "weights" in file else model.save)(tmp_path / file)
    network, pictures = load("mobilenet", weights=tmp_path / file), random_pictures(1, 64, 64, 3)
    assert ("predictions" in network.layers) == whole
    for name in names:
        expected = keras.Model(inside.inputs, inside.get_layer(name).output)(pictures * 2 - 1)
        found = np.reshape(network(pictures, [name])[name], expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max(), err_msg=name)


def test_weights_of_another_network_are_refused(mobile, monkeypatch):
    def build(
        weights: None, include_top: bool, classes: int = 0
    ) -> keras.Model:  # smaller than Keras', which takes a second
        return keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])

    monkeypatch.setattr(keras.applications, "MobileNetV2", build)
    text = message(WeightsError, load, "mobilenet_v2", weights=mobile)
    assert text.startswith(f"{mobile} does not hold the weights of mobilenet_v2: ")


@pytest.mark.parametrize("name", ["mobilenet", "MobileNetV2"])
def test_weights_without_a_digest_are_to_be_given(name):
    text = message(WeightsError, load, name)
    assert "without a digest: get https://storage.googleapis.com/" in text
    assert text.endswith("give the file: --weights=FILE")


@pytest.mark.parametrize(("path", "found"), [("weights.npz", r"a file \*\.h5"), ("none.h5", "no such file")])
def test_a_file_that_cannot_be_weights_is_refused(tmp_path, path, found):
    assert re.search(found, message(WeightsError, load, "mobilenet", weights=tmp_path / path))


def test_every_network_of_keras_is_known():
    builders = {name for name in dir(keras.applications) if name[0].isupper()}
    assert {application.builder.__name__ for application in APPLICATIONS.values()} == builders


@pytest.mark.parametrize("name", APPLICATIONS)
def test_digests_and_files_are_those_of_keras(name):
    application = APPLICATIONS[name]
    sources = inspect.getsource(sys.modules[application.builder.__module__])
    if "resnet" in name:
        sources += inspect.getsource(keras.src.applications.resnet)
    assert application.digest.partition(":")[2] in sources
    assert application.address.rpartition("/")[0] in re.sub(r'"\s*(f?")?', "", sources)
    assert re.fullmatch("|md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", application.digest)


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("InceptionV3", "inception_v3"),
        ("inception-v3", "inception_v3"),
        ("EfficientNetV2B0", "efficientnet_v2_b0"),
        ("efficientnetb0", "efficientnet_b0"),
        ("ResNet50V2", "resnet50_v2"),
        ("DENSENET121", "densenet121"),
    ],
)
def test_names_have_many_spellings(spelled, name):
    assert find(spelled) is APPLICATIONS[name]
