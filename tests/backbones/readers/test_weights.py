import builtins
import os
import pickle
import re
import struct
import subprocess
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.backbones.readers.weights import WeightsError, read_pickled_arrays

RECONSTRUCT = np.zeros(1).__reduce__()[0]
KERNEL = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
GOOD = pickle.dumps({"conv1": [KERNEL, KERNEL[0, 0]], "fire2/squeeze1x1": [KERNEL[0]]}, protocol=4)


class Reduced:
    """Pickled as the call of a function, with an optional state."""

    def __init__(self, call: Callable, arguments: tuple, *state: object) -> None:
        self.reduced = (call, arguments, *state)

    def __reduce__(self) -> tuple:
        return self.reduced


def forged(
    shape: object = (2,), dtype: object = np.dtype(np.float32), fortran: object = False, data: object = bytes(8)
) -> Reduced:
    """Pickled like an array whose parts need not fit together."""
    return Reduced(RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, shape, dtype, fortran, data))


def read(folder: Path, content: object, protocol: int = 4) -> dict[str, list[np.ndarray]]:
    """Reads a pickle of `content`, or `content` itself if it is bytes."""
    path = folder / "weights.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol=protocol))
    return read_pickled_arrays(path)


@pytest.fixture
def traced():
    """A function that tells how much memory was taken since the test began, at most, in bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize(
    "array",
    [
        KERNEL,
        np.asfortranarray(KERNEL),
        KERNEL.astype(">f4"),
        np.asfortranarray(KERNEL.astype(">f4")),
        KERNEL[:, ::2],
        KERNEL.transpose(2, 0, 1),
        KERNEL.astype(np.float16),
        KERNEL.astype(np.float64),
        np.arange(-3, 3, dtype=np.int8),
        np.arange(7, dtype=">u8"),
        np.array(2.5),
        np.zeros((0, 3), np.float32),
    ],
    ids=lambda array: f"{array.dtype.str}-{array.strides}",
)
def test_arrays_round_trip(tmp_path, array, protocol):
    (loaded,) = read(tmp_path, {"layer": [array]}, protocol)["layer"]
    assert loaded.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(loaded, array)


def test_names_and_order_round_trip(tmp_path):
    tree = {"conv1": [KERNEL, KERNEL[0]], "a/b c": [], "ü": (KERNEL[1],)}
    loaded = read(tmp_path, tree)
    assert [(name, [array.tolist() for array in arrays]) for name, arrays in loaded.items()] == [
        (name, [array.tolist() for array in arrays]) for name, arrays in tree.items()
    ]


def test_array_that_stands_twice_is_read_twice(tmp_path):
    loaded = read(tmp_path, {"a": [KERNEL, KERNEL], "b": [KERNEL]})
    for array in (*loaded["a"], *loaded["b"]):
        np.testing.assert_array_equal(array, KERNEL)


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_old_and_new_name_of_numpys_module_are_read(tmp_path, module):
    content = pickle.dumps({"a": [KERNEL]}, protocol=3).replace(
        f"c{RECONSTRUCT.__module__}\n".encode(), f"c{module}\n".encode()
    )
    np.testing.assert_array_equal(read(tmp_path, content)["a"][0], KERNEL)


COMMANDS = {
    "os.system": lambda trace: (os.system, (f"touch '{trace}'",)),
    "eval": lambda trace: (builtins.eval, (f"open({trace!r}, 'w').close()",)),
    "exec": lambda trace: (builtins.exec, (f"open({trace!r}, 'w').close()",)),
    "subprocess": lambda trace: (subprocess.check_call, (["touch", trace],)),
    "numpy.save": lambda trace: (np.save, (trace, 1)),
}
PLACES = {
    "whole file": lambda call: call,
    "name": lambda call: {call: [KERNEL]},
    "value": lambda call: {"a": call},
    "in list": lambda call: {"a": [KERNEL, call]},
    "shape": lambda call: {"a": [forged(shape=call)]},
    "data": lambda call: {"a": [forged(data=call)]},
    "argument": lambda call: {"a": [Reduced(RECONSTRUCT, (call,))]},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_in_the_file_is_executed(tmp_path, command, protocol, place):
    trace = tmp_path / "trace.npy"
    call = Reduced(*COMMANDS[command](str(trace)))
    with pytest.raises(WeightsError, match="only arrays are read"):
        read(tmp_path, PLACES[place](call), protocol)
    assert not trace.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_commands_leave_a_trace_when_pickle_reads_them(tmp_path, command):
    trace = tmp_path / "trace.npy"
    pickle.loads(pickle.dumps(Reduced(*COMMANDS[command](str(trace)))))
    assert trace.exists()


class PersistentPickler(pickle.Pickler):
    def persistent_id(self, thing: object) -> object:
        return "elsewhere" if thing is KERNEL else None


@pytest.mark.parametrize("protocol", [0, 4])
def test_persistent_ids_are_refused(tmp_path, protocol):
    with (tmp_path / "weights.pkl").open("wb") as file:
        PersistentPickler(file, protocol).dump({"a": [KERNEL]})
    with pytest.raises(WeightsError, match="it refers to other objects"):
        read_pickled_arrays(tmp_path / "weights.pkl")


@pytest.mark.parametrize(
    "array",
    [
        np.array([None, 1], object),
        np.array(["a", "b"]),
        np.array([b"a", b"b"]),
        np.array([True, False]),
        np.array([1j]),
        np.array(["2020-01-01"], "M8[D]"),
        np.zeros(2, [("a", "f4"), ("b", "O")]),
    ],
    ids=lambda array: array.dtype.str,
)
def test_arrays_of_other_things_than_numbers_are_refused(tmp_path, array):
    with pytest.raises(WeightsError, match="another type than numbers"):
        read(tmp_path, {"a": [array]})


OTHER_TREES = {
    "list": [KERNEL],
    "array": KERNEL,
    "none": None,
    "number": 3,
    "text": "text",
    "array for a list": {"a": KERNEL},
    "none for a list": {"a": None},
    "text for a list": {"a": "text"},
    "dictionary for a list": {"a": {"b": [KERNEL]}},
    "nested list": {"a": [[KERNEL]]},
    "number for an array": {"a": [1.5]},
    "numpy number for an array": {"a": [np.float32(1)]},
    "bytes for an array": {"a": [KERNEL, b"bytes"]},
    "type for an array": {"a": [np.dtype(np.float32)]},
    "class for an array": {"a": [np.ndarray]},
    "number for a name": {1: [KERNEL]},
    "bytes for a name": {b"a": [KERNEL]},
    "none for a name": {None: [KERNEL]},
    "other dictionary": OrderedDict(a=[KERNEL]),
}


@pytest.mark.parametrize("tree", OTHER_TREES.values(), ids=OTHER_TREES)
def test_anything_but_a_dictionary_of_lists_of_arrays_is_refused(tmp_path, tree):
    with pytest.raises(WeightsError):
        read(tmp_path, tree)


BROKEN_ARRAYS = {
    "shape too large": forged(shape=(3,)),
    "shape too small": forged(shape=(1,)),
    "no shape": forged(shape=()),
    "huge shape": forged(shape=(10**12,)),
    "shape beyond 64 bits": forged(shape=(10**30,)),
    "shape of floats": forged(shape=(2.0,)),
    "shape of text": forged(shape="ab"),
    "part of a number": forged(data=bytes(7)),
    "no bytes": forged(data=b""),
    "text for bytes": forged(data="text"),
    "list for bytes": forged(data=[1.0, 2.0]),
    "none for bytes": forged(data=None),
    "none for a type": forged(dtype=None),
    "text for a type": forged(dtype="f4"),
    "class for a type": forged(dtype=np.ndarray),
    "type of objects": forged(dtype=np.dtype(object)),
    "no state": Reduced(RECONSTRUCT, (np.ndarray, (0,), b"b")),
    "empty state": Reduced(RECONSTRUCT, (np.ndarray, (0,), b"b"), ()),
    "state of another kind": Reduced(RECONSTRUCT, (np.ndarray, (0,), b"b"), {"value": 3}),
    "huge array made by a call": Reduced(np.ndarray, ((10**12,),)),
    "small array made by a call": Reduced(np.ndarray, ((2,), np.dtype(np.float32))),
}


@pytest.mark.parametrize("array", BROKEN_ARRAYS.values(), ids=BROKEN_ARRAYS)
def test_array_whose_parts_do_not_fit_is_refused_without_taking_memory(tmp_path, traced, array):
    with pytest.raises(WeightsError):
        read(tmp_path, {"a": [array]})
    assert traced() < 2_000_000


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02}r\xff\xff\xff\xff.",
        b"\x80\x02}p999999999999\n.",
        b"\x80\x02}" + b"".join(b"r" + number.to_bytes(4, "little") for number in range(2**31, 2**32, 2**24)) + b".",
    ],
    ids=["LONG_BINPUT", "PUT", "many"],
)
def test_memo_index_reserves_no_memory(tmp_path, traced, content):
    assert read(tmp_path, content) == {}
    assert traced() < 2_000_000


BYTEARRAY8 = b"\x80\x05\x96" + struct.pack("<Q", 2_000_000_000) + b"."
BINBYTES8 = b"\x80\x04\x8e" + struct.pack("<Q", 2_000_000_000) + b"."
FRAME = b"\x80\x04\x95" + struct.pack("<Q", 2_000_000_000) + b"."


@pytest.mark.parametrize("content", [BYTEARRAY8, BINBYTES8, FRAME], ids=["BYTEARRAY8", "BINBYTES8", "FRAME"])
def test_promised_length_reserves_no_memory(tmp_path, traced, content):
    with pytest.raises(WeightsError):
        read(tmp_path, content)
    assert traced() < 1_000_000


def test_many_arrays_over_the_same_bytes_take_their_memory_once(tmp_path, traced):
    data = bytes(100_000)
    arrays = read(tmp_path, {"conv1": [forged((25_000,), data=data) for _ in range(300)]})
    assert len(arrays["conv1"]) == 300
    assert traced() < 3_000_000


@pytest.mark.parametrize("end", [b"K\x01s.", b"\x8c\x01a\x8c\x01bs."], ids=["as a key", "left over"])
def test_tuples_of_tuples_cost_no_time(tmp_path, end):
    """Each level would double the time of hashing or printing them: 2^60 steps."""
    with pytest.raises(WeightsError):
        read(tmp_path, b"\x80\x02})" + b"2\x86" * 60 + end)


@pytest.mark.parametrize("shape", [(-1,), (-2,), None, 2, (2.0,), (True, 2)])
def test_shape_that_does_not_say_a_size_is_refused(tmp_path, shape):
    with pytest.raises(WeightsError):
        read(tmp_path, {"conv1": [forged(shape)]})


def test_no_file_gives_a_state_to_a_function(tmp_path):
    content = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nN}X\x0c\x00\x00\x00__defaults__K\x01\x85s\x86b0}."
    with pytest.raises(WeightsError, match="gives a state"):
        read(tmp_path, content)


@pytest.mark.parametrize("length", [*range(0, len(GOOD), 17), len(GOOD) - 1])
def test_truncated_file_is_refused(tmp_path, length):
    with pytest.raises(WeightsError):
        read(tmp_path, GOOD[:length])


@pytest.mark.parametrize("name", ["missing.pkl", "."])
def test_missing_file_and_folder_are_refused(tmp_path, name):
    with pytest.raises(WeightsError, match=re.escape(str(tmp_path))):
        read_pickled_arrays(tmp_path / name)


def test_error_names_the_file_and_what_it_asks_for(tmp_path):
    with pytest.raises(WeightsError, match=r"\A[^\n]*weights\.pkl: it names builtins\.eval; only arrays are read"):
        read(tmp_path, {"a": Reduced(builtins.eval, ("1",))}, protocol=3)


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """A good file with a few bytes replaced, put in or cut out."""
    content = bytearray(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        content[start : start + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(content)


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=40).map(b"\x80\x04".__add__), damaged_files()))
def test_garbage_is_refused_or_gives_arrays_of_numbers(tmp_path_factory, content):
    try:
        loaded = read(tmp_path_factory.getbasetemp(), content)
    except WeightsError:
        return
    assert all(isinstance(name, str) for name in loaded)
    assert {array.dtype.kind for arrays in loaded.values() for array in arrays} <= set("fiu")
