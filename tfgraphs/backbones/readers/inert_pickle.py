"""Pickles, read without running anything that they contain.

A pickle names functions to be called. `InertUnpickler` refuses every name but those for which its subclass has objects
that only note what they are given.
"""

import io
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

from tfgraphs.backbones.readers.weights import WeightsError

_STEPS = 2_000_000  # of a pickle; a network of a thousand arrays takes a tenth, with its optimizer
_KEYS = (str, int, type(None))  # types of keys of dictionaries: hashing nested tuples takes forever


class PickleFile(io.BytesIO):
    """The content of a pickle. Bounds the number of reads, and with them the steps of unpickling."""

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
    """Stands for an object to which a pickle may give a state, which is ignored."""

    def __setstate__(self, state: Any) -> None:
        pass


def check_keys(keys: list[Any]) -> None:
    """Raises WeightsError if a key of a dictionary has another type than the names of arrays."""
    if not all(isinstance(key, _KEYS) for key in keys):
        raise WeightsError("it has a name that is not a text, the file is refused")


def _check_state(receiver: object) -> None:
    if not isinstance(receiver, Inert):
        raise WeightsError("it gives a state to something else than an array, the file is refused")


def _guarded(name: str, check: Callable[[Any], None], place: int | slice) -> Callable[[Any], None]:
    """Returns an operation of the unpickler that first checks what is at a place of its stack."""

    def operation(unpickler: Any) -> None:
        check(unpickler.stack[place])
        getattr(pickle._Unpickler, name)(unpickler)

    return operation


def _skip_frame(unpickler: Any) -> None:
    """Ignores frames: they state how much to read at once, which would not be counted."""
    unpickler.read(8)


def _refuse(unpickler: Any) -> None:
    raise WeightsError("it holds sets, buffers or extensions, which no arrays need; the file is refused")


class InertUnpickler(pickle._Unpickler):
    """The standard library's unpickler in Python, whose memo is a dictionary: no index in the file reserves memory.

    It refuses all names but those of its subclass, and what files of arrays do not need but could take time or memory:
    keys that are not simple, sets, states for anything but `Inert` objects, and byte arrays, which are allocated before
    they are read.

    Attributes:
        admitted: the object for each name, (module, name).
    """

    admitted: ClassVar[dict[tuple[str, str], Any]] = {}
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = pickle._Unpickler.dispatch | {
        pickle.DICT[0]: _guarded("load_dict", check_keys, slice(None, None, 2)),
        pickle.SETITEM[0]: _guarded("load_setitem", check_keys, slice(-2, -1)),
        pickle.SETITEMS[0]: _guarded("load_setitems", check_keys, slice(None, None, 2)),
        pickle.BUILD[0]: _guarded("load_build", _check_state, -2),
        pickle.FRAME[0]: _skip_frame,
        **dict.fromkeys((pickle.EMPTY_SET[0], pickle.ADDITEMS[0], pickle.FROZENSET[0]), _refuse),
        **dict.fromkeys((pickle.BYTEARRAY8[0], pickle.NEXT_BUFFER[0], pickle.READONLY_BUFFER[0]), _refuse),
        **dict.fromkeys((pickle.EXT1[0], pickle.EXT2[0], pickle.EXT4[0]), _refuse),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.admitted:
            raise WeightsError(f"it names {module}.{name}; only arrays are read, the file is refused")
        return self.admitted[module, name]

    def persistent_load(self, pid: object) -> Any:
        raise WeightsError("it refers to other objects; only arrays are read, the file is refused")
