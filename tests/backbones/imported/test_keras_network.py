"""Networks of Keras: as Keras computes them, layer by layer."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from foreign_networks import convolutions, message, random_pictures, randomize

from tfgraphs.backbones import BackboneError, load
from tfgraphs.backbones.backbone import LayerError
from tfgraphs.backbones.imported.keras_network import KerasNetwork

layers = keras.layers


def small_model() -> keras.Model:
    """A bit of everything: fused and separate rectifiers, branches, blocks within, a layer called twice, a gate."""
    picture = keras.Input((None, None, 3))
    stem = layers.Conv2D(4, 3, 2, activation="relu", name="stem")(picture)
    pool = layers.MaxPooling2D(3, 2, name="pool")(stem)
    wide = layers.Conv2D(5, (1, 5), padding="same", activation="relu", name="wide")(pool)
    tall = layers.Conv2D(6, (5, 1), padding="same", use_bias=False, name="tall")(wide)
    normal = layers.BatchNormalization(name="normal")(tall)
    rectified = layers.Activation("relu", name="rectified")(normal)
    far = layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", name="far")(pool)
    mixed = layers.Concatenate(name="mixed")([rectified, far])
    twice = layers.Conv2D(10, 3, padding="same", activation="silu", name="twice")
    added = layers.Add(name="add")([twice(twice(mixed)), mixed])
    block = keras.Sequential(
        [keras.Input((None, None, 10)), layers.Conv2D(7, 1, name="conv"), layers.ReLU(name="relu")]
    )
    block.name = "block"
    blocked = layers.ZeroPadding2D(((0, 1), (2, 0)), name="zeros")(block(added))
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(blocked)
    gate = layers.Conv2D(7, 1, activation="sigmoid", name="gate")(gate)
    gated = layers.Multiply(name="gated")([blocked, gate])
    average = layers.GlobalAveragePooling2D(name="average")(layers.Dropout(0.5, name="dropout")(gated))
    return randomize(keras.Model(picture, layers.Dense(3, activation="softmax", name="classes")(average), name="small"))


LOCAL = ["stem", "pool", "wide", "tall", "rectified", "far", "mixed", "twice", "twice_1", "add", "block/relu", "zeros"]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return small_model()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    model.save(folder / "small.keras")
    model.save(folder / "small.h5")
    return folder


@pytest.fixture(scope="module")
def network(folder) -> KerasNetwork:
    return load(folder / "small.keras")


def kerass(model: keras.Model, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """What Keras computes, by the names that the layers have here; of `twice`, which has two outputs, nothing."""
    single = [layer for layer in model.layers[1:] if layer.name != "twice"]
    outputs = keras.Model(model.inputs, [layer.output for layer in single])(pictures)
    return {layer.name: output.numpy() for layer, output in zip(single, outputs, strict=True)}


@pytest.mark.parametrize(
    ("file", "size"), [("small.keras", (33, 46)), ("small.keras", (32, 9)), ("small.h5", (17, 46))]
)
def test_every_layer_is_as_keras_computes_it(model, folder, file, size):
    pictures = random_pictures(2, *size, 3)
    expected = kerass(model, pictures)
    ours = load(folder / file)(pictures, expected)
    for name in expected:
        np.testing.assert_allclose(ours[name], expected[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_layers_have_names_and_kinds(network):
    kinds = {name: layer.kind for name, layer in network.layers.items()}
    assert kinds == {
        "stem_pre_relu": "convolution",
        "stem": "relu",
        "pool": "max pooling",
        "wide_pre_relu": "convolution",
        "wide": "relu",
        "tall": "convolution",
        "normal": "normalization",
        "rectified": "relu",
        "far": "convolution",
        "mixed": "concatenation",
        "twice_pre_relu": "convolution",
        "twice": "silu",
        "twice_1_pre_relu": "convolution",
        "twice_1": "silu",
        "add": "addition",
        "block/conv": "convolution",
        "block/relu": "relu",
        "zeros": "zero padding",
        "squeeze": "global average",
        "gate_pre_relu": "convolution",
        "gate": "sigmoid",
        "gated": "multiplication",
        "dropout": "dropout",
        "average": "global average",
        "classes_pre_relu": "connected",
        "classes": "softmax",
    }


@pytest.mark.parametrize("name", ["stem", "wide", "rectified", "block/relu"])
def test_rectified_layers_are_their_twins_rectified(network, name):
    found = network(random_pictures(2, 33, 46, 3), [name, f"{name}_pre_relu"])
    assert (found[f"{name}_pre_relu"].numpy() < 0).any()
    np.testing.assert_array_equal(found[name], np.maximum(found[f"{name}_pre_relu"], 0))


def test_classes_are_the_softmax_of_the_logits(network):
    found = network(random_pictures(2, 33, 46, 3), ["softmax", "logits", "classes"])
    powers = np.exp(found["logits"].numpy())
    np.testing.assert_allclose(found["softmax"], powers / powers.sum(axis=1, keepdims=True), rtol=1e-5)
    np.testing.assert_array_equal(found["softmax"], found["classes"])


def test_an_added_layer_that_is_called_twice_is_there_twice(model, network):
    found = network(random_pictures(1, 33, 46, 3), ["mixed", "twice", "twice_1", "add"])
    twice = model.get_layer("twice")
    np.testing.assert_allclose(found["twice_1"], twice(found["twice"]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["add"], found["twice_1"] + found["mixed"], rtol=1e-5, atol=1e-6)


def test_operations_that_are_no_layers_are_layers_here(tmp_path):
    picture = keras.Input((None, None, 3))
    left, right = keras.ops.split(picture, [1], axis=-1)
    keras.Model(picture, keras.ops.relu(left * 2 - right) + 0.5).save(tmp_path / "operations.keras")
    network = load(tmp_path / "operations.keras")
    pictures = random_pictures(2, 5, 4, 3)
    first, second, *_, last = network.layers
    found = network(pictures, [first, second, last])
    np.testing.assert_array_equal(found[first], pictures[..., :1])
    np.testing.assert_array_equal(found[second], pictures[..., 1:])
    expected = np.maximum(pictures[..., :1] * 2 - pictures[..., 1:], 0) + 0.5
    np.testing.assert_allclose(found[last], expected, rtol=1e-6)


def test_parameters_are_those_of_keras(model, network):
    assert sum(layer.parameters for layer in network.layers.values()) == model.count_params()


def test_weights_are_variables_and_none_is_trainable(model, network):
    assert len(network.variables) == len(model.weights)
    assert network.trainable_variables == ()


@pytest.fixture(scope="module")
def open_network() -> KerasNetwork:
    """A network through which every pixel reaches all that sees it: nothing is negative, and of no pool only one."""
    model = small_model()
    for weight in model.weights:
        weight.assign(tf.zeros_like(weight) if weight.path.endswith("mean") else tf.abs(weight) + 0.1)
    return KerasNetwork("open", model, tf.identity, pooling="average")


@pytest.mark.parametrize("name", [*LOCAL, "stem_pre_relu"])
def test_receptive_field_and_stride_are_those_of_the_gradient(open_network, name):
    pictures = tf.constant(random_pictures(1, 64, 65, 3))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(pictures)
        activation = open_network(pictures, [name])[name]
        down, across = activation.shape[1] // 2, activation.shape[2] // 2
        targets = [tf.reduce_sum(activation[0, down + step, across + step]) for step in (0, 1)]
    reached = []
    for target in targets:
        pixels = tape.gradient(target, pictures)[0].numpy().any(axis=2)
        reached.append([np.flatnonzero(pixels.any(axis=axis)) for axis in (0, 1)])
    view = open_network.view(name)
    assert max(pixels[-1] - pixels[0] + 1 for pixels in reached[0]) == view.receptive_field
    assert {after[-1] - before[-1] for before, after in zip(*reached, strict=True)} == {view.stride}


@pytest.mark.parametrize("name", ["squeeze", "gate", "gated", "average", "classes"])
def test_layers_behind_a_mean_see_the_whole_picture(network, name):
    assert network.view(name).receptive_field == 0


@pytest.mark.parametrize("name", [*LOCAL, "gated", "classes"])
def test_smallest_picture_is_the_smallest_of_which_a_layer_has_a_position(network, name):
    smallest = network.view(name).smallest
    assert 0 not in network(random_pictures(1, smallest, smallest, 3), [name])[name].shape
    text = f"too small for layer {name} of small: give at least {smallest} px a side"
    assert text in message(LayerError, network, random_pictures(1, 40, smallest - 1, 3), [name])


def test_keras_has_no_position_for_a_picture_below_the_smallest(model, network):
    pool = keras.Model(model.inputs, model.get_layer("pool").output)
    smallest = network.view("pool").smallest
    assert pool(random_pictures(1, smallest, smallest, 3)).shape == (1, 1, 1, 4)
    try:
        positions = pool(random_pictures(1, smallest - 1, smallest, 3)).shape[1]
    except (ValueError, tf.errors.OpError):
        positions = 0
    assert positions == 0


def test_sizes_may_be_unknown_when_traced(network):
    traced = tf.function(lambda pictures: network(pictures, ["gated"])["gated"])
    graph = traced.get_concrete_function(tf.TensorSpec([None, None, None, 3]))
    for shape in [(1, 33, 46, 3), (2, 20, 21, 3)]:
        pictures = random_pictures(*shape)
        expected = network(pictures, ["gated"])["gated"]
        np.testing.assert_allclose(graph(tf.constant(pictures)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "count"), [("stem", 1), ("pool", 1), ("wide", 2), ("mixed", 3), ("twice", 4)])
def test_only_what_is_asked_is_computed(network, name, count):
    traced = tf.function(lambda pictures: network(pictures, [name]))
    found = convolutions(traced.get_concrete_function(tf.TensorSpec([1, 33, 46, 3])).graph)
    assert len(found) == count
    assert {name.split("/")[0] for name in found} == {"small"}


@pytest.mark.parametrize("name", ["classes", "stem_pre_relu", "block/conv"])
def test_gradients_reach_the_picture(network, name):
    pictures = tf.constant(random_pictures(2, 33, 46, 3))
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        value = tf.reduce_sum(network(pictures, [name])[name] ** 2)
    gradient = tape.gradient(value, pictures)
    assert np.isfinite(gradient).all()
    assert np.all(np.any(gradient.numpy() != 0, axis=(1, 2, 3)))


def test_average_pooling_takes_the_place_of_max_pooling(model, folder):
    def averaged(layer):
        if isinstance(layer, layers.MaxPooling2D):
            return layers.AveragePooling2D(layer.pool_size, layer.strides, layer.padding, name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    clone = keras.models.clone_model(model, clone_function=averaged)
    clone.set_weights(model.get_weights())
    pictures = random_pictures(2, 33, 46, 3)
    network = load(folder / "small.keras", pooling="average")
    assert network.layers["pool"].kind == "average pooling"
    expected = kerass(clone, pictures)
    ours = network(pictures, ["pool", "average"])
    for name in ("pool", "average"):
        np.testing.assert_allclose(ours[name], expected[name], rtol=1e-5, atol=1e-6)


def test_average_pooling_that_is_not_possible_is_refused(tmp_path):
    picture = keras.Input((None, None, 3))
    keras.Model(picture, keras.ops.max_pool(picture, 2)).save(tmp_path / "model.keras")
    assert "average pooling cannot replace it" in message(
        BackboneError, load, tmp_path / "model.keras", pooling="average"
    )


def test_layers_for_training_do_nothing(tmp_path):
    picture = tensor = keras.Input((None, None, 3))
    for layer in (layers.RandomFlip(), layers.RandomRotation(0.3), layers.GaussianNoise(1.0), layers.Dropout(0.5)):
        tensor = layer(tensor)
    keras.Model(picture, layers.ReLU(name="last")(tensor)).save(tmp_path / "model.keras")
    pictures = random_pictures(2, 8, 9, 3)
    np.testing.assert_array_equal(load(tmp_path / "model.keras")(pictures, ["last"])["last"], pictures)


def test_short_numbers_are_given_as_float32(tmp_path):
    picture = keras.Input((None, None, 3))
    convolution = layers.Conv2D(4, 3, activation="relu", dtype="mixed_float16", name="conv")
    model = keras.Model(picture, convolution(picture))
    model.save(tmp_path / "model.keras")
    pictures = random_pictures(1, 8, 9, 3)
    found = load(tmp_path / "model.keras")(pictures, ["conv", "conv_pre_relu"])
    assert {activation.dtype for activation in found.values()} == {tf.float32}
    np.testing.assert_allclose(found["conv"], model(pictures), rtol=1e-3)


def test_a_model_is_not_changed(model):
    pictures = random_pictures(1, 33, 46, 3)
    before = model(pictures)
    KerasNetwork("small", model, tf.identity, "average")(pictures, ["classes", "stem_pre_relu"])
    np.testing.assert_array_equal(model(pictures), before)
    assert model.get_layer("stem").activation is keras.activations.relu


@pytest.mark.parametrize(
    ("asked", "nearest"), [("stem_prerelu", "stem_pre_relu"), ("block_conv", "block/conv"), ("Gated", "gated")]
)
def test_unknown_layer_is_refused_with_the_nearest_names(network, asked, nearest):
    text = message(LayerError, network, random_pictures(1, 33, 46, 3), [asked])
    assert re.match(rf"small has no layer '{asked}'; the nearest names are {nearest}", text)


def test_hundreds_of_layers_are_not_too_deep():
    picture = tensor = keras.Input((None, None, 3))
    layer = layers.Rescaling(1.0)
    for _ in range(500):
        tensor = layer(tensor)
    network = KerasNetwork("deep", keras.Model(picture, tensor), tf.identity)
    pictures = random_pictures(1, 2, 2, 3)
    *others, last = network.layers
    assert len(others) == 499
    np.testing.assert_array_equal(network(pictures, [last])[last], pictures)


# --- pictures


@pytest.fixture(scope="module")
def sized(tmp_path_factory) -> KerasNetwork:
    """A network for pictures of 8 x 6, which flattens all places."""
    model = keras.Sequential(
        [
            keras.Input((8, 6, 3)),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="conv"),
            layers.Flatten(name="flat"),
            layers.Dense(5, name="dense"),
        ]
    )
    path = tmp_path_factory.mktemp("sized") / "sized.keras"
    model.save(path)
    return load(path)


def test_layers_before_a_flattening_take_pictures_of_any_size(sized):
    assert sized(random_pictures(1, 11, 5, 3), ["conv"])["conv"].shape == (1, 11, 5, 4)
    assert sized(random_pictures(2, 8, 6, 3), ["dense"])["dense"].shape == (2, 5)


@pytest.mark.parametrize("name", ["flat", "dense"])
def test_layers_behind_a_flattening_take_pictures_of_their_size_only(sized, name):
    text = message(LayerError, sized, random_pictures(1, 9, 6, 3), [name])
    assert text == f"layer {name} of sized takes pictures of 8 x 6 px only, not of 9 x 6 px"


def test_a_network_of_one_channel_sees_greys(tmp_path):
    model = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(4, 3, name="conv")])
    model.save(tmp_path / "grey.keras")
    pictures = random_pictures(1, 8, 9, 3)
    luminance = pictures @ np.array([[0.2989], [0.5870], [0.1140]], np.float32)
    found = load(tmp_path / "grey.keras")(pictures, ["conv"])["conv"]
    np.testing.assert_allclose(found, model(luminance), rtol=1e-3, atol=1e-4)


def recorded(tmp_path: Path, first: keras.Layer | None = None, name: str = "own", **options) -> np.ndarray:
    """What a network gets of a picture in white: the input of its first layer."""
    picture = keras.Input((None, None, 3))
    tensor = first(picture) if first else picture
    keras.Model(picture, layers.ReLU(name="last")(tensor), name=name).save(tmp_path / "file.keras")
    return load(tmp_path / "file.keras", **options).preprocess(tf.ones([1, 1, 1, 3])).numpy().ravel()


@pytest.mark.parametrize(
    ("options", "white"),
    [
        ({}, [1, 1, 1]),
        ({"expects": "-1..1"}, [1, 1, 1]),
        ({"expects": "0..255"}, [255, 255, 255]),
        ({"expects": "vgg19"}, [255 - 103.939, 255 - 116.779, 255 - 123.68]),
        ({"name": "resnet50"}, [255 - 103.939, 255 - 116.779, 255 - 123.68]),
        ({"name": "mobilenetv3small"}, [255, 255, 255]),
        ({"first": layers.Rescaling(1 / 255)}, [255, 255, 255]),
        ({"first": layers.Rescaling(1 / 127.5, offset=-1)}, [255, 255, 255]),
        ({"first": layers.Rescaling(2.0, offset=-1)}, [1, 1, 1]),
        ({"first": layers.Rescaling(1 / 255), "expects": "0..1"}, [1, 1, 1]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_pictures_are_what_the_network_was_trained_on(tmp_path, options, white):
    np.testing.assert_allclose(recorded(tmp_path, **options), white, rtol=1e-5)


def test_an_unknown_kind_of_pictures_is_refused_with_what_there_is(folder):
    text = message(BackboneError, load, folder / "small.keras", expects="0..2")
    assert "'0..2': give one of 0..1, -1..1, 0..255, convnext_base" in text


@pytest.mark.parametrize(
    ("asked", "nearest"), [("inception_v4", "inception_v3"), ("MobilNetV2", "mobilenet_v2"), ("resnet", "resnet50")]
)
def test_an_unknown_network_is_refused_with_the_nearest_names(asked, nearest):
    text = message(BackboneError, load, asked)
    assert text.startswith(f"no network is called '{asked}' (")
    assert nearest in text
