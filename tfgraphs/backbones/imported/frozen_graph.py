"""Imports frozen TensorFlow graphs: GraphDefs whose weights are constants.

The operations are checked as those of any program (`files.trust`), and must be of those that make layers (`KINDS`).
Of the file nothing but these nodes is imported: no function, device or private attribute.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from tfgraphs.backbones.backbone import Preprocess
from tfgraphs.backbones.geometry import POINT, WHOLE, Windows, sliding
from tfgraphs.backbones.imported.graph_network import GraphNetwork, computed_in_graph, windows_of
from tfgraphs.backbones.layers import PRE_RELU, Layer
from tfgraphs.backbones.preprocessing import grey
from tfgraphs.backbones.readers.weights import WeightsError, reading
from tfgraphs.errors import summary
from tfgraphs.files.contents import HEAD, describe_content, is_legible
from tfgraphs.files.trust import check_operations

KINDS = {
    "Add": "addition",
    "AddV2": "addition",
    "AvgPool": "average pooling",
    "BiasAdd": "bias",
    "Concat": "concatenation",
    "ConcatV2": "concatenation",
    "Const": "constant",
    "Conv2D": "convolution",
    "DepthwiseConv2dNative": "convolution",
    "FusedBatchNorm": "normalization",
    "FusedBatchNormV3": "normalization",
    "Identity": "identity",
    "LRN": "normalization",
    "MatMul": "connected",
    "MaxPool": "max pooling",
    "Mean": "global average",
    "Mul": "multiplication",
    "Placeholder": "placeholder",
    "RealDiv": "division",
    "Relu": "relu",
    "Relu6": "relu",
    "Reshape": "reshape",
    "Rsqrt": "reciprocal root",
    "Softmax": "softmax",
    "Split": "split",
    "Squeeze": "reshape",
    "Sub": "subtraction",
}
"""The operations that are imported, and what kind of layer each makes."""

_VARIABLES = ("VarHandleOp", "Variable", "VariableV2")
_COUNT = 2**12  # for strides, windows, numbers of parts: TensorFlow may crash on larger ones
_SCOPE = "frozen"
_FLATTENING = "flattening"
_NUMBERS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.float16: "half_val",
    tf.int32: "int_val",
    tf.int64: "int64_val",
    tf.bool: "bool_val",
}
_VALUES = {dtype.as_datatype_enum: (field, dtype.size) for dtype, field in _NUMBERS.items()}
_RANKS = 8
_REPEATED = 2**24  # values that all constants of a file together may leave out as repetitions


def load(
    path: Path,
    name: str,
    preprocess: Preprocess = tf.identity,
    aliases: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> "FrozenGraph":
    """Imports a frozen graph.

    Args:
        path: the GraphDef, in binary.
        name: name of the network, any text.
        preprocess: maps pictures, RGB in 0..1, to what the network was trained on.
        aliases: further names of layers.
        content: the GraphDef, if `path` is an archive that holds it.

    Raises:
        TrustError: it could do more than compute.
        WeightsError: the file is not a frozen graph, or one that cannot be imported; or not exactly one placeholder
            takes pictures [batch, height, width, 3 or 1].
    """
    graph = _read_graph(path, content)
    _purify(path, graph)
    pictures, channels = _placeholder(path, graph)
    preprocess = grey(preprocess) if channels == 1 else preprocess
    try:
        imported = tf.compat.v1.wrap_function(
            lambda given: _import(graph, pictures, given), [tf.TensorSpec([None, None, None, channels], name="given")]
        )
        graph.Clear()  # the wrapped function would keep its memory
        return FrozenGraph(name, imported, preprocess, aliases)
    except Exception as error:  # what a damaged graph raises cannot be foreseen
        raise WeightsError(f"{path} cannot be imported by TensorFlow: {summary(error)}") from error


def read_constants(path: Path, content: bytes | None = None) -> dict[str, np.ndarray]:
    """Reads the constants of a frozen graph by name; arguments as of `load`.

    Raises:
        WeightsError: the file is not a frozen graph.
    """
    try:
        return {
            node.name: tf.make_ndarray(node.attr["value"].tensor)
            for node in _read_graph(path, content).node
            if node.op == "Const"
        }
    except (ValueError, TypeError, OverflowError) as error:
        raise WeightsError(f"{path} holds a damaged constant: {summary(error)}") from error


def _read_graph(path: Path, content: bytes | None) -> tf.compat.v1.GraphDef:
    """Parses a frozen graph and checks that its constants are numbers that fit into their shapes.

    A constant takes no more memory than the file holds for it, except small ones that repeat one value.
    """
    graph = tf.compat.v1.GraphDef()
    if content is None:
        with reading(path):
            content = path.read_bytes()
    try:
        graph.ParseFromString(content)
    except (DecodeError, RuntimeError, ValueError) as error:
        found = describe_content(content[:HEAD])
        found = "it is text, not in binary" if found is None and is_legible(content[:HEAD]) else found
        raise WeightsError(f"{path} is not a frozen graph, or a damaged one: {found or summary(error)}") from error
    if not graph.node:
        raise WeightsError(f"{path} is not a frozen graph: it holds no node")
    repeated = 0
    for node in graph.node:
        try:
            repeated += _repeated(node.attr["value"].tensor) if node.op == "Const" else 0
        except ValueError as error:
            raise WeightsError(f"{path}: the constant {node.name!r} {error}; the file is damaged") from error
    if repeated > _REPEATED:
        raise WeightsError(f"{path}: its constants are far larger than the file; it is refused")
    return graph


def _repeated(tensor: Any) -> int:
    """Returns how many values of a constant the file leaves out because they repeat the last one."""
    if tensor.dtype not in _VALUES:
        raise ValueError("holds no numbers")
    field, size = _VALUES[tensor.dtype]
    shape = [dimension.size for dimension in tensor.tensor_shape.dim]
    text = " x ".join(map(str, shape)) or "one number"
    if tensor.tensor_shape.unknown_rank or min(shape, default=0) < 0 or len(shape) > _RANKS:
        raise ValueError("has no shape")
    count, given = math.prod(shape), len(getattr(tensor, field))
    if tensor.tensor_content:
        given, rest = divmod(len(tensor.tensor_content), size)
        if rest or given != count:
            raise ValueError(f"is {text} but holds {len(tensor.tensor_content)} bytes")
    if given > count:
        raise ValueError(f"is {text} but holds {given} values")
    return count - given


def _purify(path: Path, graph: tf.compat.v1.GraphDef) -> None:
    """Refuses operations that are not imported, and leaves nothing of the graph but its nodes."""
    if variable := next((node.name for node in graph.node if node.op in _VARIABLES), None):
        raise WeightsError(
            f"{path}: the weights, such as {variable!r}, are variables, which are in other files: give a graph that is "
            "frozen, with constants in their place, or the folder of a SavedModel"
        )
    check_operations(chain(graph.node, *(function.node_def for function in graph.library.function)), str(path))
    for node in graph.node:
        if node.op not in KINDS:
            raise WeightsError(f"{path}: the node {node.name!r} is a {node.op!r}, which cannot be a layer here")
        if any(abs(number) > _COUNT for value in node.attr.values() for number in (value.i, *value.list.i)):
            raise WeightsError(f"{path}: the node {node.name!r} asks for too large a window; the file is refused")
        if "data_format" in node.attr and node.attr["data_format"].s != b"NHWC":
            raise WeightsError(f"{path}: the node {node.name!r} takes pictures in another order than NHWC")
    graph.ClearField("library")
    for node in graph.node:
        node.device = ""
        node.input[:] = [source for source in node.input if not source.startswith("^")]  # without control inputs
        for key in [key for key in node.attr if key.startswith("_")]:
            del node.attr[key]


def _placeholder(path: Path, graph: tf.compat.v1.GraphDef) -> tuple[str, int]:
    """Returns the name of the placeholder for pictures, and their channels, 3 or 1."""
    nodes = [node for node in graph.node if node.op == "Placeholder"]
    for channels in (3, 1):
        found = [node.name for node in nodes if _takes_pictures(node, channels)]
        if len(found) == 1:
            return found[0], channels
        if found:
            break
    turned = "".join(
        f"; {node.name!r} takes them with the channels first, which is not possible here"
        for node in nodes
        if [side.size for side in node.attr["shape"].shape.dim][1:2] in ([3], [1])
    )
    raise WeightsError(
        f"{path} should have exactly one placeholder for float pictures [batch, height, width, 3 or 1]; "
        f"it has {', '.join(map(repr, found)) or 'none'}{turned}"
    )


def _takes_pictures(node: Any, channels: int) -> bool:
    sides = [dimension.size for dimension in node.attr["shape"].shape.dim]  # none: any shape, as are -1
    return node.attr["dtype"].type == tf.float32.as_datatype_enum and (
        (not sides and channels == 3) or (len(sides) == 4 and sides[3] in ((3, -1) if channels == 3 else (1,)))
    )


def _import(graph: tf.compat.v1.GraphDef, placeholder: str, pictures: tf.Tensor) -> tf.Tensor:
    """Imports the nodes under `_SCOPE`, with twins before the concatenations of rectified layers."""
    nodes = {node.name: node for node in graph.node}
    for place, node in reversed(list(enumerate(graph.node))):
        axis = 0 if node.op == "Concat" else len(node.input) - 1
        rectified = {
            number: nodes[source].input[0]
            for number, source in enumerate(name.removesuffix(":0") for name in node.input)
            if number != axis and source in nodes and nodes[source].op == "Relu"
        }
        twin = f"{node.name}{PRE_RELU}"
        if KINDS[node.op] == "concatenation" and len(rectified) == len(node.input) - 1 and twin not in nodes:
            graph.node.insert(place, node)
            graph.node[place].name = twin
            for number, source in rectified.items():
                graph.node[place].input[number] = source
    tf.import_graph_def(graph, input_map={f"{placeholder}:0": pictures}, name=_SCOPE)
    return pictures


class FrozenGraph(GraphNetwork):
    """A backbone whose layers are the nodes of a frozen graph that depend on the pictures.

    A layer is the first output of its node; of a Split, `name:1` is the second, and so on. A concatenation of rectified
    layers has a twin before the rectifiers, `mixed4a_pre_relu`, even where the file has none.

    Some networks flatten all positions for a fully connected layer: the layers after it take pictures of one size.
    """

    def __init__(
        self, name: str, imported: Any, preprocess: Preprocess, aliases: Mapping[str, str] | None = None
    ) -> None:
        """Args as of `load`; imported: a wrapped function of the pictures whose graph has the nodes under `_SCOPE`."""
        tensors: dict[str, tf.Tensor] = {}
        super().__init__(name, imported, tensors, _layers(imported, tensors), preprocess, aliases)
        for layer in self.layers.values():
            view = self._views[layer.name]
            largest = [self._largest[source] for source in layer.inputs if source in self._largest]
            if layer.kind == _FLATTENING and view.receptive_field:  # not after a mean over all positions
                largest.append(view.smallest + view.stride - 1)
            if largest:
                self._largest[layer.name] = min(largest)

    def _activations(self, prepared: tf.Tensor, names: Collection[str]) -> dict[str, tf.Tensor]:
        activations = super()._activations(prepared, names)
        for name, activation in activations.items():
            if activation.shape.rank == 2:
                tf.debugging.assert_equal(
                    tf.shape(activation)[0],
                    tf.shape(prepared)[0],
                    f"{self.name} does not compute {name} for pictures of this size",
                )
        return activations


def _layers(imported: Any, tensors: dict[str, tf.Tensor]) -> Iterator[Layer]:
    """Yields the nodes that depend on the pictures and on no other placeholder. Puts their outputs into `tensors`."""
    layers = {imported.inputs[0].name: "input"}  # by the names of their tensors
    waiting: set[str] = set()  # operations that need another placeholder
    for operation in imported.graph.get_operations():
        if operation.name == imported.inputs[0].op.name:
            continue
        if operation.type == "Placeholder" or any(value.op.name in waiting for value in operation.inputs):
            waiting.add(operation.name)
            continue
        sources = dict.fromkeys(layers[value.name] for value in operation.inputs if value.name in layers)
        weights = tuple(
            value
            for value in operation.inputs
            if value.name not in layers and value.dtype.is_floating and value.shape.is_fully_defined()
        )
        for output in operation.outputs if sources else ():
            if output.value_index == 0 or operation.type == "Split":
                name = output.name.removeprefix(f"{_SCOPE}/").removesuffix(":0")
                layers[output.name], tensors[name] = name, output
                kind, windows = _kind_and_windows(operation)
                channels = output.shape[-1] if output.shape.rank else None
                yield Layer(name, kind, tuple(sources), computed_in_graph, channels, windows, weights)


def _kind_and_windows(operation: Any) -> tuple[str, Windows]:
    kind = KINDS[operation.type]
    before, after = operation.inputs[0].shape, operation.outputs[0].shape
    if "padding" in operation.node_def.attr:
        if operation.get_attr("padding") not in (b"SAME", b"VALID"):
            raise ValueError(f"{operation.name} pads in another way than SAME and VALID")
        if before.rank != 4:  # some kernels crash on it
            raise ValueError(f"{operation.name} does not take pictures")
        return kind, windows_of(operation)
    if kind == "reshape" and (before.rank, after.rank) == (4, 2) and before[3] and after[1]:
        side = math.isqrt(after[1] // before[3])
        if side * side * before[3] == after[1]:
            return _FLATTENING, (sliding(side, 1, "valid"),) * 2
    window = WHOLE if operation.type == "Mean" else POINT
    return kind, (window, window)
