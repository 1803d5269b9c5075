"""Frozen TensorFlow graphs: a GraphDef whose weights are constants."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.errors import reason, summary
from tfgraphs.files.trust import check_regular_file

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


def read_constants(path: Path) -> dict[str, np.ndarray]:
    """Reads the constants of a frozen graph by name.

    Raises:
        WeightsError: the file is not a frozen graph.
    """
    try:
        return {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in _constants(read_graph(path))}
    except (ValueError, TypeError, OverflowError) as error:
        raise WeightsError(f"{path} holds a damaged constant: {summary(error)}") from error


def read_graph(path: Path) -> tf.compat.v1.GraphDef:
    """Parses a frozen graph and checks that its constants are numbers that fit into their shapes.

    A constant takes no more memory than the file holds for it, except small ones that repeat one value.

    Raises:
        WeightsError: the file is not a frozen graph.
    """
    check_regular_file(path, WeightsError)
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {reason(error)}") from error
    except (DecodeError, RuntimeError, ValueError) as error:
        raise WeightsError(f"{path} is not a frozen graph, or a damaged one: {summary(error)}") from error
    if not graph.node:
        raise WeightsError(f"{path} is not a frozen graph: it holds no node")
    repeated = 0
    for node in _constants(graph):
        try:
            repeated += _repeated(node.attr["value"].tensor)
        except ValueError as error:
            raise WeightsError(f"{path}: the constant {node.name!r} {error}; the file is damaged") from error
    if repeated > _REPEATED:
        raise WeightsError(f"{path}: its constants are far larger than the file; it is refused")
    return graph


def _constants(graph: tf.compat.v1.GraphDef) -> Iterator[Any]:
    return (node for node in graph.node if node.op == "Const")


def _repeated(tensor: Any) -> int:
    """Returns how many values of a constant the file leaves out because they repeat the last one."""
    if tensor.dtype not in _VALUES:
        raise ValueError("holds no numbers")
    field, size = _VALUES[tensor.dtype]
    shape = [dimension.size for dimension in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or min(shape, default=0) < 0 or len(shape) > _RANKS:
        raise ValueError("has no shape")
    count, given = math.prod(shape), len(getattr(tensor, field))
    if tensor.tensor_content:
        given, rest = divmod(len(tensor.tensor_content), size)
        if rest or given != count:
            raise ValueError(f"is {_text(shape)} but holds {len(tensor.tensor_content)} bytes")
    if given > count:
        raise ValueError(f"is {_text(shape)} but holds {given} values")
    return count - given


def _text(shape: Iterable[object]) -> str:
    return " x ".join(map(str, shape)) or "one number"
