"""Weights from files of others: checked, and parsed without running anything that they contain."""

import contextlib
import io
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tfgraphs.errors import TfgraphsError, said

_STEPS = 2_000_000  # of a pickle; a network of a thousand arrays takes a tenth, with its optimizer
_NUMBER_TYPES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"}


class WeightsError(TfgraphsError):
    """A weight file is not what it should be."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what goes wrong in the block into WeightsErrors that name the file.

    Raises:
        WeightsError: an error of any kind: what a damaged file raises where it is parsed cannot be foreseen.
        TrustError: as it is.
    """
    try:
        yield
    except WeightsError as error:
        raise WeightsError(f"{path}: {said(error)}") from error
    except TfgraphsError:
        raise
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {said(error)}") from error
    except Exception as error:
        raise WeightsError(f"{path} is damaged ({said(error)})") from error


def read_pickled_arrays(path: Path) -> dict[str, list[np.ndarray]]:
    """Reads a pickle of {name: [array, ...]} that may hold arrays of numbers and nothing else.

    Pickles name functions to be called. Here every name but those of numpy's arrays is refused, and these stand for
    inert objects of this module that only note shape, type and bytes: nothing from the file is ever executed, and an
    array takes no more memory than the bytes that the file holds for it. Pickle protocols 3 and 4 are understood.

    Raises:
        WeightsError: the file is no such pickle.
    """
    try:
        content = path.read_bytes()
        tree = InertUnpickler(PickleFile(content)).load()
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except Exception as error:  # a damaged pickle can fail in any way, none of which is ours
        raise WeightsError(f"{path} is not a readable pickle of arrays: {error or type(error).__name__}") from error
    if not isinstance(tree, dict):
        raise WeightsError(f"{path} holds no dictionary of arrays")
    arrays = {name: _checked_arrays(path, name, values) for name, values in tree.items()}
    try:
        swapped = iter(in_native_order([array for values in arrays.values() for array in values], len(content)))
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    return {name: [next(swapped) for _ in values] for name, values in arrays.items()}


def take(arrays: Mapping[str, np.ndarray], network: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array of a network as float32.

    Raises:
        WeightsError: it is missing, has another shape, or holds something that is no finite number.
    """
    if name not in arrays:
        raise WeightsError(f"{name} is missing: these are not the weights of {network}")
    array = arrays[name]
    if array.shape != shape:
        found, expected = " x ".join(map(str, array.shape)), " x ".join(map(str, shape))
        raise WeightsError(f"{name} is {found} and not {expected}: these are not the weights of {network}")
    array = np.asarray(array, np.float32)
    if not np.isfinite(array).all():
        raise WeightsError(f"{name} holds numbers that are not finite: the weights of {network} are damaged")
    return array


def in_native_order(arrays: Sequence[np.ndarray], size: int) -> list[np.ndarray]:
    """Arrays as this machine has its numbers; only those that a file has in the other byte order are copied.

    Args:
        arrays: that may share their bytes.
        size: of their file; copies are not larger together.

    Raises:
        WeightsError: they would be.
    """
    if sum(array.nbytes for array in arrays if not array.dtype.isnative) > size:
        raise WeightsError("its arrays share bytes in foreign order, the file is refused")
    return [array.astype(array.dtype.newbyteorder("="), copy=False) for array in arrays]


class PickleFile(io.BytesIO):
    """The content of a pickle: gives no more than there is, and only so often; every step of a pickle asks for it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = _STEPS

    def read(self, size: int | None = -1) -> bytes:
        self._count()
        return super().read(size)

    def readline(self, size: int | None = -1) -> bytes:
        self._count()
        return super().readline(size)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise WeightsError("it makes more objects than arrays need, the file is refused")


class Inert:
    """Stands for an object of others that a pickle may give a state to."""


class PickledDtype(Inert):
    """What a pickle says of a number type: its code, then, as state, its byte order."""

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str) or code not in _NUMBER_TYPES:
            raise WeightsError("an array of another type than numbers is refused")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(">" if state[1] == ">" else "<")


class PickledArray(Inert):
    """What a pickle says of an array; made empty, then filled by its state."""

    value: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran_order, data = state
        if not isinstance(dtype, PickledDtype) or not isinstance(data, bytes):
            raise WeightsError("an array without type or data is refused")
        if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
            raise WeightsError("an array without a shape is refused")
        self.value = np.frombuffer(data, dtype.dtype).reshape(shape, order="F" if fortran_order else "C")


_NDARRAY = object()  # stands for the class: it can be named, never called


def _reconstruct(*_: object) -> PickledArray:
    return PickledArray()


def _guarded(name: str, check: Callable[[Any], None]) -> Callable[[Any], None]:
    """An operation of the unpickler that looks at its stack first."""

    def operation(unpickler: Any) -> None:
        check(unpickler)
        getattr(pickle._Unpickler, name)(unpickler)

    return operation


def _check_state(unpickler: Any) -> None:
    if not isinstance(unpickler.stack[-2], Inert):
        raise WeightsError("it gives a state to something that is no array, the file is refused")


def _skip_frame(unpickler: Any) -> None:
    """Frames only tell how much to read at once; what is read at once is not counted."""
    unpickler.read(8)


def _refuse(unpickler: Any) -> None:
    raise WeightsError("it holds sets, buffers or extensions, which no arrays need; the file is refused")


class InertUnpickler(pickle._Unpickler):
    """The standard library's unpickler in Python: its memo is a dictionary, so no index in the file reserves memory.

    Beyond the names, it refuses what array pickles never do and what could cost time, memory or the inertness of what
    stands for others' objects: keys and members of sets that are not simple (hashing nested tuples takes forever),
    states for anything but what is `Inert`, and byte arrays, which are reserved before they are read.

    Attributes:
        admitted: what each name stands for; all others are refused.
        keys: types of keys.
    """

    admitted: ClassVar[dict[tuple[str, str], Any]] = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): _NDARRAY,
        ("numpy", "dtype"): PickledDtype,
    }
    keys: ClassVar[tuple[type, ...]] = (str,)
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = pickle._Unpickler.dispatch | {
        pickle.DICT[0]: _guarded("load_dict", lambda unpickler: unpickler.check_keys(unpickler.stack[::2])),
        pickle.SETITEM[0]: _guarded("load_setitem", lambda unpickler: unpickler.check_keys(unpickler.stack[-2:-1])),
        pickle.SETITEMS[0]: _guarded("load_setitems", lambda unpickler: unpickler.check_keys(unpickler.stack[::2])),
        pickle.BUILD[0]: _guarded("load_build", _check_state),
        pickle.FRAME[0]: _skip_frame,
        **dict.fromkeys((pickle.EMPTY_SET[0], pickle.ADDITEMS[0], pickle.FROZENSET[0]), _refuse),
        **dict.fromkeys((pickle.BYTEARRAY8[0], pickle.NEXT_BUFFER[0], pickle.READONLY_BUFFER[0]), _refuse),
        **dict.fromkeys((pickle.EXT1[0], pickle.EXT2[0], pickle.EXT4[0]), _refuse),
    }

    def check_keys(self, keys: list[Any]) -> None:
        """Raises a WeightsError if something is no key that may be hashed."""
        if not all(isinstance(key, self.keys) for key in keys):
            raise WeightsError("it names an array by something that is no text, the file is refused")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.admitted:
            raise WeightsError(f"it names {module}.{name}; only arrays are read, the file is refused")
        return self.admitted[module, name]

    def persistent_load(self, pid: object) -> Any:
        raise WeightsError("it refers to other objects; only arrays are read, the file is refused")


def _checked_arrays(path: Path, name: str, values: object) -> list[np.ndarray]:
    if not isinstance(values, list | tuple) or not all(
        isinstance(value, PickledArray) and hasattr(value, "value") for value in values
    ):
        raise WeightsError(f"{path}: {name} is not a list of arrays")
    return [value.value for value in values]
