from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from frozen_graphs import SIDE, changed, small_graph, v1, written

from tfgraphs.backbones.backbone import LayerError, View
from tfgraphs.backbones.imported.frozen_graph import FrozenGraph, load
from tfgraphs.backbones.readers.weights import WeightsError

NODES = ["conv/linear", "conv_pre_relu", "conv", "norm", "pool", "left_pre_relu", "left", "right_pre_relu", "right"]
NODES += ["mixed", "average", "flat", "fc", "classes", "output"]


def preprocess(pictures: tf.Tensor) -> tf.Tensor:
    return pictures * 255 - 117


def random_pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).random(shape, np.float32)


def session_run(fetches: Callable[[Callable[[str], tf.Tensor]], object], pictures: np.ndarray) -> object:
    """Runs the small graph as TensorFlow 1 did."""
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        v1.import_graph_def(small_graph(), name="")
        return session.run(
            fetches(lambda name: graph.get_tensor_by_name(f"{name}:0")), {"pictures:0": preprocess(pictures)}
        )


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> FrozenGraph:
    return load(written(tmp_path_factory.mktemp("small"), small_graph()), "small", preprocess, aliases={"end": "fc"})


def test_every_node_has_the_value_that_a_session_gives(network):
    pictures = random_pictures(2, SIDE, SIDE, 3)
    expected = session_run(lambda tensor: {name: tensor(name) for name in NODES}, pictures)
    activations = network(pictures, NODES)
    for name in NODES:
        np.testing.assert_allclose(activations[name], expected[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", ["my graph-1", "a.b"])
def test_any_text_names_a_network(tmp_path, name):
    network = load(written(tmp_path, small_graph()), name)
    traced = tf.function(lambda pictures: network(pictures, ["conv"]))
    assert traced(random_pictures(1, 4, 4, 3))["conv"].shape == (1, 2, 2, 4)


def test_layers_are_the_nodes_that_the_pictures_reach(network):
    others = {"Conv2D", "Conv2D_1", "MatMul", "mixed_pre_relu"}
    assert set(network.layers) == {*NODES, *others}


def test_each_layer_stands_after_those_it_reads(network):
    names = ["input", *network.layers]
    assert all(
        names.index(source) < names.index(layer.name) for layer in network.layers.values() for source in layer.inputs
    )


def test_a_block_of_rectified_layers_has_its_twin(network):
    found = network(random_pictures(1, 9, 9, 3), ["mixed_pre_relu", "left_pre_relu", "right_pre_relu"])
    expected = np.concatenate([found["left_pre_relu"], found["right_pre_relu"]], axis=-1)
    np.testing.assert_array_equal(found["mixed_pre_relu"], expected)


def test_a_twin_that_the_file_has_itself_is_the_file_s(tmp_path):
    def rename(graph, nodes):
        nodes["norm"].name = "mixed_pre_relu"
        nodes["pool"].input[0] = "mixed_pre_relu"

    network = load(written(tmp_path, changed(rename)), "small")
    assert network.layers["mixed_pre_relu"].kind == "normalization"


def test_new_concatenation_has_its_twin_too(tmp_path):
    def renew(graph, nodes):
        axis, *values = nodes["mixed"].input
        nodes["mixed"].op = "ConcatV2"
        nodes["mixed"].input[:] = [*values, axis]
        nodes["mixed"].attr["Tidx"].type = tf.int32.as_datatype_enum

    network, old = (
        load(written(tmp_path, graph), "small") for graph in (changed(renew), changed(lambda graph, nodes: None))
    )
    pictures = random_pictures(1, 9, 9, 3)
    for layer in ("mixed", "mixed_pre_relu"):
        np.testing.assert_array_equal(network(pictures, [layer])[layer], old(pictures, [layer])[layer])


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("conv/linear", View(channels=4, stride=2, receptive_field=3, smallest=1, before=1, after=3)),
        ("norm", View(channels=4, stride=2, receptive_field=3, smallest=1, before=1, after=3)),
        ("pool", View(channels=4, stride=4, receptive_field=7, smallest=1, before=3, after=7)),
        ("left", View(channels=5, stride=4, receptive_field=7, smallest=1, before=3, after=7)),
        ("mixed", View(channels=11, stride=4, receptive_field=15, smallest=1, before=7, after=11)),
        ("mixed_pre_relu", View(channels=11, stride=4, receptive_field=15, smallest=1, before=7, after=11)),
        ("average", View(channels=11, stride=4, receptive_field=23, smallest=9, before=7, after=19)),
        ("flat", View(channels=99, stride=4, receptive_field=31, smallest=17, before=7, after=27)),
        ("end", View(channels=7, stride=4, receptive_field=31, smallest=17, before=7, after=27)),
    ],
)
def test_view_follows_the_attributes_of_the_nodes(network, layer, expected):
    assert network.view(layer) == expected


def test_parameters_are_those_of_the_constants(network):
    assert sum(layer.parameters for layer in network.layers.values()) == sum(
        array.size for array in read_constants_of(small_graph()) if array.ndim and array.dtype == np.float32
    )


def read_constants_of(graph: v1.GraphDef) -> list[np.ndarray]:
    return [tf.make_ndarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"]


@pytest.mark.parametrize("size", [(1, 1), (9, 14), (37, 22)])
def test_sizes_and_batches_are_free_up_to_what_is_flattened(network, size):
    pictures = random_pictures(3, *size, 3)
    together = network(pictures, ["mixed"])["mixed"]
    alone = [network(pictures[i : i + 1], ["mixed"])["mixed"][0] for i in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", ["conv", "mixed_pre_relu", "mixed", "classes"])
def test_gradient_in_a_graph_is_that_of_tensorflow_1(network, layer):
    pictures = random_pictures(1, SIDE, SIDE, 3)

    @tf.function
    def gradient(pictures: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            loss = tf.reduce_sum(network(pictures, [layer])[layer] ** 2)
        return tape.gradient(loss, pictures)

    def expected(tensor: Callable[[str], tf.Tensor]) -> tf.Tensor:
        branches = ("left_pre_relu", "right_pre_relu") if layer == "mixed_pre_relu" else (layer,)
        loss = tf.add_n([tf.reduce_sum(tensor(branch) ** 2) for branch in branches])
        return v1.gradients(loss, tensor("pictures"))[0] * 255

    found, wanted = gradient(tf.constant(pictures)), session_run(expected, pictures)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize(
    ("asked", "deepest", "not_computed"),
    [
        (["conv/linear"], {"Conv2D": 1}, {"BiasAdd", "Relu", "MaxPool", "LRN"}),
        (["conv"], {"Conv2D": 1, "Relu": 1}, {"LRN", "MaxPool", "Concat"}),
        (["left"], {"Conv2D": 2, "Relu": 2}, {"Concat", "MatMul"}),
        (["left", "right"], {"Conv2D": 3, "Relu": 3}, {"Concat", "MatMul"}),
        (["mixed"], {"Conv2D": 3, "Concat": 1}, {"MatMul", "ConcatV2"}),
        (["mixed_pre_relu"], {"Conv2D": 3, "Relu": 1, "Concat": 1}, {"ConcatV2"}),
        (["fc", "conv"], {"Conv2D": 3, "MatMul": 1}, {"Softmax"}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_nothing_deeper_than_asked_is_in_the_graph(network, asked, deepest, not_computed):
    network(random_pictures(1, SIDE, SIDE, 3), asked)
    graph = network._functions[tuple(sorted(asked))].graph
    types = [operation.type for operation in graph.get_operations()]
    assert {kind: types.count(kind) for kind in deepest} == deepest
    assert not not_computed & set(types)


def test_the_same_layers_are_pruned_once(network):
    pictures = random_pictures(1, SIDE, SIDE, 3)
    network(pictures, ["left", "conv"])
    made = len(network._functions)
    network(pictures, ["conv", "left"])
    network(pictures, ["left", "conv", "left"])
    assert len(network._functions) == made


def test_aliases_and_a_single_name_are_understood(network):
    pictures = random_pictures(1, SIDE, SIDE, 3)
    by_alias, by_name = network(pictures, ["end", "fc"]).values()
    np.testing.assert_array_equal(by_alias, by_name)
    assert set(network(pictures, "conv")) == {"conv"}
    assert network(pictures, []) == {}


@pytest.mark.parametrize(("asked", "nearest"), [("conv_prerelu", "conv_pre_relu"), ("mixd", "mixed"), ("pictures", "")])
def test_unknown_layer_is_refused_with_the_nearest_names(network, asked, nearest):
    with pytest.raises(LayerError, match=rf"\Asmall has no layer '{asked}'; the nearest names are {nearest}"):
        network(random_pictures(1, SIDE, SIDE, 3), [asked])


@pytest.mark.parametrize(
    ("size", "layer", "message"),
    [
        ((8, 20), "average", "8 x 20 px is too small for layer average of small: give at least 9 px a side"),
        ((16, 20), "fc", "16 x 20 px is too small for layer fc of small: give at least 17 px a side"),
        ((20, 21), "end", "20 x 21 px is too large for layer end of small: give at most 20 px a side"),
        ((99, 99), "flat", "99 x 99 px is too large for layer flat of small: give at most 20 px a side"),
    ],
)
def test_wrong_size_is_one_error_with_the_size_to_give(network, size, layer, message):
    with pytest.raises(LayerError, match=rf"\Aa picture of {message}\Z"):
        network(random_pictures(1, *size, 3), [layer])


@pytest.mark.parametrize("side", [17, 20])
def test_flattened_layers_take_all_sizes_that_give_their_places(network, side):
    assert network(random_pictures(2, side, side, 3), ["fc"])["fc"].shape == (2, 7)


def test_wrong_size_that_was_unknown_when_traced_is_an_error_and_mixes_no_pictures(network):
    traced = tf.function(lambda pictures: network(pictures, ["fc"]), input_signature=[tf.TensorSpec([None] * 3 + [3])])
    assert traced(random_pictures(2, SIDE, SIDE, 3))["fc"].shape == (2, 7)
    with pytest.raises(tf.errors.InvalidArgumentError):
        traced(random_pictures(1, 32, 32, 3))  # 6 x 6 places: four times what one picture should have


def placeholders(*sides: object, dtype: tf.DType = tf.float32) -> v1.GraphDef:
    """A graph with one rectified placeholder for each shape."""
    with tf.Graph().as_default() as graph:
        for number, shape in enumerate(sides):
            v1.placeholder(dtype, shape, name=f"x{number}")
        tf.nn.relu(graph.get_operations()[0].outputs[0], name="relu")
    return graph.as_graph_def()


@pytest.mark.parametrize("shape", [None, [], [None, None, None, 3], [1, 224, 224, 3], [None, None, None, None]])
def test_placeholder_is_found_by_its_shape(tmp_path, shape):
    network = load(written(tmp_path, placeholders(shape, [2], [None, 9, 9, 1])), "n")
    pictures = random_pictures(1, 4, 5, 3) - 0.5
    np.testing.assert_array_equal(network(pictures, ["relu"])["relu"], np.maximum(pictures, 0))


def test_placeholder_without_the_attribute_of_its_shape_is_found(tmp_path):
    graph = placeholders([None, None, None, 3])
    del graph.node[0].attr["shape"]
    assert list(load(written(tmp_path, graph), "n").layers) == ["relu"]


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        (placeholders([2]), "none"),
        (placeholders([None, 3, 8, 8]), "none; 'x0' takes them with the channels first, which is not possible here"),
        (placeholders(None, dtype=tf.float64), "none"),
        (placeholders(None, None), "'x0', 'x1'"),
    ],
    ids=["vector", "channels first", "doubles", "two"],
)
def test_placeholder_that_is_not_clear_is_refused(tmp_path, graph, found):
    with pytest.raises(WeightsError, match=rf"\A[^\n]*should have exactly one placeholder [^\n]*; it has {found}\Z"):
        load(written(tmp_path, graph), "n")


@pytest.mark.parametrize(("shapes", "layers"), [((None, [2]), ["relu"]), (([2], None), [])])
def test_nodes_that_need_another_placeholder_are_no_layers(tmp_path, shapes, layers):
    assert list(load(written(tmp_path, placeholders(*shapes)), "n").layers) == layers


def test_split_has_a_layer_for_each_part(tmp_path):
    with tf.Graph().as_default() as graph:
        pictures = v1.placeholder(tf.float32, [None, None, None, 3], name="pictures")
        tf.nn.relu(tf.split(pictures, 3, axis=3, name="split")[2], name="last")
    network = load(written(tmp_path, graph.as_graph_def()), "n")
    pictures = random_pictures(1, 2, 2, 3)
    found = network(pictures, ["split", "split:1", "last"])
    np.testing.assert_array_equal(np.concatenate(list(found.values()), axis=-1), pictures)
    assert network.layers["last"].inputs == ("split:2",)
