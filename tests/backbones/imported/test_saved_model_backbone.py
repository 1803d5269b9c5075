"""SavedModels as networks: as TensorFlow computes them."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from foreign_networks import message, random_pictures
from saved_models import KERNELS, PICTURES, compute, random_kernel, save_first, save_function, save_root

from tfgraphs.backbones import BackboneError
from tfgraphs.backbones.backbone import LayerError, View
from tfgraphs.backbones.imported.saved_model import SavedModelNetwork, load
from tfgraphs.backbones.looking.kernels import convolution_of
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.trust import TrustError

LAYERS = ["Net/Conv1", "Net/Mixed", "Net/Deep", "default"]


def save_hub_module(folder: Path) -> None:
    save_first(folder, False, tags=((), ("train",)))
    (folder / "tfhub_module.pb").write_bytes(b"\x08\x03")


SAVERS = {
    "signature": lambda folder: save_root(folder, signatures=True),
    "root": save_root,
    "first": lambda folder: save_first(folder, resources=False),
    "first_with_resources": lambda folder: save_first(folder, resources=True),
    "hub_module": save_hub_module,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    for name, save in SAVERS.items():
        save(folder / name)
    return folder


@pytest.fixture(scope="module")
def networks(folder) -> dict[str, SavedModelNetwork]:
    return {name: load(folder / name) for name in SAVERS}


@pytest.fixture(scope="module")
def network(networks) -> SavedModelNetwork:
    return networks["signature"]


@pytest.mark.parametrize("name", SAVERS)
def test_activations_are_those_of_the_model(networks, name):
    network = networks[name]
    assert set(LAYERS) <= set(network.layers)
    for shape in [(2, 11, 8, 3), (1, 24, 24, 3)]:
        pictures = random_pictures(*shape)
        expected = compute(pictures, KERNELS)
        found = network(pictures, LAYERS)
        for layer in LAYERS:
            np.testing.assert_allclose(found[layer], expected[layer], rtol=1e-5, atol=1e-6)


def test_handles_of_tensorflow_hub_are_resolved(folder, networks):
    network = load(f"hub:{folder / 'hub_module'}")
    pictures = random_pictures(1, 11, 8, 3)
    np.testing.assert_array_equal(
        network(pictures, ["default"])["default"], networks["hub_module"](pictures, ["default"])["default"]
    )


def test_layers_are_told_from_the_shallowest_on(network):
    assert {name: (layer.kind, layer.parameters) for name, layer in network.layers.items()} == {
        "Net/Conv1_pre_relu": ("convolution", KERNELS["conv1"].size),
        "Net/Conv1": ("relu", 0),
        "Net/Mixed_pre_relu": ("concatenation", KERNELS["left"].size + KERNELS["right"].size),
        "Net/Mixed": ("concatenation", 0),
        "Net/Deep_pre_relu": ("convolution", KERNELS["deep"].size),
        "Net/Deep": ("elu", 0),
        "default": ("global average", 0),
    }
    assert network.name == "signature"


def test_kernels_that_have_no_values_outside_the_graph_are_told(network):
    text = message(LayerError, convolution_of, network, "Net/Conv1_pre_relu")
    assert text == "the kernels of Net/Conv1_pre_relu are inside the graph of signature: they cannot be shown"


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("Net/Conv1", View(channels=4, stride=2, receptive_field=3, smallest=3, before=0, after=3)),
        ("Net/Mixed", View(channels=11, stride=2, receptive_field=7, smallest=3, before=2, after=5)),
        ("Net/Deep", View(channels=7, stride=4, receptive_field=19, smallest=3, before=8, after=11)),
        ("default", View(channels=7, stride=4, receptive_field=0, smallest=3, before=8, after=11)),
    ],
)
def test_views_follow_the_graph(network, layer, expected):
    assert network.view(layer) == expected
    smallest = random_pictures(1, expected.smallest, expected.smallest, 3)
    assert 0 not in network(smallest, [layer])[layer].shape


@pytest.mark.parametrize("layer", ["Net/Conv1", "Net/Mixed"])
def test_rectified_layers_are_their_twins_rectified(network, layer):
    found = network(random_pictures(2, 11, 8, 3), [layer, f"{layer}_pre_relu"])
    assert (found[f"{layer}_pre_relu"].numpy() < 0).any()
    np.testing.assert_array_equal(found[layer], np.maximum(found[f"{layer}_pre_relu"], 0))


@pytest.mark.parametrize(
    ("name", "asked", "convolutions"),
    [
        *((name, ["Net/Conv1", "Net/Mixed"], 3) for name in SAVERS),
        ("signature", ["Net/Conv1"], 1),
        ("signature", ["Net/Mixed"], 3),
        ("signature", ["default"], 4),
        ("signature", LAYERS, 4),
    ],
)
def test_only_what_is_asked_is_computed_and_once(networks, name, asked, convolutions):
    traced = tf.function(lambda pictures: networks[name](pictures, asked), autograph=False)
    graph = traced.get_concrete_function(tf.TensorSpec([1, 24, 24, 3])).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    assert sum(node.op == "Conv2D" for node in nodes) == convolutions


@pytest.mark.parametrize("layer", ["default", "Net/Mixed_pre_relu"])
def test_gradients_are_those_of_the_model(network, layer):
    pictures = tf.constant(random_pictures(2, 24, 25, 3))
    gradients = []
    for call in (lambda given: network(given, [layer])[layer], lambda given: direct(given)[layer]):
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            value = tf.reduce_sum(call(pictures) ** 2)
        gradients.append(tape.gradient(value, pictures))
    assert np.any(gradients[1] != 0)
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-5)


def direct(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
    found = compute(pictures, KERNELS)
    first = found["Net/Conv1"]
    branches = [tf.nn.conv2d(first, KERNELS[name], 1, "SAME") for name in ("left", "right")]
    return found | {"Net/Mixed_pre_relu": tf.concat(branches, axis=3)}


def test_gradients_go_through_a_traced_loss(network):
    @tf.function
    def gradient(pictures: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            value = tf.reduce_sum(network(pictures, ["Net/Deep"])["Net/Deep"])
        return tape.gradient(value, pictures)

    assert np.any(gradient(tf.constant(random_pictures(1, 24, 25, 3))) != 0)


def test_pictures_of_a_batch_do_not_mix(network):
    pictures = random_pictures(3, 13, 16, 3)
    together = network(pictures, ["Net/Deep"])["Net/Deep"]
    alone = [network(pictures[i : i + 1], ["Net/Deep"])["Net/Deep"][0] for i in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


def test_sizes_may_be_unknown_when_traced(network):
    traced = tf.function(lambda pictures: network(pictures, ["default"])["default"], input_signature=[PICTURES])
    pictures = random_pictures(2, 13, 16, 3)
    np.testing.assert_allclose(traced(pictures), network(pictures, ["default"])["default"], rtol=1e-5)


def test_names_may_be_of_any_kind(network):
    pictures = random_pictures(1, 13, 16, 3)
    assert network(pictures, []) == {}
    assert set(network(pictures, "default")) == {"default"}
    assert set(network(pictures, iter(["default", "default", "Net/Conv1"]))) == {"default", "Net/Conv1"}


def test_too_small_a_picture_is_refused(network):
    text = message(LayerError, network, random_pictures(1, 9, 2, 3), ["default"])
    assert text == "a picture of 9 x 2 px is too small for layer default of signature: give at least 3 px a side"


def test_unknown_layer_is_refused_with_the_nearest_names(network):
    text = message(LayerError, network, random_pictures(1, 9, 9, 3), ["Mixed"])
    assert text.startswith("signature has no layer 'Mixed'; the nearest names are Net/Mixed")


def test_the_range_of_rgb_may_be_another(folder):
    pictures = random_pictures(1, 13, 16, 3)
    network = load(folder / "signature", expects="-1..1")
    expected = compute(pictures * 2 - 1, KERNELS)["default"]
    np.testing.assert_allclose(network(pictures, ["default"])["default"], expected, rtol=1e-5)
    assert "'0..2': give one of 0..1, -1..1, 0..255" in message(
        BackboneError, load, folder / "signature", expects="0..2"
    )


# --- which function is called


OTHERS = {
    "integers": (lambda images: {"class": tf.argmax(images, axis=-1)}, [PICTURES]),
    "one_number": (lambda images: {"sum": tf.reduce_sum(images)}, [PICTURES]),
    "vectors": (lambda words: {"length": tf.cast(tf.shape(words)[:1], tf.float32)}, [tf.TensorSpec([None, 3])]),
    "bytes": (lambda images: {"a": tf.cast(images, tf.float32)}, [tf.TensorSpec([None, None, None, 3], tf.uint8)]),
    "two_inputs": (lambda images, factor: {"a": images * factor}, [PICTURES, tf.TensorSpec([])]),
    "channels_first": (lambda images: {"a": images}, [tf.TensorSpec([None, 3, None, None])]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_function_of_something_else_is_refused(tmp_path, name):
    call, specs = OTHERS[name]
    function = tf.function(call, input_signature=specs, autograph=False)
    tf.saved_model.save(tf.train.Checkpoint(), str(tmp_path), {name: function})
    text = message(BackboneError, load, tmp_path)
    assert "of 3 channels or 1, to named activations, but " in text
    assert f"{name} of " in text


def test_a_model_with_functions_of_something_else_only_is_refused(tmp_path):
    path = save_function(tmp_path, lambda images: {"sum": tf.reduce_sum(images)})
    assert "to named activations, but serving_default of" in message(BackboneError, load, path)


def test_a_model_of_keras_is_a_network(tmp_path):
    picture = keras.Input((None, None, 3), name="picture")
    outputs = {"edges": keras.layers.Conv2D(4, 3, activation="relu")(picture)}
    model = keras.Model(picture, outputs)
    model.export(tmp_path, verbose=False)
    pictures = random_pictures(2, 9, 8, 3)
    found = load(tmp_path)(pictures, ["edges"])["edges"]
    np.testing.assert_allclose(found, model(pictures)["edges"], rtol=1e-5, atol=1e-6)


def test_a_model_for_one_size_takes_no_other(tmp_path):
    matrix = random_kernel(24, 2)
    call = lambda images: {"out": tf.reshape(images, [-1, 24]) @ matrix}  # noqa: E731
    network = load(save_function(tmp_path / "sized", call, tf.TensorSpec([None, 2, 4, 3])))
    assert network(random_pictures(5, 2, 4, 3), ["out"])["out"].shape == (5, 2)
    text = message(LayerError, network, random_pictures(1, 4, 8, 3), ["out"])
    assert text == "layer out of sized takes pictures of 2 x 4 px only, not of 4 x 8 px"


def test_a_picture_that_does_not_fit_is_told_in_one_line(tmp_path):
    matrix = random_kernel(24, 2)
    network = load(save_function(tmp_path, lambda images: {"out": tf.reshape(images, [-1, 24]) @ matrix}))
    assert " does not compute out for pictures of 5 x 7 px: " in message(
        LayerError, network, random_pictures(1, 5, 7, 3), ["out"]
    )


def test_a_function_that_changes_variables_is_refused(tmp_path):
    count = tf.Variable(0.0)
    path = save_function(tmp_path, lambda images: {"out": images + count.assign_add(1.0)}, count=count)
    assert "the operation 'AssignAddVariableOp'" in message(TrustError, load, path)


def test_a_folder_of_something_else_is_refused(tmp_path):
    assert "is not a SavedModel" in message(BackboneError, load, tmp_path)


def test_a_truncated_file_is_refused(tmp_path):
    path = save_function(tmp_path, lambda images: {"out": images})
    (path / "saved_model.pb").write_bytes((path / "saved_model.pb").read_bytes()[:100])
    assert str(path) in message(WeightsError, load, path)


def test_a_model_that_keras_exports_with_its_layers_by_name_has_them(tmp_path):
    """The way for layers with code of their own; of one grey channel too."""
    picture = keras.Input((None, None, 1))
    convolved = keras.layers.Conv2D(4, 3, activation="relu", name="convolution")(picture)
    model = keras.Model(picture, keras.layers.GlobalMaxPooling2D(name="most")(convolved))
    keras.Model(picture, {layer.name: layer.output for layer in model.layers[1:]}).export(tmp_path, verbose=False)
    pictures = random_pictures(1, 8, 9, 3)
    found = load(tmp_path)(pictures, ["convolution", "convolution_pre_relu", "most"])
    expected = model(tf.image.rgb_to_grayscale(pictures))
    np.testing.assert_allclose(found["most"], expected, rtol=1e-4)
    np.testing.assert_array_equal(found["convolution"], np.maximum(found["convolution_pre_relu"], 0))
