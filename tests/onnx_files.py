"""Writes .onnx files with initializers, for tests of what reads them."""

import ml_dtypes
import numpy as np
from protocol_messages import number, piece, varint

TYPES = {  # onnx.TensorProto.DataType
    np.dtype(kind): code
    for kind, code in {
        "float32": 1,
        "uint8": 2,
        "int8": 3,
        "uint16": 4,
        "int16": 5,
        "int32": 6,
        "int64": 7,
        "bool": 9,
        "float16": 10,
        "float64": 11,
        "uint32": 12,
        "uint64": 13,
        ml_dtypes.bfloat16: 16,
    }.items()
}


def header(name, array, shape=None, code=None):
    """Shape, type and name of a tensor."""
    sides = b"".join(number(1, side) for side in (array.shape if shape is None else shape))
    return sides + number(2, TYPES[array.dtype] if code is None else code) + piece(8, name)


def tensor(name, array, shape=None, code=None):
    """A tensor whose numbers are bytes, as exporters write them."""
    return header(name, array, shape, code) + piece(9, array.tobytes())


def listed_tensor(name, array):
    """A tensor whose numbers are in the field for their type, packed; of half precision there are the bits."""
    if array.dtype in (np.float32, np.float64):
        return header(name, array) + piece(4 if array.dtype == np.float32 else 10, array.tobytes())
    fields = {"int64": 7, "uint32": 11, "uint64": 11}
    numbers = array.view(np.uint16) if array.dtype in (np.float16, ml_dtypes.bfloat16) else array
    packed = b"".join(varint(int(one)) for one in numbers.ravel())
    return header(name, array) + piece(fields.get(array.dtype.name, 5), packed)


def model(*tensors):
    """A model with initializers, beside a node, names and an input."""
    node = piece(1, "input") + piece(1, "features.0.weight") + piece(2, "output") + piece(4, "Conv")
    initializers = b"".join(piece(5, content) for content in tensors)
    graph = piece(1, node) + piece(2, "main_graph") + initializers + piece(11, piece(1, "input"))
    return number(1, 8) + piece(2, "pytorch") + piece(3, "2.9.0") + piece(7, graph) + piece(8, number(2, 17))


def exported_by_keras(layer, kernel, bias, numbered):
    """The arrays of a layer with the names that tf2onnx 1.17 gives them; `numbered`: of a model of Keras 3."""
    if not numbered:
        names = "Conv2D" if kernel.ndim == 4 else "MatMul", "BiasAdd/ReadVariableOp"
        scope = f"vgg16/{layer}"
    else:
        names = ("convolution", "Squeeze") if kernel.ndim == 4 else ("Cast", "BiasAdd/ReadVariableOp")
        scope = f"functional_1/{layer}_1"
    return {f"{scope}/{names[0]}/ReadVariableOp:0": kernel, f"{scope}/{names[1]}:0": bias}
