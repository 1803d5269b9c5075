"""Weights from files of others: checked, and parsed without running anything that they contain."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tfgraphs.errors import TfgraphsError

_NUMBER_TYPES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"}


class WeightsError(TfgraphsError):
    """A weight file is not what it should be."""


def read_pickled_arrays(path: Path) -> dict[str, list[np.ndarray]]:
    """Reads a pickle of {name: [array, ...]} that may hold arrays of numbers and nothing else.

    Pickles name functions to be called. Here every name but those of numpy's arrays is refused, and these stand for
    inert objects of this module that only note shape, type and bytes: nothing from the file is ever executed, and an
    array takes no more memory than the bytes that the file holds for it. Pickle protocols 3 and 4 are understood.

    Raises:
        WeightsError: the file is no such pickle.
    """
    try:
        tree = _ArrayUnpickler(io.BytesIO(path.read_bytes())).load()  # a BytesIO gives no more than there is
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except Exception as error:  # a damaged pickle can fail in any way, none of which is ours
        raise WeightsError(f"{path} is not a readable pickle of arrays: {error or type(error).__name__}") from error
    if not isinstance(tree, dict):
        raise WeightsError(f"{path} holds no dictionary of arrays")
    return {name: _checked_arrays(path, name, values) for name, values in tree.items()}


class _Dtype:
    """What a pickle says of a number type: its code, then, as state, its byte order."""

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str) or code not in _NUMBER_TYPES:
            raise WeightsError("an array of another type than numbers is refused")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(">" if state[1] == ">" else "<")


class _Array:
    """What a pickle says of an array; made empty, then filled by its state."""

    value: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran_order, data = state
        if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
            raise WeightsError("an array without type or data is refused")
        if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
            raise WeightsError("an array without a shape is refused")
        flat = np.frombuffer(data, dtype.dtype)
        native = dtype.dtype.newbyteorder("=")
        self.value = flat.reshape(shape, order="F" if fortran_order else "C").astype(native, copy=False)


_NDARRAY = object()  # stands for the class: it can be named, never called


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _guarded(name: str, check: Callable[[list[Any]], None]) -> Callable[[Any], None]:
    """An operation of the unpickler that looks at its stack first."""

    def operation(unpickler: Any) -> None:
        check(unpickler.stack)
        getattr(pickle._Unpickler, name)(unpickler)

    return operation


def _check_keys(keys: list[Any]) -> None:
    if not all(isinstance(key, str) for key in keys):
        raise WeightsError("it names an array by something that is no text, the file is refused")


def _check_state(stack: list[Any]) -> None:
    if not isinstance(stack[-2], _Array | _Dtype):
        raise WeightsError("it gives a state to something that is no array, the file is refused")


def _refuse_protocol(stack: list[Any]) -> None:
    raise WeightsError("it was written with pickle protocol 5; protocols 3 and 4 are read")


class _ArrayUnpickler(pickle._Unpickler):
    """The standard library's unpickler in Python: its memo is a dictionary, so no index in the file reserves memory.

    Beyond the names, it refuses what array pickles never do and what could cost time, memory or the inertness of this
    module: keys that are not strings (hashing nested tuples), states for anything but an array or a number type, and
    byte arrays, which are reserved before they are read.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = pickle._Unpickler.dispatch | {
        pickle.SETITEM[0]: _guarded("load_setitem", lambda stack: _check_keys(stack[-2:-1])),
        pickle.SETITEMS[0]: _guarded("load_setitems", lambda stack: _check_keys(stack[::2])),
        pickle.BUILD[0]: _guarded("load_build", _check_state),
        pickle.BYTEARRAY8[0]: _guarded("load_bytearray8", _refuse_protocol),
    }

    def find_class(self, module: str, name: str) -> Any:
        admitted: dict[tuple[str, str], Any] = {
            ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
            ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
            ("numpy", "ndarray"): _NDARRAY,
            ("numpy", "dtype"): _Dtype,
        }
        if (module, name) not in admitted:
            raise WeightsError(f"it names {module}.{name}; only arrays are read, the file is refused")
        return admitted[module, name]

    def persistent_load(self, pid: object) -> Any:
        raise WeightsError("it refers to other objects; only arrays are read, the file is refused")


def _checked_arrays(path: Path, name: str, values: object) -> list[np.ndarray]:
    if not isinstance(values, list | tuple) or not all(
        isinstance(value, _Array) and hasattr(value, "value") for value in values
    ):
        raise WeightsError(f"{path}: {name} is not a list of arrays")
    return [value.value for value in values]
