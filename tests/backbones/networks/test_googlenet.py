import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from foreign_networks import convolutions
from frozen_graphs import RELEASED_BLOCKS, released_arrays, released_graph, written
from network_properties import gradient_support

from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.backbones.imported.frozen_graph import FrozenGraph, load, read_constants
from tfgraphs.backbones.looking.classes import class_layer, classify, middle
from tfgraphs.backbones.looking.kernels import colour_kernels, convolution_of, strongest_slices
from tfgraphs.backbones.networks import googlenet
from tfgraphs.backbones.networks.googlenet import preprocess
from tfgraphs.backbones.readers.weights import WeightsError

build = partial(googlenet.build, "googlenet")
BRANCHES = ["1x1", "3x3_bottleneck", "3x3", "5x5_bottleneck", "5x5", "pool_reduce"]
RECTIFIED = [
    "conv2d0",
    "conv2d1",
    "conv2d2",
    *(f"{block}_{branch}" for block in RELEASED_BLOCKS for branch in BRANCHES),
]
RECTIFIED += ["head0_bottleneck", "nn0", "head1_bottleneck", "nn1"]
SIDE = 224  # px of the training
FLATTENED = r"(nn|softmax|output)\d?"  # beginnings of the layers that the file computes for one size only


def random_pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).random(shape, np.float32)


def relative_difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference in units of the largest value; single positions count as none, [b, 1, 1, c] as [b, c]."""
    found, expected = (np.asarray(array).reshape(np.shape(expected)) for array in (found, expected))
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def parameters(network: Backbone) -> int:
    return sum(layer.parameters for layer in network.layers.values())


def trunk_of(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in arrays.items() if name.startswith(("conv2d", "mixed"))}


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    return released_arrays()


@pytest.fixture(scope="module")
def network(arrays) -> Backbone:
    """GoogLeNet with random weights, written out."""
    return build(arrays)


@pytest.fixture(scope="module")
def activations(network) -> dict[str, np.ndarray]:
    """All layers of two pictures of the size of the training."""
    layers = network(random_pictures(2, SIDE, SIDE, 3), network.layers)
    return {name: activation.numpy() for name, activation in layers.items()}


@pytest.fixture(scope="module")
def released(shared_weights, arrays, tmp_path_factory) -> Path:
    """A file like the released one, but for the numbers in it."""
    return written(
        tmp_path_factory.mktemp("released"), released_graph(shared_weights / "inception5h_graph.json", arrays)
    )


@pytest.fixture(scope="module")
def frozen(released) -> FrozenGraph:
    """The same network, imported from the file."""
    return load(released, "inception5h", preprocess, aliases=googlenet.ALIASES)


def test_every_node_is_equal_in_the_file_s_own_graph(network, frozen, activations):
    """But for what has another name in ours: convolutions without their bias, reshaped and multiplied ones."""
    named = [name for name in frozen.layers if not re.search(r"/(conv|reshape|matmul)$", name)]
    expected = frozen(random_pictures(2, SIDE, SIDE, 3), named)
    found = {name: activations[network.aliases.get(name, name)] for name in named}
    assert (
        len(named) == 61 * 2 + 13 + 3 + 2 + 9 * 2 + 3 + 3 + 3
    )  # with twins, pools, LRN, blocks, logits, heads, outputs
    assert {name for name in named if relative_difference(found[name], expected[name]) > 1e-4} == set()


def test_all_our_layers_are_in_the_file_but_the_logits_of_places(network, frozen):
    assert set(network.layers) - set(frozen.layers) == {"softmax0_places", "softmax1_places", "softmax2_places"}


@pytest.mark.parametrize("size", [(97, 130), (33, 47), (64, 1), (257, 193)], ids=str)
def test_the_trunk_is_equal_at_odd_sizes(network, frozen, size):
    names = [name for name in network.layers if not re.match(rf"{FLATTENED}|head|avgpool", name)]
    pictures = random_pictures(1, *size, 3)
    found, expected = network(pictures, names), frozen(pictures, names)
    assert {name for name in names if found[name].shape != expected[name].shape} == set()
    assert {name for name in names if relative_difference(found[name], expected[name]) > 1e-4} == set()


@pytest.mark.parametrize("size", [(209, 224), (256, 210)], ids=str)
def test_heads_are_equal_at_all_sizes_that_the_file_takes(network, frozen, size):
    pictures = random_pictures(1, *size, 3)
    found, expected = (each(pictures, ["softmax0_pre_activation", "nn1"]) for each in (network, frozen))
    for name, activation in expected.items():
        assert relative_difference(found[name], activation) < 1e-4


@pytest.mark.parametrize("layer", ["mixed4d_3x3_bottleneck_pre_relu", "softmax1"])
def test_gradients_are_equal(network, frozen, layer):
    """Some rectifier or maximum is always so near its switch that rounding decides, which shows where it looks."""
    pictures = tf.constant(random_pictures(1, SIDE, SIDE, 3))
    gradients = []
    for each in (network, frozen):
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            loss = tf.reduce_sum(each(pictures, [layer])[layer][..., 7] ** 2)
        gradients.append(tape.gradient(loss, pictures))
    found, expected = np.asarray(gradients)
    assert relative_difference(found, expected) < (5e-3 if layer == "softmax1" else 1e-3)
    assert np.median(np.abs(found - expected)) < 1e-4 * np.abs(expected).max()


def test_pictures_of_a_batch_do_not_mix(network, frozen, activations):
    first = random_pictures(2, SIDE, SIDE, 3)[:1]
    for each in (network, frozen):
        for name, alone in each(first, ["mixed5b", "softmax0_pre_activation"]).items():
            assert relative_difference(activations[name][:1], alone) < 1e-4


def test_views_are_equal(network, frozen):
    """Up to the heads: the mean that is taken behind them sees the whole picture."""
    names = [name for name in network.layers if not name.startswith("softmax")]
    assert {name: network.view(name) for name in names} == {name: frozen.view(name) for name in names}


def test_constants_of_the_file_are_read(released, arrays):
    constants = read_constants(released)
    assert {name: array for name, array in constants.items() if array.dtype == np.int32}.keys().isdisjoint(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(constants[name], array)


def test_all_nodes_of_the_file_are_there(shared_weights, arrays, frozen):
    graph = released_graph(shared_weights / "inception5h_graph.json", arrays)
    assert len(graph.node) == 370
    computed = {node.name for node in graph.node if node.op not in ("Const", "Placeholder")}
    assert set(frozen.layers) == computed | {f"{block}_pre_relu" for block in RELEASED_BLOCKS}


def test_a_twin_stands_before_its_block_and_behind_what_it_reads(frozen):
    names = list(frozen.layers)
    for block in RELEASED_BLOCKS:
        assert names.index(f"{block}_pre_relu") == names.index(block) - 1
    places = {name: place for place, name in enumerate(["input", *names])}
    assert all(places[source] < places[name] for name in names for source in frozen.layers[name].inputs)


def test_the_last_softmax_of_the_file_tells_the_classes(released):
    assert class_layer(load(released, "inception5h", preprocess)) == "softmax2"


def test_kernels_of_the_file_can_be_shown(frozen, network, arrays):
    found, ours = (colour_kernels(each, convolution_of(each, "conv2d0"), range(64)) for each in (frozen, network))
    np.testing.assert_allclose([one.pixels for one in found], [one.pixels for one in ours], atol=1e-5)
    ((first, *_),) = strongest_slices(frozen, convolution_of(frozen, "mixed4d_5x5"), [3], 2)
    strengths = np.linalg.norm(arrays["mixed4d_5x5_w"][..., 3], axis=(0, 1))
    assert first.source == strengths.argmax()


def test_a_picture_of_any_size_is_classified_by_its_middle(frozen):
    pixels = random_pictures(300, 400, 3)
    assert frozen.size_of("softmax2") == (SIDE, SIDE)
    assert frozen.size_of("mixed4d") is None
    (best,) = classify(frozen, pixels, 1)
    alone = frozen(middle(pixels, (SIDE, SIDE))[None], ["softmax2"])["softmax2"].numpy()[0]
    assert (best.number, best.probability) == (alone.argmax(), pytest.approx(alone.max(), rel=1e-5))


@pytest.mark.parametrize(("layer", "count"), [("conv2d0", 1), ("mixed3a", 9), ("mixed4d_3x3_bottleneck", 34)])
def test_nothing_deeper_than_asked_is_in_either_graph(network, frozen, layer, count):
    traced = tf.function(lambda pictures: network(pictures, [layer]))
    graph = traced.get_concrete_function(tf.TensorSpec([1, 64, 64, 3])).graph
    frozen(tf.zeros([1, 64, 64, 3]), [layer])
    for one in (graph, frozen._functions[layer,].graph):
        assert len(convolutions(one)) == count


@pytest.mark.parametrize("kind", ["frozen", "network"])
def test_release_has_13461996_parameters(kind, request):
    assert parameters(request.getfixturevalue(kind)) == 13_461_996


def test_the_trunk_is_built_of_a_file_without_heads(arrays):
    network = build(trunk_of(arrays))
    assert parameters(network) == 6_033_180
    assert [name for name in network.layers if re.match(rf"{FLATTENED}|head", name)] == []
    assert not network.aliases


def test_single_heads_may_be_missing(arrays):
    network = build({name: array for name, array in arrays.items() if not re.match(r"head0|nn0|softmax0", name)})
    assert {"softmax0", "softmax1", "softmax2"} & set(network.layers) == {"softmax1", "softmax2"}


@pytest.mark.parametrize(
    ("layer", "channels"),
    [
        ("mixed3b_1x1_pre_relu", 128),
        ("mixed4a", 508),
        ("mixed4a_pre_relu", 508),
        ("mixed4d_3x3_bottleneck_pre_relu", 144),
        ("mixed5b", 1024),
        ("head0_bottleneck", 128),
        ("nn1_pre_relu", 1024),
        ("softmax2_pre_activation", 1008),
        ("output", 1008),
    ],
)
def test_channels_are_those_that_the_release_is_known_for(network, layer, channels):
    assert network.view(layer).channels == channels


def test_channels_are_those_of_the_activations(network, activations):
    assert {name: network.view(name).channels for name in network.layers} == {
        name: activation.shape[-1] for name, activation in activations.items()
    }


def test_preprocessing_gives_the_range_of_the_training():
    np.testing.assert_allclose(preprocess(np.float32([0, 1, 0.5])), [-117, 138, 10.5])


def test_rectified_layers_are_their_twins_rectified(activations):
    names = [*RECTIFIED, *RELEASED_BLOCKS]
    for name in names:
        np.testing.assert_array_equal(activations[name], np.maximum(activations[f"{name}_pre_relu"], 0), err_msg=name)
    assert {name for name in activations if name.endswith("_pre_relu")} == {f"{name}_pre_relu" for name in names}


@pytest.mark.parametrize("suffix", ["", "_pre_relu"])
def test_blocks_are_four_branches_side_by_side(activations, suffix):
    for block in RELEASED_BLOCKS:
        branches = [activations[f"{block}_{branch}{suffix}"] for branch in ("1x1", "3x3", "5x5", "pool_reduce")]
        np.testing.assert_array_equal(activations[f"{block}{suffix}"], np.concatenate(branches, axis=-1), err_msg=block)


@pytest.mark.parametrize(
    ("layer", "source", "stride"),
    [("maxpool0", "conv2d0", 2), ("mixed3a_pool", "maxpool1", 1), ("maxpool4", "mixed3b", 2)],
)
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling_agrees_with_numpy(arrays, kind, layer, source, stride):
    found = build(trunk_of(arrays), kind)(random_pictures(1, 31, 44, 3), [layer, source])
    padding = [(0, 0)]
    for length in found[source].shape[1:3]:
        missing = (-(-length // stride) - 1) * stride + 3 - length
        padding.append((missing // 2, missing - missing // 2))
    padded = np.pad(found[source], [*padding, (0, 0)], constant_values=np.nan)  # the border does not count
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::stride, ::stride]
    expected = {"max": np.nanmax, "average": np.nanmean}[kind](windows, axis=(-2, -1))
    np.testing.assert_allclose(found[layer], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("layer", "source"), [("localresponsenorm0", "maxpool0"), ("localresponsenorm1", "conv2d2")])
def test_normalization_agrees_with_numpy(activations, layer, source):
    values = np.float64(activations[source])
    squares = np.pad(values**2, [(0, 0)] * 3 + [(5, 5)])
    sums = np.lib.stride_tricks.sliding_window_view(squares, 11, axis=3).sum(axis=-1)
    np.testing.assert_allclose(activations[layer], values / np.sqrt(2 + 1e-4 * sums), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("head", ["0", "1"])
def test_fully_connected_layer_multiplies_flattened_places(arrays, activations, head):
    flat = activations[f"head{head}_bottleneck"].reshape(2, 2048)
    expected = flat @ arrays[f"nn{head}_w"] + arrays[f"nn{head}_b"]
    assert relative_difference(activations[f"nn{head}_pre_relu"], expected) < 1e-5


def test_logits_of_a_large_picture_are_the_mean_over_its_places(network):
    found = network(
        random_pictures(1, 272, 300, 3), ["softmax2_places", "softmax2_pre_activation", "logits", "softmax"]
    )
    assert found["softmax2_places"].shape == (1, 3, 4, 1008)
    np.testing.assert_allclose(found["logits"], np.mean(found["softmax2_places"], axis=(1, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found["logits"], found["softmax2_pre_activation"])
    np.testing.assert_allclose(found["softmax"], tf.nn.softmax(found["logits"]), rtol=1e-4)


@pytest.mark.parametrize("layer", ["conv2d2", "maxpool1", "mixed3a_3x3", "mixed3b_pool_reduce"])
def test_receptive_field_is_the_support_of_the_gradient(arrays, layer):
    network = build(trunk_of(arrays), "average")
    view = network.view(layer)
    first, last, _, _ = gradient_support(network, layer, (view.receptive_field + 4 * view.stride, view.receptive_field))
    assert last - first + 1 == view.receptive_field


@pytest.mark.parametrize("layer", ["conv2d0", "mixed5b"])
def test_a_pixel_is_enough_for_the_trunk(network, layer):
    assert network(random_pictures(1, 1, 1, 3), [layer])[layer].shape[1:3] == (1, 1)


@pytest.mark.parametrize(("layer", "smallest"), [("nn0", 209), ("softmax1", 209), ("avgpool0", 193), ("softmax", 193)])
def test_tiny_picture_is_refused_in_one_line(network, layer, smallest):
    message = rf"\Aa picture of 224 x {smallest - 1} px is too small for layer {layer} of googlenet: "
    with pytest.raises(LayerError, match=message + rf"give at least {smallest} px a side\Z"):
        network(np.zeros((1, 224, smallest - 1, 3), np.float32), [layer])


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("mixed4d_3x3_bottlneck", "mixed4d_3x3_bottleneck"),
        ("mixed_4c", "mixed4c"),
        ("conv2d0_prerelu", "conv2d0_pre_relu"),
    ],
)
def test_unknown_layer_is_refused_with_the_nearest_names(network, asked, nearest):
    with pytest.raises(LayerError, match=rf"\Agooglenet has no layer '{asked}'; the nearest names are {nearest}"):
        network.view(asked)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("conv2d0_w", None, "is missing"),
        ("mixed4a_3x3_b", None, "is missing"),
        ("mixed4a_3x3_w", lambda array: array[..., :-1], "is 3 x 3 x 96 x 203 and not 3 x 3 x 96 x 204"),
        ("nn0_w", lambda array: array.T, "is 1024 x 2048 and not 2048 x 1024"),
        ("nn1_b", None, "is missing"),
        ("softmax2_b", lambda array: array[1:], "is 1007 and not 1008"),
        ("conv2d1_b", lambda array: array * np.nan, "holds numbers that are not finite"),
    ],
)
def test_wrong_weights_are_refused_by_their_name(arrays, name, change, message):
    wrong = {other: array for other, array in arrays.items() if other != name}
    if change:
        wrong[name] = change(arrays[name])
    with pytest.raises(WeightsError, match=rf"\A{name} {message}[^\n]*googlenet"):
        build(wrong)
