import math

import numpy as np
import pytest
import tensorflow as tf
from foreign_networks import random_pictures
from hypothesis import given
from hypothesis import strategies as st
from network_properties import assert_pictures_do_not_mix, gradient_support

from tfgraphs.backbones import BackboneError, load
from tfgraphs.backbones.backbone import Backbone, LayerError, View
from tfgraphs.backbones.layers import Layer, concatenation, convolution, global_average, pooling, relu, softmax

Chain = list[tuple[str, int, int, str]]


def ones_convolution(name: str, source: str, side: int, channels: tuple[int, int], stride: int, padding: str) -> Layer:
    kernel = np.ones((side, side, *channels), np.float32)
    return convolution(name, source, kernel, np.zeros(channels[1], np.float32), stride, padding)


@pytest.fixture(scope="module")
def small() -> Backbone:
    """Two branches of a strided convolution, joined, and a head."""
    layers = [
        ones_convolution("conv1_pre_relu", "input", 3, (3, 4), 2, "SAME"),
        relu("conv1", "conv1_pre_relu"),
        pooling("pool1", "conv1", "max", 3, 2),
        ones_convolution("branch1x1", "pool1", 1, (4, 5), 1, "SAME"),
        ones_convolution("branch5x5", "pool1", 5, (4, 6), 1, "SAME"),
        concatenation("mixed", ["branch1x1", "branch5x5"]),
        global_average("average", "mixed"),
        softmax("classes", "average"),
    ]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)


def spied(calls: list[str]) -> Backbone:
    """A diamond with a tail, input - a - (b, c) - d - e, whose layers note that they are computed."""

    def layer(name: str, *inputs: str) -> Layer:
        def compute(*activations: tf.Tensor) -> tf.Tensor:
            calls.append(name)
            return tf.add_n(activations)

        return Layer(name, "sum", inputs, compute, channels=3)

    layers = [layer("a", "input"), layer("b", "a"), layer("c", "a"), layer("d", "b", "c"), layer("e", "d")]
    return Backbone("spied", layers, tf.identity)


@pytest.mark.parametrize(
    ("asked", "computed"),
    [
        ([], ""),
        (["a"], "a"),
        (["c"], "ac"),
        (["c", "b"], "abc"),
        (["d"], "abcd"),
        (["d", "b", "a"], "abcd"),
        (["b", "b"], "ab"),
        (["e"], "abcde"),
    ],
)
def test_only_what_is_asked_is_computed_and_once(asked, computed):
    calls = []
    spied(calls)(random_pictures(1, 4, 4, 3), asked)
    assert sorted(calls) == list(computed)


def test_layers_that_read_two_others_get_both():
    pictures = random_pictures(1, 4, 4, 3)
    np.testing.assert_array_equal(spied([])(pictures, ["e"])["e"], 2 * pictures)


@pytest.mark.parametrize("kind", [list, tuple, set, dict.fromkeys, iter])
def test_keys_are_the_names_asked_for(small, kind):
    assert set(small(random_pictures(1, 9, 9, 3), kind(["mixed", "conv1"]))) == {"mixed", "conv1"}


def test_layers_see_the_preprocessed_picture():
    layer = Layer("same", "identity", ("input",), tf.identity, channels=3)
    pictures = random_pictures(2, 4, 5, 3)
    activation = Backbone("n", [layer], lambda pictures: pictures * 255 - 7)(pictures, ["same"])["same"]
    np.testing.assert_allclose(activation, pictures * 255 - 7, rtol=1e-6)


def test_preprocessing_is_done_once():
    calls = []

    def preprocess(pictures: tf.Tensor) -> tf.Tensor:
        calls.append("preprocess")
        return pictures

    layers = [Layer(name, "identity", ("input",), tf.identity, channels=3) for name in "ab"]
    Backbone("n", layers, preprocess)(random_pictures(1, 4, 4, 3), ["a", "b"])
    assert calls == ["preprocess"]


@pytest.mark.parametrize("layer", ["conv1", "mixed", "classes"])
def test_pictures_of_a_batch_do_not_mix(small, layer):
    assert_pictures_do_not_mix(small, layer, random_pictures(3, 11, 8, 3), tolerance=1e-6)


@pytest.mark.parametrize("size", [(5, 5), (6, 7), (7, 6), (8, 8), (9, 31), (32, 5)])
def test_odd_sizes_have_as_many_positions_as_windows_fit(small, size):
    halves = [math.ceil(side / 2) for side in size]
    pooled = [(side - 3) // 2 + 1 for side in halves]
    activations = small(random_pictures(2, *size, 3), ["conv1", "mixed", "average"])
    shapes = {name: tuple(activation.shape) for name, activation in activations.items()}
    assert shapes == {"conv1": (2, *halves, 4), "mixed": (2, *pooled, 11), "average": (2, 11)}


def test_sizes_may_be_unknown_when_traced(small):
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def traced(pictures: tf.Tensor) -> tf.Tensor:
        return small(pictures, ["mixed"])["mixed"]

    for shape in [(1, 9, 12, 3), (2, 7, 7, 3)]:
        pictures = random_pictures(*shape)
        np.testing.assert_allclose(traced(pictures), small(pictures, ["mixed"])["mixed"], rtol=1e-5)


def test_operations_are_filed_under_network_and_layer(small):
    """Those of a second call, too."""
    traced = tf.function(lambda pictures: (small(pictures, ["conv1"]), small(pictures / 2, ["conv1"])))
    graph = traced.get_concrete_function(tf.TensorSpec([1, 9, 9, 3])).graph
    activations = [
        operation.name.rpartition("/")[0] for operation in graph.get_operations() if operation.type == "Relu"
    ]
    assert activations == ["small/conv1", "small/conv1"]


def test_layers_may_have_names_that_graphs_do_not_allow():
    network = Backbone("3 nets", [relu("a:b", "input")], lambda pictures: pictures)
    traced = tf.function(lambda pictures: network(pictures, ["a:b"]))
    graph = traced.get_concrete_function(tf.TensorSpec([1, 9, 9, 3])).graph
    assert "3_nets/a_b/Relu" in {operation.name for operation in graph.get_operations()}


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("conv1_pre_relu", View(channels=4, stride=2, receptive_field=3, smallest=1, before=1, after=3)),
        ("conv1", View(channels=4, stride=2, receptive_field=3, smallest=1, before=1, after=3)),
        ("pool1", View(channels=4, stride=4, receptive_field=7, smallest=5, before=1, after=7)),
        ("branch1x1", View(channels=5, stride=4, receptive_field=7, smallest=5, before=1, after=7)),
        ("branch5x5", View(channels=6, stride=4, receptive_field=23, smallest=5, before=9, after=15)),
        ("mixed", View(channels=11, stride=4, receptive_field=23, smallest=5, before=9, after=15)),
        ("average", View(channels=11, stride=4, receptive_field=0, smallest=5, before=9, after=15)),
        ("classes", View(channels=11, stride=4, receptive_field=0, smallest=5, before=9, after=15)),
    ],
)
def test_view_follows_the_windows(small, layer, expected):
    assert small.view(layer) == expected


def chain_backbone(chain: Chain) -> Backbone:
    layers, source, channels = [], "input", 3
    for number, (kind, side, stride, padding) in enumerate(chain):
        if kind == "convolution":
            layers.append(ones_convolution(str(number), source, side, (channels, 2), stride, padding))
            channels = 2
        else:
            layers.append(pooling(str(number), source, "average", side, stride, padding))
        source = str(number)
    return Backbone("chain", layers, tf.identity)


# No stride beyond the kernel: for it the filter gradient of TensorFlow 2.21 with oneDNN writes out of bounds.
chains = st.lists(
    st.tuples(
        st.sampled_from(["convolution", "pooling"]),
        st.integers(1, 4),
        st.integers(1, 2),
        st.sampled_from(["SAME", "VALID", "CEIL"]),
    ).filter(lambda window: window[2] <= window[1] and (window[0] == "pooling" or window[3] != "CEIL")),
    min_size=1,
    max_size=4,
)


@given(chains)
def test_receptive_field_and_stride_are_those_of_the_gradient(chain):
    network, last = chain_backbone(chain), str(len(chain) - 1)
    view = network.view(last)
    side = 3 * view.receptive_field + 4 * view.stride
    (first, end, *_), (shifted, *_) = (gradient_support(network, last, (side, side), shift) for shift in (0, 1))
    assert (end - first + 1, shifted - first) == (view.receptive_field, view.stride)


@given(chains)
def test_smallest_picture_is_the_smallest_with_a_position(chain):
    def positions(side: int) -> int:
        for _, kernel, stride, padding in chain:
            starts = {"SAME": side, "VALID": side - kernel + 1, "CEIL": side - kernel + stride}[padding]
            side = max(0, math.ceil(starts / stride))
        return side

    smallest = chain_backbone(chain).view(str(len(chain) - 1)).smallest
    assert positions(smallest) == 1
    assert positions(smallest - 1) == 0


@pytest.mark.parametrize("size", [(4, 9), (9, 4), (1, 1), (0, 9)])
@pytest.mark.parametrize("layer", ["pool1", "branch5x5", "mixed", "average", "classes"])
def test_too_small_a_picture_is_one_error_with_the_size_to_give(small, layer, size):
    message = (
        rf"\Aa picture of {size[0]} x {size[1]} px is too small for layer {layer} of small: give at least 5 px a side\Z"
    )
    with pytest.raises(LayerError, match=message):
        small(np.zeros((1, *size, 3), np.float32), [layer])


def test_too_small_a_picture_is_an_error_while_tracing(small):
    traced = tf.function(lambda pictures: small(pictures, ["mixed"]))
    with pytest.raises(LayerError, match="too small for layer mixed"):
        traced.get_concrete_function(tf.TensorSpec([None, 4, None, 3]))


def test_one_layer_too_deep_for_the_picture_is_refused_among_others(small):
    with pytest.raises(LayerError, match="too small for layer mixed"):
        small(random_pictures(1, 4, 4, 3), ["conv1", "mixed"])


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("conv1_prerelu", "conv1_pre_relu"),
        ("Conv1", "conv1"),
        ("branch_5x5", "branch5x5"),
        ("mixed4d", "mixed"),
        ("pool", "pool1"),
        ("input", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize(
    "ask",
    [
        lambda network, name: network(random_pictures(1, 9, 9, 3), ["conv1", name]),
        lambda network, name: network.view(name),
        lambda network, name: network.check(name),
    ],
    ids=["call", "view", "check"],
)
def test_unknown_layer_is_refused_with_the_nearest_names(small, ask, asked, nearest):
    with pytest.raises(LayerError, match=rf"\Asmall has no layer '{asked}'; the nearest names are {nearest}"):
        ask(small, asked)


def test_offered_names_exist(small):
    with pytest.raises(LayerError) as refused:
        small.check("convolution5_7")
    offered = str(refused.value).rpartition("are ")[2].split(", ")
    assert set(offered) <= set(small.layers)


@pytest.mark.parametrize("shape", [(9, 9, 3), (1, 9, 9), (1, 9, 9, 1), (1, 9, 9, 4)])
def test_anything_but_a_batch_of_rgb_is_refused(small, shape):
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="shape"):
        small(tf.zeros(shape), ["conv1"])


def test_all_weights_are_variables_and_none_is_trainable(small):
    weights = [weight for layer in small.layers.values() for weight in layer.weights]
    assert {weight.ref() for weight in small.variables} == {weight.ref() for weight in weights}
    assert small.trainable_variables == ()


def test_parameters_count_the_weights(small):
    assert {name: layer.parameters for name, layer in small.layers.items() if layer.parameters} == {
        "conv1_pre_relu": 3 * 3 * 3 * 4 + 4,
        "branch1x1": 4 * 5 + 5,
        "branch5x5": 5 * 5 * 4 * 6 + 6,
    }


def test_unknown_network_is_refused_with_the_names_of_all():
    with pytest.raises(BackboneError, match=r"'squeezeNet' \(squeezenet.*; there are: .*squeezenet"):
        load("squeezeNet")
