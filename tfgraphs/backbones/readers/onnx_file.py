"""Reads weights of ONNX models (.onnx): a protocol buffer with a graph, whose initializers are the arrays.

Of the messages in ONNX's onnx/onnx.proto only the fields that lead to the arrays are described here.
"""

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from tfgraphs.backbones.readers.protocol_buffers import UNKNOWN, Messages, add_array
from tfgraphs.backbones.readers.tf2onnx_names import with_keras_names
from tfgraphs.backbones.readers.weights import WeightsError, as_numbers

_MESSAGES = Messages(
    {
        "ModelProto": {"ir_version": (1, "int64"), "graph": (7, "bytes")},
        "GraphProto": {"initializer": (5, "repeated bytes")},
        "TensorProto": {
            "dims": (1, "repeated int64"),
            "data_type": (2, "int64"),
            "float_data": (4, "repeated bytes"),
            "int32_data": (5, "repeated int64"),
            "int64_data": (7, "repeated int64"),
            "name": (8, "bytes"),
            "raw_data": (9, "bytes"),
            "double_data": (10, "repeated bytes"),
            "uint64_data": (11, "repeated int64"),
            "data_location": (14, "int64"),
        },
    }
)
_EXTERNAL = 1  # data_location
_TYPES = {  # by data_type: the name in NumPy, and the field for the numbers that are not in raw_data
    1: ("float32", "float_data"),
    2: ("uint8", "int32_data"),
    3: ("int8", "int32_data"),
    4: ("uint16", "int32_data"),
    5: ("int16", "int32_data"),
    6: ("int32", "int32_data"),
    7: ("int64", "int64_data"),
    9: ("bool", "int32_data"),
    10: ("float16", "int32_data"),
    11: ("float64", "double_data"),
    12: ("uint32", "uint64_data"),
    13: ("uint64", "uint64_data"),
    16: ("bfloat16", "int32_data"),
}


def read(content: bytes) -> dict[str, np.ndarray] | None:
    """Reads the initializers of a model by their names; those that tf2onnx gives become Keras', see `tf2onnx_names`.

    Returns:
        None if it is no model. A model has ir_version, a number, and graph, a message: fields that are a text and a
        number in a network of Caffe, which has no signature either.

    Raises:
        WeightsError: it is damaged, or its arrays are in other files.
    """
    graph = _graph(content)
    return None if graph is None else with_keras_names(_initializers(graph))


def _graph(content: bytes) -> bytes | None:
    try:
        model = _MESSAGES.parse("ModelProto", content)
    except DecodeError:
        return None
    return model.graph if model.HasField("ir_version") and model.HasField("graph") else None


def _initializers(graph: bytes) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    try:
        for piece in _MESSAGES.parse("GraphProto", graph).initializer:
            tensor = _MESSAGES.parse("TensorProto", piece)
            name = tensor.name.decode()
            if tensor.data_location == _EXTERNAL:
                raise WeightsError(
                    f"the numbers of {name!r} are in another file, which is not read: "
                    'onnx.save(onnx.load("MODEL.onnx"), "WHOLE.onnx") writes all into one'
                )
            if tensor.data_type in _TYPES:  # no network here needs others
                add_array(arrays, name, _numbers(tensor, *_TYPES[tensor.data_type]), tensor.dims)
    except DecodeError as error:
        raise WeightsError(UNKNOWN) from error
    return arrays


def _numbers(tensor: Any, kind: str, field: str) -> np.ndarray:
    dtype = np.dtype(kind)
    if tensor.HasField("raw_data"):
        return as_numbers(tensor.raw_data, dtype)
    listed = getattr(tensor, field)
    if dtype.kind == "f" and dtype.itemsize >= 4:
        return as_numbers(b"".join(listed), dtype)
    stored = np.fromiter(listed, np.int64, len(listed))  # of float16 and bfloat16 the bits
    return as_numbers(stored.astype(f"<u{dtype.itemsize}").tobytes(), dtype)
