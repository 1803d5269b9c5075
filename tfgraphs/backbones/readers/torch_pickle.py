"""Unpickles what PyTorch saved, tensors, dictionaries and lists, without making any other object.

A tensor is a view of a storage, to which the pickle refers. The format is that of torch/serialization.py and
torch/_utils.py.
"""

import io
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tfgraphs.backbones.readers.weights import WeightsError, as_numbers

_RANKS = 32
_STEPS = 2_000_000  # of a pickle; a network of a thousand arrays takes a tenth, with its optimizer
_KEYS = (str, int, type(None))  # types of keys of dictionaries: hashing nested tuples takes forever
_NAMES = 1000  # of classes and functions
_STORAGES = {  # types of storages, and of their numbers in NumPy
    "BFloat16Storage": np.dtype("bfloat16"),
    "BoolStorage": np.dtype("bool"),
    "ByteStorage": np.dtype("uint8"),
    "CharStorage": np.dtype("int8"),
    "DoubleStorage": np.dtype("float64"),
    "FloatStorage": np.dtype("float32"),
    "HalfStorage": np.dtype("float16"),
    "IntStorage": np.dtype("int32"),
    "LongStorage": np.dtype("int64"),
    "ShortStorage": np.dtype("int16"),
}


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


class Other(Inert):
    """Stands for an object of any other class, which is not made; of those of PyTorch the state holds the weights."""

    kind = ""

    def __init__(self, *_: object, **__: object) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        """Ignores an item, and so does `extend`."""

    extend = append


def check_keys(keys: list[Any]) -> None:
    """Raises WeightsError if a key of a dictionary has another type than the names of arrays."""
    if not all(isinstance(key, (*_KEYS, Other)) or (isinstance(key, type) and issubclass(key, Other)) for key in keys):
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


def _are_sizes(values: Any) -> bool:
    """Whether `values` is a tuple of a few counts."""
    return (
        isinstance(values, tuple)
        and len(values) <= _RANKS
        and all(type(value) is int and 0 <= value < 2**62 for value in values)
    )


@dataclass(frozen=True)
class _Storage:
    """`size` numbers in the file, of which tensors refer to a part that begins at `first`."""

    dtype: np.dtype
    key: str
    size: int
    first: int = 0

    @property
    def length(self) -> int:
        return self.size * self.dtype.itemsize

    def numbers(self, content: bytes | memoryview, order: str = "<") -> np.ndarray:
        """Returns the numbers that the bytes of the file stand for."""
        if len(content) < self.length:
            raise WeightsError(f"its storage {self.key!r} has fewer bytes than its tensors need")
        return as_numbers(content[: self.length], self.dtype, order)


class Tensor(Inert):
    """A tensor as a pickle describes it. It is refused if it reaches beyond its storage, or has more elements."""

    def __init__(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: object) -> None:
        if not isinstance(storage, _Storage) or not _are_sizes((offset,)):
            raise WeightsError("a tensor without a storage is refused")
        if not _are_sizes(shape) or not _are_sizes(strides) or len(shape) != len(strides):
            raise WeightsError("a tensor without a shape is refused")
        count = math.prod(shape)
        last = offset + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
        if count > storage.size or (count and storage.first + last >= storage.size):
            raise WeightsError("a tensor that is larger than its storage is refused")
        self.storage, self._shape, self._strides = storage, shape, strides
        self._offset = storage.first + offset if count else 0

    def view(self, numbers: np.ndarray) -> np.ndarray:
        """Returns the tensor as a view of the numbers of its storage."""
        size = numbers.itemsize
        strides = tuple(stride * size for stride in self._strides)
        return np.ndarray(self._shape, numbers.dtype, numbers.data, self._offset * size, strides)


def _rebuilt(storage: Any, *arguments: Any) -> Any:
    """Makes a tensor, or none of numbers that are not read."""
    return storage if isinstance(storage, Other) else Tensor(storage, *arguments)


def _refuse_quantized(*_: object) -> None:
    raise WeightsError("its tensors are quantized: save the state_dict() of the network before it was quantized")


class _OrderedDict(dict[Any, Any], Inert):
    """An ordered dictionary without attributes (`_metadata`)."""

    def __init__(self, items: Any = ()) -> None:
        super().__init__()
        if items and not isinstance(items, list):
            raise WeightsError("an ordered dictionary must be made of pairs")
        for key, value in items:
            check_keys([key])
            self[key] = value
        if items:
            items.clear()  # otherwise a few bytes could copy a long list many times


class _Parameter:
    """Stands for the tensor that it is made of."""

    def __new__(cls, tensor: Any, *_: object) -> Any:
        if not isinstance(tensor, Tensor | Other):
            raise WeightsError("a parameter that is no tensor is refused")
        return tensor


class Unpickler(pickle._Unpickler):
    """The standard library's unpickler in Python, whose memo is a dictionary: no index in the file reserves memory.

    It makes nothing but arrays, dictionaries and lists: other names stand for `Other`. It refuses what dictionaries of
    tensors do not need but could take time or memory: keys that are not simple, sets, states for anything but `Inert`
    objects, and byte arrays, which are allocated before they are read.
    """

    admitted: ClassVar[dict[tuple[str, str], Any]] = {
        ("collections", "OrderedDict"): _OrderedDict,
        ("collections", "defaultdict"): lambda *_: {},
        ("torch", "Size"): lambda sides: sides,  # `tuple` could copy a long list many times
        ("torch._utils", "_rebuild_parameter"): _Parameter,
        ("torch._utils", "_rebuild_qtensor"): _refuse_quantized,
        ("torch._utils", "_rebuild_tensor"): _rebuilt,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
        ("torch.nn.parameter", "Parameter"): _Parameter,
        **{(module, name): dtype for module in ("torch", "torch.cuda") for name, dtype in _STORAGES.items()},
    }

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

    def __init__(self, file: PickleFile) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}
        self._others: dict[tuple[str, str], type[Other]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in self.admitted:
            return self.admitted[module, name]
        if (module, name) not in self._others:
            if len(self._others) == _NAMES:
                raise WeightsError("it names more classes than any checkpoint does, the file is refused")
            self._others[module, name] = type("Other", (Other,), {"kind": f"{module}.{name}"})
        return self._others[module, name]

    def persistent_load(self, pid: Any) -> _Storage | Other:
        """Returns the storage of ("storage", type, key, device, size), or before version 1.6 a part of it.

        Of numbers of a type that NumPy does not have, `Other`.
        """
        if isinstance(pid, tuple) and len(pid) > 1 and isinstance(pid[1], type) and issubclass(pid[1], Other):
            return pid[1]()
        if (
            not isinstance(pid, tuple)
            or len(pid) not in (5, 6)
            or pid[0] != "storage"
            or not isinstance(pid[1], np.dtype)
        ):
            raise WeightsError("it refers to something else than storages of numbers, the file is refused")
        dtype, key, size, part = pid[1], pid[2], pid[4], pid[5] if len(pid) == 6 else None
        if not isinstance(key, str) or not _are_sizes((size,)):
            raise WeightsError("it refers to a storage without name or size, the file is refused")
        storage = self.storages.setdefault(key, _Storage(dtype, key, size))
        if storage != _Storage(dtype, key, size):
            raise WeightsError(f"it contradicts itself on the storage {key!r}, the file is refused")
        if part is None:
            return storage
        if not isinstance(part, tuple) or len(part) != 3 or not _are_sizes(part[1:]) or sum(part[1:]) > size:
            raise WeightsError(f"it names a part beyond the storage {key!r}, the file is refused")
        return _Storage(dtype, key, size, part[1])
