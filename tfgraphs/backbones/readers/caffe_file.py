"""Reads weights of Caffe (.caffemodel): a protocol buffer whose layers hold their arrays as blobs.

Of the messages in Caffe's src/caffe/proto/caffe.proto only the fields that lead to the arrays are described here, those
of `layer` and of `layers` (V1, until 2014).
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from tfgraphs.backbones.readers.weights import WeightsError

_NO_NETWORK = "it is not a file of weights of a known kind, or it is damaged"
_MOST = 100_000  # arrays
_Field = descriptor_pb2.FieldDescriptorProto
_REPEATED = {"layer", "layers", "blobs", "data", "double_data", "dim"}
# Packed numbers and repeated messages are described as bytes. So numbers do not become Python objects, and messages are
# parsed one by one: many empty ones do not fill the memory.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "NetParameter": {"layers": (2, "bytes"), "layer": (100, "bytes")},
    "LayerParameter": {"name": (1, "bytes"), "blobs": (7, "bytes")},
    "V1LayerParameter": {"name": (4, "bytes"), "blobs": (6, "bytes")},
    "BlobProto": {
        "num": (1, "int64"),
        "channels": (2, "int64"),
        "height": (3, "int64"),
        "width": (4, "int64"),
        "data": (5, "bytes"),
        "shape": (7, "BlobShape"),
        "double_data": (8, "bytes"),
    },
    "BlobShape": {"dim": (1, "int64")},
}
_SCALARS = {"bytes": _Field.TYPE_BYTES, "int64": _Field.TYPE_INT64}


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads the arrays of a network: the blobs of the layer conv1 become conv1/0, conv1/1, ...

    Kernels of convolutions are [channels out, channels in of a group, height, width]. Old shapes have four sides: those
    of biases become [channels], those of fully connected layers [channels out, channels in].

    Raises:
        WeightsError: the file is not a network of Caffe, or is damaged.
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        for layer, blobs in _layers(path.read_bytes()):
            for number, blob in enumerate(blobs):
                name = f"{layer}/{number}"
                if name in arrays:
                    raise WeightsError(f"it has two layers with the name {layer!r}")
                arrays[name] = _array(name, _parsed("BlobProto", blob))
                if len(arrays) > _MOST:
                    raise WeightsError("it has more arrays than any network")
    except DecodeError as error:
        raise WeightsError(_NO_NETWORK) from error
    if not arrays:
        raise WeightsError(_NO_NETWORK)
    return arrays


def _layers(content: bytes) -> Iterator[tuple[str, Sequence[bytes]]]:
    network = _parsed("NetParameter", content)
    for kind, pieces in (("LayerParameter", network.layer), ("V1LayerParameter", network.layers)):
        for piece in pieces:
            layer = _parsed(kind, piece)
            yield layer.name.decode(), layer.blobs


def _parsed(kind: str, content: bytes) -> Any:
    message = _message_classes()[kind]()
    message.ParseFromString(content)
    return message


@cache
def _message_classes() -> dict[str, Any]:
    """Returns the classes by name, in a separate pool: another package may have registered Caffe's own ones."""
    file = descriptor_pb2.FileDescriptorProto(name="arrays.proto", syntax="proto2")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            field = described.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL)
            if name in _REPEATED:
                field.label = _Field.LABEL_REPEATED
            field.type = _SCALARS.get(kind, _Field.TYPE_MESSAGE)
            if kind in _MESSAGES:
                field.type_name = kind
    return message_factory.GetMessages([file], descriptor_pool.DescriptorPool())


def _array(name: str, blob: Any) -> np.ndarray:
    pieces, code = (blob.double_data, "<f8") if blob.double_data else (blob.data, "<f4")
    data = b"".join(pieces)
    shape = _shape(blob)
    if not data or min(shape, default=0) < 0 or math.prod(shape) * np.dtype(code).itemsize != len(data):
        raise WeightsError(f"{name!r} does not have as many numbers as its shape says")
    numbers = np.frombuffer(data, code)
    return numbers.reshape(shape).astype(numbers.dtype.newbyteorder("="), copy=False)


def _shape(blob: Any) -> tuple[int, ...]:
    if blob.HasField("shape"):
        return tuple(blob.shape.dim)
    sides = (blob.num, blob.channels, blob.height, blob.width)
    if sides[:3] == (1, 1, 1):
        return sides[3:]
    return sides[2:] if sides[:2] == (1, 1) else sides
