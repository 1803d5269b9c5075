import math
import re
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from foreign_networks import convolutions, random_pictures
from network_properties import assert_field_is_support_of_gradient, assert_pictures_do_not_mix, gradient_support

from tfgraphs.backbones import BackboneError, load
from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.backbones.looking.classes import classify, middle
from tfgraphs.backbones.networks.squeezenet import Arrays, build, read_packaged
from tfgraphs.backbones.preprocessing import caffe
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.packaged import PackageError
from tfgraphs.pictures import images, samples

FIRES = [f"fire{number}" for number in range(2, 10)]
SQUEEZED = dict(zip(FIRES, (16, 16, 32, 32, 48, 48, 64, 64), strict=True))
RECTIFIED = ["conv1", *(f"{fire}{part}" for fire in FIRES for part in ("_squeeze1x1", "_expand1x1", "_expand3x3", ""))]
RECTIFIED += ["conv10"]
build = partial(build, "squeezenet")
CATS = {281, 282, 283, 284, 285}


def random_weights() -> Arrays:
    """Weights with which the activations of a random picture are about 1 in all layers."""
    rng = np.random.default_rng(0)
    shapes, channels = {"conv1": (3, 3, 3, 64)}, 64
    for fire, squeezed in SQUEEZED.items():
        shapes[f"{fire}/squeeze1x1"] = (1, 1, channels, squeezed)
        shapes[f"{fire}/expand1x1"] = (1, 1, squeezed, 4 * squeezed)
        shapes[f"{fire}/expand3x3"] = (3, 3, squeezed, 4 * squeezed)
        channels = 8 * squeezed
    shapes["conv10"] = (1, 1, channels, 1000)
    return {
        name: [
            rng.normal(0, math.sqrt(2 / math.prod(shape[:3])) * (0.01 if name == "conv1" else 1), shape).astype(
                np.float32
            ),
            rng.normal(0, 0.1, shape[3:]).astype(np.float32),
        ]
        for name, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def weights() -> Arrays:
    return random_weights()


@pytest.fixture(scope="module")
def network(weights) -> Backbone:
    """SqueezeNet with random weights."""
    return build(weights)


@pytest.fixture(scope="module")
def activations(network) -> dict[str, np.ndarray]:
    """All of the network's layers for two pictures with an odd and an even side."""
    layers = network(random_pictures(2, 77, 62, 3), network.layers)
    return {name: activation.numpy() for name, activation in layers.items()}


def numpy_convolution(activation: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int = 1) -> np.ndarray:
    """Convolution in float64 with zeros around, more of them below and to the right if their number is odd."""
    side = kernel.shape[0]
    padding = [(0, 0)]
    for length in activation.shape[1:3]:
        missing = max((math.ceil(length / stride) - 1) * stride + side - length, 0)
        padding.append((missing // 2, missing - missing // 2))
    padded = np.pad(activation.astype(np.float64), [*padding, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("byxcij,ijcd->byxd", windows, kernel.astype(np.float64), optimize=True) + bias


def numpy_input(pictures: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(pictures.astype(np.float64), -1, 0)
    return np.stack([blue * 255 - 103.939, green * 255 - 116.779, red * 255 - 123.68], axis=-1)


@pytest.mark.parametrize("colour", [(0, 0, 0), (1, 1, 1), (1, 0.5, 0), (0.2, 0.4, 0.6)])
def test_preprocessing_turns_to_bgr_and_takes_the_mean_away(colour):
    pictures = np.full((1, 2, 3, 3), colour, np.float32)
    np.testing.assert_allclose(caffe(pictures), numpy_input(pictures), atol=1e-4)


@pytest.mark.parametrize("size", [(8, 8), (9, 9), (8, 9), (1, 2)])
def test_first_convolution_agrees_with_numpy(weights, network, size):
    pictures = random_pictures(2, *size, 3)
    activation = network(pictures, ["conv1_pre_relu"])["conv1_pre_relu"]
    expected = numpy_convolution(numpy_input(pictures), *weights["conv1"], stride=2)
    np.testing.assert_allclose(activation, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("fire2_squeeze1x1", "pool1"),
        ("fire2_expand1x1", "fire2_squeeze1x1"),
        ("fire2_expand3x3", "fire2_squeeze1x1"),
        ("fire3_squeeze1x1", "fire2"),
        ("fire4_squeeze1x1", "pool3"),
        ("fire6_squeeze1x1", "pool5"),
        ("fire9_expand3x3", "fire9_squeeze1x1"),
        ("conv10", "fire9"),
    ],
)
def test_convolution_reads_its_source_and_agrees_with_numpy(weights, activations, layer, source):
    expected = numpy_convolution(activations[source], *weights[layer.replace("_", "/")])
    np.testing.assert_allclose(
        activations[f"{layer}_pre_relu"], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max()
    )


@pytest.mark.parametrize(("layer", "source"), [("pool1", "conv1"), ("pool3", "fire3"), ("pool5", "fire5")])
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling_agrees_with_numpy(weights, kind, layer, source):
    activations = build(weights, kind)(random_pictures(2, 77, 62, 3), [layer, source])
    windows = np.lib.stride_tricks.sliding_window_view(activations[source], (3, 3), axis=(1, 2))[:, ::2, ::2]
    expected = {"max": np.max, "average": np.mean}[kind](windows, axis=(-2, -1))
    np.testing.assert_allclose(activations[layer], expected, rtol=1e-4)


@pytest.mark.parametrize("layer", RECTIFIED)
def test_layer_is_its_twin_before_the_rectifier_rectified(activations, layer):
    np.testing.assert_array_equal(activations[layer], np.maximum(activations[f"{layer}_pre_relu"], 0))


@pytest.mark.parametrize("suffix", ["", "_pre_relu"])
@pytest.mark.parametrize("fire", FIRES)
def test_fire_is_both_expansions_side_by_side(activations, fire, suffix):
    expansions = [activations[f"{fire}_expand{kernel}{suffix}"] for kernel in ("1x1", "3x3")]
    np.testing.assert_array_equal(activations[f"{fire}{suffix}"], np.concatenate(expansions, axis=-1))


def test_logits_are_the_mean_over_all_positions(activations):
    np.testing.assert_allclose(activations["pool10"], activations["conv10"].mean(axis=(1, 2)), rtol=1e-4)


def test_softmax_agrees_with_numpy(activations):
    exponentials = np.exp(np.float64(activations["pool10"]))
    expected = exponentials / exponentials.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(activations["softmax"], expected, rtol=1e-4)


def test_probabilities_sum_to_one(activations):
    np.testing.assert_allclose(activations["softmax"].sum(axis=-1), [1, 1], atol=1e-5)


def test_average_and_max_pooling_differ(weights):
    pictures = random_pictures(1, 33, 33, 3)
    largest, average = (build(weights, kind)(pictures, ["fire2"])["fire2"] for kind in ("max", "average"))
    assert not np.allclose(largest, average, rtol=0.01)


def test_release_has_1235496_parameters(network):
    assert sum(layer.parameters for layer in network.layers.values()) == 1_235_496


@pytest.mark.parametrize(
    ("layer", "count"),
    [("conv1_pre_relu", 1), ("pool1", 1), ("fire2", 4), ("fire2_expand3x3", 3), ("fire5", 13), ("softmax", 26)],
)
def test_nothing_deeper_than_asked_is_in_the_graph(network, layer, count):
    traced = tf.function(lambda pictures: network(pictures, [layer]))
    graph = traced.get_concrete_function(tf.TensorSpec([1, 64, 64, 3])).graph
    assert len(convolutions(graph)) == count


def test_graph_of_fire2_has_no_operation_of_fire3(network):
    traced = tf.function(lambda pictures: network(pictures, ["fire2"]))
    names = [
        operation.name
        for operation in traced.get_concrete_function(tf.TensorSpec([1, 64, 64, 3])).graph.get_operations()
    ]
    assert {match[0] for name in names for match in re.finditer(r"fire\d", name)} == {"fire2"}


def test_all_layers_together_compute_each_convolution_once(network):
    traced = tf.function(lambda pictures: network(pictures, network.layers))
    graph = traced.get_concrete_function(tf.TensorSpec([1, 64, 64, 3])).graph
    assert len(convolutions(graph)) == 26


@pytest.mark.parametrize("size", [(29, 29), (30, 37), (61, 44)])
def test_odd_sizes_have_as_many_positions_as_windows_fit(network, size):
    expected, sides = {}, [math.ceil(side / 2) for side in size]
    expected["conv1"] = (2, *sides, 64)
    for pool, fire in [("pool1", "fire3"), ("pool3", "fire5"), ("pool5", "fire9")]:
        sides = [(side - 3) // 2 + 1 for side in sides]
        expected[fire] = (2, *sides, 8 * SQUEEZED[fire])
        expected[pool] = (2, *sides, {"pool1": 64, "pool3": 128, "pool5": 256}[pool])
    layers = network(random_pictures(2, *size, 3), expected)
    assert {name: tuple(activation.shape) for name, activation in layers.items()} == expected


def test_pictures_of_a_batch_do_not_mix(network):
    assert_pictures_do_not_mix(network, "fire9", random_pictures(3, 40, 33, 3))


VIEWED = ["conv1", "pool1", "fire2_squeeze1x1", "fire2", "fire3", "pool3", "fire5", "fire6_expand1x1", "fire7", "fire9"]


@pytest.mark.parametrize("layer", VIEWED)
def test_receptive_field_is_the_support_of_the_gradient(weights, layer):
    assert_field_is_support_of_gradient(build(weights, "average"), layer)


@pytest.mark.parametrize("layer", VIEWED)
def test_stride_is_the_way_of_the_gradient_from_one_position_to_the_next(weights, layer):
    network = build(weights, "average")
    view = network.view(layer)
    side = view.receptive_field + 6 * view.stride
    here, there = (gradient_support(network, layer, (side, side), shift) for shift in (0, 1))
    assert (there[0] - here[0], there[2] - here[2]) == (view.stride, view.stride)


def test_channels_are_those_of_the_activations(network, activations):
    assert {name: network.view(name).channels for name in network.layers} == {
        name: activation.shape[-1] for name, activation in activations.items()
    }


SMALLEST = {"pool1": 5, "fire3": 5, "pool3": 13, "fire9": 29}


@pytest.mark.parametrize(("layer", "smallest"), [("conv1", 1), *SMALLEST.items()])
def test_smallest_picture_has_one_position(network, layer, smallest):
    assert network(random_pictures(1, smallest, smallest, 3), [layer])[layer].shape[1:3] == (1, 1)


@pytest.mark.parametrize(("layer", "smallest"), [*SMALLEST.items(), ("softmax", 29)])
def test_picture_one_pixel_smaller_is_refused(network, layer, smallest):
    with pytest.raises(LayerError, match=f"too small for layer {layer} of squeezenet: give at least {smallest} px"):
        network(random_pictures(1, smallest, smallest - 1, 3), [layer])


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("fire2/expand3x3", "fire2_expand3x3"), ("fire10", "fire9"), ("conv1_prerelu", "conv1_pre_relu")],
)
def test_unknown_layer_is_refused_with_the_nearest_names(network, asked, nearest):
    with pytest.raises(LayerError, match=rf"squeezenet has no layer '{asked}'; the nearest names are {nearest}\b"):
        network.view(asked)


@pytest.mark.parametrize(
    "arrays",
    [
        lambda kernel, bias: None,
        lambda kernel, bias: [],
        lambda kernel, bias: [kernel],
        lambda kernel, bias: [bias, kernel],
        lambda kernel, bias: [kernel, bias, bias],
        lambda kernel, bias: [kernel, bias[:-1]],
        lambda kernel, bias: [kernel[..., :-1], bias],
        lambda kernel, bias: [kernel.transpose(3, 2, 0, 1), bias],
        lambda kernel, bias: [kernel, bias[:, None]],
    ],
    ids=["missing", "empty", "no bias", "swapped", "three", "short bias", "a channel less", "transposed", "wrong rank"],
)
@pytest.mark.parametrize("layer", ["conv1", "fire5/expand3x3", "conv10"])
def test_wrong_weights_are_refused_with_the_layer(weights, layer, arrays):
    wrong = weights | {layer: arrays(*weights[layer])}
    if wrong[layer] is None:
        del wrong[layer]
    with pytest.raises(
        WeightsError, match=f"the weights of {layer.replace('/', '_')} are missing or have the wrong shape"
    ):
        build(wrong)


def test_other_file_than_the_known_one_is_refused(tmp_path, monkeypatch):
    (tmp_path / "other.pkl").write_bytes(b"\x80\x04}.")
    monkeypatch.setattr("tfgraphs.backbones.networks.squeezenet.packaged_file", lambda *_: tmp_path / "other.pkl")
    with pytest.raises(PackageError, match=r"other\.pkl is not the known file"):
        read_packaged()


def classes(network: Backbone, path: str, count: int) -> list[int]:
    """The most probable ImageNet classes of the square in the middle of a photograph."""
    try:
        pixels = images.load(samples.resolve(path)).pixels
    except PackageError as error:
        pytest.skip(str(error))
    return [guess.number for guess in classify(network, middle(pixels, (227, 227)), count)]


def test_cat_is_three_kinds_of_cat(squeezenet):
    assert set(classes(squeezenet, "sample:cat", 3)) <= CATS


def test_coffee_is_an_espresso(squeezenet):
    assert classes(squeezenet, "sample:coffee", 1) == [967]


def test_pilatus_is_a_mountain(squeezenet, shared_images):
    assert classes(squeezenet, str(shared_images / "pilatus800.jpg"), 1)[0] in {970, 972, 979}


def test_tubingen_is_a_castle_a_palace_or_a_monastery(squeezenet, shared_images):
    assert {483, 663, 698} & set(classes(squeezenet, str(shared_images / "tubingen.jpg"), 5))


@pytest.mark.parametrize(("name", "pooling"), [("vgg", "max"), ("squeezenet", "median")])
def test_an_unknown_network_or_pooling_is_refused_with_what_there_is(name, pooling):
    with pytest.raises(BackboneError, match=r"squeezenet|max, average"):
        load(name, pooling)
