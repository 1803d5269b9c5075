"""Weights from files of others: checked, and parsed without running anything that they contain."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from tfgraphs.errors import TfgraphsError

_NUMBER_TYPES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"}


class WeightsError(TfgraphsError):
    """A weight file is not what it should be."""


def read_pickled_arrays(path: Path) -> dict[str, list[np.ndarray]]:
    """Reads a pickle of {name: [array, ...]} that may hold arrays of numbers and nothing else.

    Pickles name functions to be called. Here every name but those of numpy's arrays is refused, and these stand for
    inert objects of this module that only note shape, type and bytes: nothing from the file is ever executed, and an
    array takes no more memory than the bytes that the file holds for it.

    Raises:
        WeightsError: the file is no such pickle.
    """
    try:
        with path.open("rb") as file:
            tree = _ArrayUnpickler(file).load()
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except Exception as error:  # a damaged pickle can fail in any way, none of which is ours
        raise WeightsError(f"{path} is not a readable pickle of arrays: {error or type(error).__name__}") from error
    if not isinstance(tree, dict):
        raise WeightsError(f"{path} holds no dictionary of arrays")
    return {_checked_name(path, name): _checked_arrays(path, name, values) for name, values in tree.items()}


class _Dtype:
    """What a pickle says of a number type: its code, then, as state, its byte order."""

    def __init__(self, code: str, *_: object) -> None:
        if code not in _NUMBER_TYPES:
            raise WeightsError(f"an array of type {code!r} is refused: only numbers are read")
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
        flat = np.frombuffer(data, dtype.dtype)
        self.value = flat.reshape(shape, order="F" if fortran_order else "C").astype(dtype.dtype.newbyteorder("="))


_NDARRAY = object()  # stands for the class: it can be named, never called


def _reconstruct(*_: object) -> _Array:
    return _Array()


class _ArrayUnpickler(pickle._Unpickler):
    """The standard library's unpickler in Python: its memo is a dictionary, so no index in the file reserves memory."""

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


def _checked_name(path: Path, name: object) -> str:
    if not isinstance(name, str):
        raise WeightsError(f"{path}: {name!r} is not the name of a layer")
    return name


def _checked_arrays(path: Path, name: str, values: object) -> list[np.ndarray]:
    if not isinstance(values, list | tuple) or not all(
        isinstance(value, _Array) and hasattr(value, "value") for value in values
    ):
        raise WeightsError(f"{path}: {name} is not a list of arrays")
    return [value.value for value in values]
