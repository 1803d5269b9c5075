"""Models that Keras 2 saved: as Keras 2 computes them."""

import copy
import functools
import importlib
import json
import operator
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from foreign_networks import message, random_pictures
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.backbones.imported import keras_config
from tfgraphs.backbones.loading import load
from tfgraphs.files.trust import TrustError

old = pytest.importorskip("tf_keras")
layers = old.layers
Sequential = old.Sequential


def chain(*parts):
    """A functional model of layers, one after the other."""
    tensor = picture = old.Input((16, 16, 3))
    for part in parts:
        tensor = part(tensor)
    return old.Model(picture, tensor)


def shared():
    picture = old.Input((None, None, 3))
    convolution = layers.Conv2D(3, 3, padding="same")
    return old.Model(picture, layers.Add()([convolution(convolution(picture)), picture]))


def attention():
    picture = old.Input((4, 4, 3))
    first, second = layers.Conv2D(3, 1)(picture), layers.Conv2D(3, 1)(picture)
    return old.Model(picture, layers.MultiHeadAttention(2, 2, attention_axes=(1, 2))(first, second))


def nested_twice():
    inner = Sequential([layers.Conv2D(3, 1, activation="relu", input_shape=(16, 16, 3))])
    functional = chain(layers.Conv2D(3, 1), layers.BatchNormalization())
    return chain(inner, functional, layers.Conv2D(3, 1), inner, functional)


def functions():
    """What Keras 2 makes of operators and of functions of TensorFlow between layers."""
    picture = old.Input((16, 16, 3))
    tensor = 1.0 - tf.cast(picture, tf.float32) / 2.0
    tensor = tf.nn.relu6(tensor + 3) * tf.sigmoid(tensor)
    tensor = tf.concat([tensor, tf.maximum(tensor, 0.5), tf.image.rgb_to_grayscale(picture)], -1)
    tensor = tf.image.resize(tensor, (8, 10))[:, :, :, ::-1]
    return old.Model(picture, tf.reduce_mean(tensor, axis=[1, 2], keepdims=True))


def mixed():
    return Sequential([old.Input((16, 16, 3)), layers.Conv2D(3, 3, dtype="mixed_float16")])


def trained():
    model = Sequential([layers.Conv2D(3, 3, input_shape=(16, 16, 3)), layers.Flatten(), layers.Dense(1)])
    model.compile(old.optimizers.legacy.SGD(0.1, momentum=0.9), lambda one, other: one - other)
    model.fit(np.zeros((2, 16, 16, 3)), np.zeros(2), verbose=0)
    return model


MODELS = {
    "depthwise": lambda: chain(layers.DepthwiseConv2D(3), layers.SeparableConv2D(4, 3), layers.Conv2DTranspose(2, 3)),
    "normalized": lambda: chain(layers.Conv2D(4, 3), layers.BatchNormalization(), layers.LayerNormalization()),
    "activations": lambda: chain(layers.LeakyReLU(0.2), layers.ThresholdedReLU(0.3), layers.ReLU(6.0), layers.PReLU()),
    "at random": lambda: chain(layers.RandomFlip(), layers.RandomZoom(0.1), layers.SpatialDropout2D(0.1)),
    "sequential": lambda: Sequential([layers.Conv2D(4, 3, input_shape=(16, 16, 3)), layers.Flatten(), layers.Dense(2)]),
    "in sequential": lambda: Sequential([chain(layers.Conv2D(4, 3)), layers.GlobalMaxPooling2D(), layers.Dense(2)]),
    "nested twice": nested_twice,
    "shared": shared,
    "attention": attention,
    "preprocessed by mobilenet": lambda: chain(old.applications.mobilenet_v2.preprocess_input, layers.Conv2D(2, 3)),
    "preprocessed by resnet": lambda: chain(old.applications.resnet50.preprocess_input, layers.Conv2D(2, 3)),
    "functions": functions,
    "slashes": lambda: chain(layers.Conv2D(3, 3, name="block/conv"), layers.BatchNormalization(name="block/norm")),
    "mobilenet": lambda: old.applications.MobileNetV3Small(weights=None, input_shape=(32, 32, 3), include_top=False),
    "scale": lambda: chain(importlib.import_module("tf_keras.src.applications.convnext").LayerScale(0.5, 3)),
    "half precision": mixed,
    "trained": trained,
}


def without_input():
    model = Sequential([layers.Conv2D(4, 3), layers.GlobalMaxPooling2D()])
    model.build((None, 16, 16, 3))
    return model


MODELS["without an input"] = without_input


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.long] if kind == "mobilenet" else []) for kind in MODELS]
)
def test_a_model_is_computed_as_by_keras_2(tmp_path, kind, suffix):
    model, path = MODELS[kind](), tmp_path / f"model.{suffix}"
    if (kind, suffix) == ("preprocessed by resnet", "keras"):
        pytest.skip("Keras 2 cannot save it")
    model.save(path)
    network = load(path)
    pictures = random_pictures(2, *(side or 16 for side in model.input_shape[1:3]), 3)
    *_, last = network.layers
    expected = np.asarray(model(network.preprocess(pictures), training=False))
    np.testing.assert_allclose(network(pictures, [last])[last], expected, rtol=1e-3, atol=1e-4)


def changed(path, change):
    """Changes the description of a model in a file .keras or .h5."""
    if path.suffix == ".h5":
        with h5py.File(path, "a") as file:
            file.attrs["model_config"] = json.dumps(change(json.loads(file.attrs["model_config"])))
        return
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents["config.json"] = json.dumps(change(json.loads(contents["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("module", "engine"),
    [
        ("tensorflow.keras.layers", "tensorflow.keras"),
        ("tensorflow.python.keras.layers.convolutional", "tensorflow.python.keras.engine.functional"),
        ("keras.src.layers.convolutional.conv2d", "keras.src.engine.functional"),
        ("keras.layers.convolutional", "keras.engine.functional"),
        ("tf_keras.src.layers", "tf_keras.src.engine.functional"),
    ],
)
def test_modules_of_all_versions_are_known(tmp_path, module, engine):
    chain(layers.Conv2D(4, 3, name="convolution")).save(tmp_path / "model.keras")

    def change(description):
        description["module"] = engine
        for layer in description["config"]["layers"]:
            layer["module"] = module
        return description

    changed(tmp_path / "model.keras", change)
    assert list(load(tmp_path / "model.keras").layers) == ["convolution"]


@pytest.mark.parametrize("module", ["mine.keras.layers", "keras_contrib.layers", "tf_keras_layers", "keras.ops"])
def test_a_class_of_another_module_with_a_name_of_keras_is_refused(tmp_path, module):
    chain(layers.Conv2D(4, 3)).save(tmp_path / "model.keras")

    def change(description):
        description["config"]["layers"][1]["module"] = module
        return description

    changed(tmp_path / "model.keras", change)
    assert f"it holds 'Conv2D' of the module '{module}'" in message(TrustError, load, tmp_path / "model.keras")


def test_the_oldest_sequential_models_are_lists_without_an_input(tmp_path):
    model = Sequential([layers.Conv2D(4, 3, name="convolution", input_shape=(16, 16, 3))])
    model.save(tmp_path / "model.h5")

    def change(description):
        return {"class_name": "Sequential", "config": description["config"]["layers"][1:]}

    changed(tmp_path / "model.h5", change)
    pictures = random_pictures(1, 16, 16, 3)
    computed = load(tmp_path / "model.h5")(pictures, ["convolution"])["convolution"]
    np.testing.assert_allclose(computed, model(pictures), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_function_that_is_not_known_is_named(tmp_path, suffix):
    path = tmp_path / f"model.{suffix}"
    chain(lambda tensor: tf.math.cumsum(tensor, 1)).save(path)
    text = message(TrustError, load, path)
    assert "it holds 'tf.math.cumsum', which" in text
    assert text.endswith('model.export("folder") makes a SavedModel, which is read: --backbone=folder')


def parts_of(description, path=()):
    """Where the parts of a description are."""
    yield path
    pairs = description.items() if isinstance(description, dict) else enumerate(description)
    for key, part in pairs if isinstance(description, dict | list) else ():
        yield from parts_of(part, (*path, key)) if isinstance(part, dict | list) else [(*path, key)]


DESCRIPTION = json.loads(
    chain(layers.Conv2D(3, 1), lambda tensor: tf.nn.relu(tensor * 2.0), Sequential([layers.ReLU()])).to_json()
)
OTHERS = [
    None,
    0,
    -1,
    "x",
    "input_1",
    [],
    {},
    [["input_1", 0, 0, {}]],
    ["_CONSTANT_VALUE", -1, 2.0],
    {"class_name": "Model"},
]


@given(
    path=st.sampled_from([path for path in parts_of(DESCRIPTION) if path]),
    other=st.sampled_from([*OTHERS, DESCRIPTION["config"]["layers"][1], DESCRIPTION]),
)
def test_damaged_descriptions_are_refused_or_rewritten(path, other):
    """Whatever is raised is that of a damaged file where files are read; it does not run, and it ends."""
    damaged = copy.deepcopy(DESCRIPTION)
    *before, last = path
    part = functools.reduce(operator.getitem, before, damaged)
    part[last] = other
    try:
        written = json.dumps(keras_config.admitted(damaged, "model.h5"))
    except Exception:  # as `reading` expects
        return
    assert len(written) < 10 * len(json.dumps(damaged))
    assert "OpLambda" not in written


def test_operations_in_hdf5_are_not_taken_for_layers(tmp_path):
    """In such files of Keras 3, which it cannot load itself, operations have no module: Add is one, and a layer."""
    picture = keras.Input((None, None, 3))
    tensor = keras.ops.relu(picture + 3.0) * picture
    model = keras.Model(picture, keras.ops.mean(keras.layers.Add()([tensor, picture]), axis=[1, 2]))
    model.save(tmp_path / "model.h5")
    pictures = random_pictures(1, 5, 6, 3)
    computed = load(tmp_path / "model.h5")(pictures, ["mean"])["mean"]
    np.testing.assert_allclose(computed, model(pictures), rtol=1e-5)


def test_every_operation_has_a_module_of_its_own():
    names = [name for module, name in keras_config.CLASSES if module.startswith("keras.src.ops")]
    assert len(names) == len(set(names))
