"""Reads weights of Caffe (.caffemodel): a protocol buffer whose layers hold their arrays as blobs.

Of the messages in Caffe's src/caffe/proto/caffe.proto only the fields that lead to the arrays are described here, those
of `layer` and of `layers` (V1, until 2014).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from tfgraphs.backbones.readers.protocol_buffers import UNKNOWN, Messages, add_array
from tfgraphs.backbones.readers.weights import WeightsError, as_numbers

_MESSAGES = Messages(
    {
        "NetParameter": {"layers": (2, "repeated bytes"), "layer": (100, "repeated bytes")},
        "LayerParameter": {"name": (1, "bytes"), "blobs": (7, "repeated bytes")},
        "V1LayerParameter": {"name": (4, "bytes"), "blobs": (6, "repeated bytes")},
        "BlobProto": {
            "num": (1, "int64"),
            "channels": (2, "int64"),
            "height": (3, "int64"),
            "width": (4, "int64"),
            "data": (5, "repeated bytes"),
            "shape": (7, "BlobShape"),
            "double_data": (8, "repeated bytes"),
        },
        "BlobShape": {"dim": (1, "repeated int64")},
    }
)


def read(content: bytes) -> dict[str, np.ndarray]:
    """Reads the arrays of a network: the blobs of the layer conv1 become conv1/0, conv1/1, ...

    Kernels of convolutions are [channels out, channels in of a group, height, width]. Old shapes have four sides: those
    of biases become [channels], those of fully connected layers [channels out, channels in].

    Raises:
        WeightsError: it is not a network of Caffe, or is damaged.
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        for layer, blobs in _layers(content):
            for number, piece in enumerate(blobs):
                blob = _MESSAGES.parse("BlobProto", piece)
                pieces, kind = (blob.double_data, np.float64) if blob.double_data else (blob.data, np.float32)
                add_array(arrays, f"{layer}/{number}", as_numbers(b"".join(pieces), np.dtype(kind)), _shape(blob))
    except DecodeError as error:
        raise WeightsError(UNKNOWN) from error
    if not arrays:
        raise WeightsError(UNKNOWN)
    return arrays


def _layers(content: bytes) -> Iterator[tuple[str, Sequence[bytes]]]:
    network = _MESSAGES.parse("NetParameter", content)
    for kind, pieces in (("LayerParameter", network.layer), ("V1LayerParameter", network.layers)):
        for piece in pieces:
            layer = _MESSAGES.parse(kind, piece)
            yield layer.name.decode(), layer.blobs


def _shape(blob: Any) -> Sequence[int]:
    if blob.HasField("shape"):
        return blob.shape.dim
    sides = (blob.num, blob.channels, blob.height, blob.width)
    if sides[:3] == (1, 1, 1):
        return sides[3:]
    return sides[2:] if sides[:2] == (1, 1) else sides
