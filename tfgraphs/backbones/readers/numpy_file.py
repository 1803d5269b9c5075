"""Weights in files of numpy: pickled dictionaries, as networks converted from Caffe have them, and archives of arrays.

`bvlc_alexnet.npy` and `vgg16.npy` hold {"conv1": [kernel, bias], ...}, pickled by Python 2 within an array of one
object; others {"conv1": {"weights": kernel, "biases": bias}, ...}, or a pickle without numpy's header.
"""

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tfgraphs.backbones.readers.archive import Archive
from tfgraphs.backbones.readers.weights import (
    InertUnpickler,
    PickledArray,
    PickledDtype,
    PickleFile,
    WeightsError,
    in_native_order,
)

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_OBJECTS = ("O", "O4", "O8")
_NUMBERS = {"weights": "0", "biases": "1"}  # of Caffe's blobs, by the names that converters gave them


def read_npy(path: Path) -> dict[str, np.ndarray]:
    """Reads a .npy file that holds a pickled dictionary; {"conv1": [kernel, bias]} becomes conv1/0 and conv1/1.

    Raises:
        WeightsError: it holds something else.
    """
    content = path.read_bytes()
    file = PickleFile(content)
    _, _, dtype = _header(file)
    if dtype.kind != "O":
        raise WeightsError("it holds one array without a name; a dictionary of arrays is read, or an archive .npz")
    tree = _Unpickler(file).load()
    if not isinstance(tree, _Array) or len(tree.objects) != 1:
        raise WeightsError("it holds no dictionary of arrays")
    return _named_arrays(tree.objects[0], len(content))


def read_pickle(path: Path) -> dict[str, np.ndarray]:
    """Reads a pickled dictionary of arrays, named as by `read_npy`.

    Raises:
        WeightsError: it holds something else.
    """
    content = path.read_bytes()
    return _named_arrays(_Unpickler(PickleFile(content)).load(), len(content))


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Reads the arrays of a .npz file.

    Raises:
        WeightsError: it holds something else than arrays of numbers, or is damaged.
    """
    with Archive(path) as archive:
        return {name.removesuffix(".npy"): _numbers(name, archive.read(name)) for name in archive.names}


def _numbers(name: str, content: bytes) -> np.ndarray:
    """The array in a .npy file of numbers."""
    file = io.BytesIO(content)
    shape, fortran_order, dtype = _header(file)
    if dtype.kind not in "biuf":
        raise WeightsError(f"its member {name!r} holds something else than numbers")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise WeightsError(f"its member {name!r} is not as long as its header says")
    flat = np.frombuffer(content, dtype, offset=file.tell())
    array = flat.reshape(shape, order="F" if fortran_order else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _header(file: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether the first index runs fastest, and type of a .npy file; leaves the file behind its header."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise WeightsError(f"its header has the version {version[0]}.{version[1]}; 1.0 and 2.0 are read")
    return _HEADERS[version](file)


def _text(value: Any) -> Any:
    """Text of Python 2 as text of Python 3; anything else as it is."""
    return value.decode("latin1") if isinstance(value, bytes) else value


class _Dtype(PickledDtype):
    """What a pickle says of a number type, or that an array holds objects."""

    def __init__(self, code: str | bytes, *_: object) -> None:
        self.holds_objects = isinstance(code, str | bytes) and _text(code) in _OBJECTS
        super().__init__("u1" if self.holds_objects else _text(code))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        super().__setstate__((state[0], _text(state[1])))


class _Array(PickledArray):
    """What a pickle says of an array of numbers or of objects."""

    objects: list[Any] | tuple[()] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        dtype, content = state[2:5:2]
        if isinstance(dtype, _Dtype) and dtype.holds_objects and isinstance(content, list):
            self.objects = content
        else:
            super().__setstate__(state)


class _Unpickler(InertUnpickler):
    """As its base, and reads arrays of objects and what Python 2 wrote."""

    admitted: ClassVar[dict[tuple[str, str], Any]] = InertUnpickler.admitted | {
        ("numpy.core.multiarray", "_reconstruct"): lambda *_: _Array(),
        ("numpy._core.multiarray", "_reconstruct"): lambda *_: _Array(),
        ("numpy", "dtype"): _Dtype,
    }
    keys: ClassVar[tuple[type, ...]] = (str, bytes)

    def __init__(self, file: PickleFile) -> None:
        super().__init__(file, encoding="bytes")  # texts of Python 2 may be the numbers of an array
        self._encoded: dict[int, tuple[str, bytes]] = {}

    def find_class(self, module: str, name: str) -> Any:
        return self._encode if (module, name) == ("_codecs", "encode") else super().find_class(module, name)

    def _encode(self, text: str, encoding: str) -> bytes:
        """What Python 3 pickles for bytes in a protocol that has none; the same text is encoded once."""
        if not isinstance(text, str) or encoding != "latin1":
            raise WeightsError("it names _codecs.encode for something else than an array, the file is refused")
        return self._encoded.setdefault(id(text), (text, text.encode("latin1")))[1]


def _named_arrays(tree: Any, size: int) -> dict[str, np.ndarray]:
    if not isinstance(tree, dict):
        raise WeightsError("it holds no dictionary of arrays")
    found = [(f"{_text(layer)}{suffix}", value) for layer, values in tree.items() for suffix, value in _parts(values)]
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        raise WeightsError("it gives one name to two arrays")
    for name, value in found:
        if not isinstance(value, PickledArray) or not hasattr(value, "value"):
            raise WeightsError(f"{name!r} is no array of numbers")
    return dict(zip(names, in_native_order([value.value for _, value in found], size), strict=True))


def _parts(values: Any) -> Iterator[tuple[str, Any]]:
    """What a layer holds, with what to append to its name: a list, a dictionary or a single array."""
    if isinstance(values, dict):
        for name, value in values.items():
            yield f"/{_NUMBERS.get(_text(name), _text(name))}", value
    elif isinstance(values, list | tuple):
        for number, value in enumerate(values):
            yield f"/{number}", value
    else:
        yield "", values
