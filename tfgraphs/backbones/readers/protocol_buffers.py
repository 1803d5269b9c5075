"""Protocol buffers of other programs that hold arrays: only the fields that lead to these are described.

Packed floating point numbers and repeated messages are described as bytes. So numbers do not become Python objects, and
messages are parsed one by one: many empty ones do not fill the memory.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tfgraphs.backbones.readers.weights import WeightsError

UNKNOWN = "it is not a file of weights of a known kind, or it is damaged"
_MOST, _MOST_SIDES = 100_000, 64  # arrays of a file, sides of an array (NumPy's limit)
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {"bytes": _Field.TYPE_BYTES, "int64": _Field.TYPE_INT64}


class Messages:
    """Parses some kinds of messages.

    Args:
        described: {message: {field: (number, kind)}}. A kind is "bytes", "int64" or one of the messages, and may be
            repeated: "repeated int64".
    """

    def __init__(self, described: Mapping[str, Mapping[str, tuple[int, str]]]) -> None:
        self._described = described

    def parse(self, message: str, content: bytes) -> Any:
        """Returns a message, or raises google.protobuf.message.DecodeError."""
        parsed = self._classes[message]()
        parsed.ParseFromString(content)
        return parsed

    @cached_property
    def _classes(self) -> dict[str, Any]:
        """The classes by name, in a separate pool: another package may have registered the real ones."""
        file = descriptor_pb2.FileDescriptorProto(name="arrays.proto", syntax="proto2")
        for message, fields in self._described.items():
            described = file.message_type.add(name=message)
            for name, (number, kind) in fields.items():
                single = kind.removeprefix("repeated ")
                label = _Field.LABEL_OPTIONAL if single == kind else _Field.LABEL_REPEATED
                field = described.field.add(name=name, number=number, label=label)
                field.type = _SCALARS.get(single, _Field.TYPE_MESSAGE)
                if single in self._described:
                    field.type_name = single
        return message_factory.GetMessages([file], descriptor_pool.DescriptorPool())


def add_array(arrays: dict[str, np.ndarray], name: str, numbers: np.ndarray, shape: Sequence[int]) -> None:
    """Adds an array to those of a file.

    Raises:
        WeightsError: the shape does not fit, the name is there already, or there are too many arrays.
    """
    if len(shape) > _MOST_SIDES or min(shape, default=0) < 0 or math.prod(shape) != numbers.size:
        raise WeightsError(f"{name!r} does not have as many numbers as its shape says")
    if name in arrays:
        raise WeightsError(f"it has two arrays with the name {name!r}")
    if len(arrays) == _MOST:
        raise WeightsError("it has more arrays than any network")
    arrays[name] = numbers.reshape(shape)
