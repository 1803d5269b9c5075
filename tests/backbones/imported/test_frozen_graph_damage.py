import re
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from frozen_graphs import changed, small_graph, v1, written
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.backbones.imported.frozen_graph import KINDS, load, read_constants
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.errors import TfgraphsError
from tfgraphs.files.trust import PURE, TrustError

PICTURES = np.random.default_rng(1).random((1, 9, 9, 3), np.float32)
READERS = {"read_constants": read_constants, "load": lambda path: load(path, "n").layers}


def forbidden_in_function(graph: v1.GraphDef, operation: str) -> None:
    function = graph.library.function.add()
    function.signature.name = "Relu7"
    function.node_def.add(name="bad", op=operation)


@pytest.mark.parametrize("operation", ["ReadFile", "WriteFile", "PyFunc", "EagerPyFunc", "RestoreV2", "X"])
@pytest.mark.parametrize("place", ["node", "node that is not needed", "function"])
def test_forbidden_operation_is_refused_by_its_name(tmp_path, place, operation):
    def spoil(graph, nodes):
        if place == "function":
            forbidden_in_function(graph, operation)
        elif place == "node":
            nodes["norm"].op, nodes["norm"].name = operation, "bad"
        else:
            graph.node.add(name="bad", op=operation)

    found = rf"\A[^\n]*graph\.pb is refused: its node 'bad' is the operation '{operation}', which is not among"
    with pytest.raises(TrustError, match=found):
        load(written(tmp_path, changed(spoil)), "small")


def test_operation_that_makes_no_layer_is_told(tmp_path):
    def call(graph, nodes):
        nodes["norm"].op = "StatefulPartitionedCall"

    with pytest.raises(WeightsError, match="the node 'norm' is a 'StatefulPartitionedCall', which cannot be a layer"):
        load(written(tmp_path, changed(call)), "small")


def test_operations_that_make_layers_are_admitted_by_the_policy():
    assert KINDS.keys() <= PURE


def test_file_that_would_be_read_by_a_call_is_not_touched(tmp_path):
    with tf.Graph().as_default() as graph:
        pictures = v1.placeholder(tf.float32, [None, None, None, 3])
        with tf.control_dependencies([tf.io.write_file(str(tmp_path / "trace"), "written")]):
            tf.identity(pictures, name="same")
    with pytest.raises(TfgraphsError, match="WriteFile"):
        load(written(tmp_path, graph.as_graph_def()), "n")
    assert not (tmp_path / "trace").exists()


def test_function_with_the_name_of_an_operation_takes_no_effect(tmp_path):
    def add(graph, nodes):
        function = graph.library.function.add()
        function.signature.name = "Relu"
        function.node_def.add(name="same", op="Identity")

    network = load(written(tmp_path, changed(add)), "small")
    assert np.min(network(PICTURES, ["conv"])["conv"]) == 0


def test_devices_and_private_attributes_of_the_file_are_ignored(tmp_path):
    def add(graph, nodes):
        for node in nodes.values():
            node.device = "/job:elsewhere/task:7/device:GPU:3"
            node.attr["_gradient_op_type"].s = b"PyFunc"
            node.attr["_class"].list.s.append(b"loc:@nowhere")

    pictures = tf.constant(PICTURES)
    gradients = []
    for each in (load(written(tmp_path, graph), "small") for graph in (small_graph(), changed(add))):
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            loss = tf.reduce_sum(each(pictures, ["mixed"])["mixed"])
        gradients.append(tape.gradient(loss, pictures))
    np.testing.assert_array_equal(*gradients)


def test_orders_of_nodes_are_ignored(tmp_path):
    graph = changed(lambda graph, nodes: nodes["left_w"].input.append("^pictures"))
    network, plain = (load(written(tmp_path, each), "small") for each in (graph, small_graph()))
    np.testing.assert_array_equal(network(PICTURES, ["left"])["left"], plain(PICTURES, ["left"])["left"])


@pytest.mark.parametrize(
    ("name", "attribute"), [("pool", "strides"), ("pool", "ksize"), ("Conv2D", "dilations"), ("mixed", "N")]
)
def test_absurd_numbers_are_refused_before_tensorflow_sees_them(tmp_path, name, attribute):
    def enlarge(graph, nodes):
        value = nodes[name].attr[attribute]
        if value.i:
            value.i = 2**31 - 1
        else:
            value.list.i[1] = 2**31 - 1

    with pytest.raises(WeightsError, match=rf"\A[^\n]*the node '{name}' asks for too large a window[^\n]*\Z"):
        load(written(tmp_path, changed(enlarge)), "small")


def constant(shape: list[int], dtype: tf.DType = tf.float32, **values: object) -> v1.GraphDef:
    """A graph with one constant, put together by hand."""
    graph = v1.GraphDef()
    node = graph.node.add(name="weights", op="Const")
    node.attr["dtype"].type = dtype.as_datatype_enum
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype.as_datatype_enum
    for side in shape:
        tensor.tensor_shape.dim.add(size=side)
    for field, value in values.items():
        if field == "tensor_content":
            tensor.tensor_content = value
        elif field == "unknown_rank":
            tensor.tensor_shape.unknown_rank = value
        else:
            getattr(tensor, field).extend(value)
    return graph


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (constant([2, 2], tensor_content=np.arange(4, dtype="<f4").tobytes()), np.float32([[0, 1], [2, 3]])),
        (constant([3], float_val=[1, 2, 3]), np.float32([1, 2, 3])),
        (constant([4], float_val=[1, 2]), np.float32([1, 2, 2, 2])),
        (constant([2, 3], float_val=[7]), np.full((2, 3), 7, np.float32)),
        (constant([2]), np.zeros(2, np.float32)),
        (constant([], float_val=[5]), np.float32(5)),
        (constant([0, 3]), np.zeros((0, 3), np.float32)),
        (constant([2], tf.int32, int_val=[-1, 9]), np.int32([-1, 9])),
        (constant([2], tf.int64, int64_val=[2**40]), np.int64([2**40, 2**40])),
        (constant([2], tf.float16, half_val=[0x3C00, 0x4000]), np.float16([1, 2])),
    ],
    ids=["content", "values", "repeated", "one value", "zeros", "number", "empty", "int32", "int64", "half"],
)
def test_constants_are_read(tmp_path, graph, expected):
    array = read_constants(written(tmp_path, graph))["weights"]
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(array, expected)


def many(count: int, graph: v1.GraphDef) -> v1.GraphDef:
    for _ in range(count):
        graph.node.append(graph.node[0])
    return graph


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (constant([10**6, 10**6], tensor_content=bytes(4)), "is 1000000 x 1000000 but holds 4 bytes"),
        (constant([3], tensor_content=bytes(8)), "is 3 but holds 8 bytes"),
        (constant([], tensor_content=bytes(8)), "is one number but holds 8 bytes"),
        (constant([2], tensor_content=bytes(7)), "is 2 but holds 7 bytes"),
        (constant([2], float_val=[1, 2, 3]), "is 2 but holds 3 values"),
        (constant([10**6, 10**6], float_val=[1]), "far larger than the file"),
        (constant([10**9]), "far larger than the file"),
        (constant([2**62] * 8), "far larger than the file"),
        (many(100, constant([10**6], float_val=[1])), "far larger than the file"),
        (constant([1] * 9, float_val=[1]), "has no shape"),
        (constant([-1], float_val=[1]), "has no shape"),
        (constant([], unknown_rank=True, float_val=[1]), "has no shape"),
        (constant([1], tf.string, string_val=[b"x"]), "holds no numbers"),
        (constant([1], tf.variant), "holds no numbers"),
        (constant([1], tf.resource), "holds no numbers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_constant_whose_parts_do_not_fit_is_refused_without_taking_memory(tmp_path, graph, message, reader):
    path = written(tmp_path, graph)
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError, match=rf"\A[^\n]*graph\.pb: [^\n]*{message}[^\n]*\Z"):
            reader(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_number_that_its_type_cannot_hold_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"\A[^\n]*holds a damaged constant[^\n]*\Z"):
        read_constants(written(tmp_path, constant([1], tf.float16, half_val=[2**20])))


GOOD = small_graph().SerializeToString()


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"no graph", b"PK\3\4" + bytes(40), GOOD[:-1], GOOD[1:]],
    ids=["empty", "zero", "text", "zip", "cut off", "without its first byte"],
)
def test_other_file_than_a_graph_is_one_line(tmp_path, content, reader):
    with pytest.raises(WeightsError, match=r"\A[^\n]*graph\.pb is not a frozen graph[^\n]*\Z"):
        reader(written(tmp_path, content))


@pytest.mark.parametrize("name", ["missing.pb", "."])
def test_missing_file_and_folder_are_refused(tmp_path, name):
    with pytest.raises(WeightsError, match=re.escape(f"cannot read {tmp_path}")):
        load(tmp_path / name, "n")


@pytest.mark.parametrize(
    "change",
    [
        lambda graph, nodes: nodes["norm"].input.__setitem__(0, "nowhere"),
        lambda graph, nodes: nodes["norm"].input.__setitem__(0, "pool"),
        lambda graph, nodes: nodes["norm"].input.append("conv"),
        lambda graph, nodes: graph.node.remove(nodes["norm"]),
        lambda graph, nodes: graph.node.append(nodes["norm"]),
        lambda graph, nodes: nodes["pool"].attr["strides"].list.i.__setitem__(1, 0),
        lambda graph, nodes: nodes["pool"].attr["padding"].__setattr__("s", b"SOME"),
        lambda graph, nodes: nodes["conv_w"].attr["dtype"].__setattr__("type", 3),
        lambda graph, nodes: nodes["left_w"].attr.__delitem__("value"),
        lambda graph, nodes: nodes["fc_w"].attr["value"].tensor.tensor_shape.dim.reverse(),
        lambda graph, nodes: nodes["norm"].__setattr__("name", "a b\nc"),
        lambda graph, nodes: nodes["norm"].__setattr__("op", "Squeeze"),
        lambda graph, nodes: graph.versions.__setattr__("min_consumer", 10**9),
    ],
    ids=[
        *["no input", "circle", "input too many", "no node", "node twice", "no stride", "padding", "type", "no value"],
        *["shape", "name", "no places", "version"],
    ],
)
def test_graph_that_does_not_fit_together_is_one_line(tmp_path, change):
    with pytest.raises(WeightsError, match=r"\A[^\n]+\Z"):
        load(written(tmp_path, changed(change)), "small")


def test_another_order_of_axes_is_refused(tmp_path):
    graph = changed(lambda graph, nodes: nodes["pool"].attr["data_format"].__setattr__("s", b"NCHW"))
    with pytest.raises(WeightsError, match=r"\A[^\n]*the node 'pool' takes pictures in another order than NHWC\Z"):
        load(written(tmp_path, graph), "small")


def test_explicit_padding_is_refused(tmp_path):
    with tf.Graph().as_default() as graph:
        pictures = v1.placeholder(tf.float32, [None, None, None, 3])
        tf.nn.conv2d(pictures, tf.ones([3, 3, 3, 1]), 1, [[0, 0], [1, 1], [1, 1], [0, 0]])
    with pytest.raises(WeightsError, match="pads in another way than SAME and VALID"):
        load(written(tmp_path, graph.as_graph_def()), "n")


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """A good file that is cut off, or has a few bytes replaced, put in or cut out."""
    content = bytearray(GOOD[: draw(st.one_of(st.just(len(GOOD)), st.integers(0, len(GOOD))))])
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(content)))
        content[start : start + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(content)


def refusal(reader: Callable[[Path], Iterable[str]], path: Path) -> str | None:
    """What the reader has against the file, or None if it reads names from it."""
    try:
        assert all(isinstance(name, str) for name in reader(path))
    except (TrustError, WeightsError) as error:
        return str(error)
    return None


@given(st.one_of(st.binary(max_size=80), damaged_files()))
def test_garbage_is_refused_in_one_line_or_gives_numbers(tmp_path_factory, content):
    path = written(tmp_path_factory.getbasetemp(), content)
    for reader in READERS.values():
        refused = refusal(reader, path)
        assert refused is None or re.fullmatch(r"[^\n]+", refused)
