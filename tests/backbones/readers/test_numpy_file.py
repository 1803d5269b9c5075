import builtins
import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from damaged_files import at_most, damaged, error_of, read_harmlessly
from hypothesis import given

from tfgraphs.backbones.readers.weight_files import read_arrays
from tfgraphs.backbones.readers.weights import WeightsError, read_pickled_arrays

KERNEL = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
TREE = {"conv1": [KERNEL, KERNEL[0, 0]], "fc6": [KERNEL[0]]}
RECONSTRUCT = np.zeros(1).__reduce__()[0]


class Reduced:
    """Pickled as the call of a function, with an optional state."""

    def __init__(self, call: Callable, arguments: tuple, *state: object) -> None:
        self.reduced = (call, arguments, *state)

    def __reduce__(self) -> tuple:
        return self.reduced


class Python2Pickler(pickle._Pickler):
    """Writes texts and bytes as Python 2 does, which does not tell them apart."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_text(self, value: str | bytes) -> None:
        data = value.encode("latin1") if isinstance(value, str) else value
        if len(data) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(value)

    dispatch[str] = save_text
    dispatch[bytes] = save_text


def pickled(tree: object, writer: str = "4") -> bytes:
    """A pickle of Python 2, or of Python 3 in the protocol named."""
    if writer != "python 2":
        return pickle.dumps(tree, protocol=int(writer))
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(tree)
    return file.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def object_npy(tree: object, writer: str = "4") -> bytes:
    """A .npy file with one object, as numpy.save writes it."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
    return file.getvalue() + pickled(np.array(tree, dtype=object), writer)


def saved(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def compressed(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def read(folder, content):
    (folder / "weights").write_bytes(content)
    return read_arrays(folder / "weights")


def test_what_numpy_saves_is_read(tmp_path):
    np.save(tmp_path / "vgg16.npy", TREE, allow_pickle=True)
    arrays = read_arrays(tmp_path / "vgg16.npy")
    assert list(arrays) == ["conv1/0", "conv1/1", "fc6/0"]
    np.testing.assert_array_equal(arrays["conv1/0"], KERNEL)


@pytest.mark.parametrize("form", [object_npy, pickled])
@pytest.mark.parametrize("writer", ["python 2", "2", "3", "4"])
@pytest.mark.parametrize(
    "array",
    [KERNEL, np.asfortranarray(KERNEL), KERNEL.astype(">f8"), np.arange(300, dtype=np.uint8), np.ones((2, 1), "f2")],
    ids=lambda array: f"{array.dtype.str}-{array.strides}",
)
def test_arrays_round_trip(tmp_path, form, writer, array):
    arrays = read(tmp_path, form({"conv1": [array, array[:1]], "fc": [array]}, writer))
    assert list(arrays) == ["conv1/0", "conv1/1", "fc/0"]
    assert arrays["fc/0"].dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(arrays["fc/0"], array)
    np.testing.assert_array_equal(arrays["conv1/1"], array[:1])


@pytest.mark.parametrize("writer", ["python 2", "4"])
def test_dictionaries_within_are_named_by_blob(tmp_path, writer):
    tree = {"conv1": {"weights": KERNEL, "biases": KERNEL[0]}, "bn1": {"mean": KERNEL[1]}, "scale": KERNEL[1, 0]}
    assert list(read(tmp_path, object_npy(tree, writer))) == ["conv1/0", "conv1/1", "bn1/mean", "scale"]


@pytest.mark.parametrize("form", [saved, compressed])
@pytest.mark.parametrize(
    "array",
    [KERNEL, np.asfortranarray(KERNEL), KERNEL.astype(">f4"), KERNEL.astype("f2"), np.array(3), KERNEL > 0],
    ids=lambda array: f"{array.dtype.str}-{array.strides}",
)
def test_archives_round_trip(tmp_path, form, array):
    arrays = read(tmp_path, form(**{"layer1.0.weight": array, "zeros": np.zeros((100, 100))}))
    assert list(arrays) == ["layer1.0.weight", "zeros"]
    assert arrays["layer1.0.weight"].dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(arrays["layer1.0.weight"], array)


def array_of(data: object, dtype: str = "f4", size: int = 1) -> Reduced:
    """Pickled like an array, whatever its data are."""
    return Reduced(RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, (size,), np.dtype(dtype), False, data))


COMMANDS = {
    "os.system": lambda trace: Reduced(os.system, (f"touch '{trace}'",)),
    "eval": lambda trace: Reduced(builtins.eval, (f"open({trace!r}, 'w').close()",)),
    "numpy.save": lambda trace: Reduced(np.save, (trace, 1)),
    "codecs": lambda trace: Reduced(io.open, (trace, "w")),
}
PLACES = {
    "whole": lambda call: call,
    "name": lambda call: {call: [KERNEL]},
    "layer": lambda call: {"a": call},
    "in a list": lambda call: {"a": [KERNEL, call]},
    "data": lambda call: {"a": [array_of(call)]},
}


@pytest.mark.parametrize("form", [object_npy, pickled])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("writer", ["python 2", "2", "4"])
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_in_the_file_is_executed(tmp_path, form, command, writer, place):
    trace = tmp_path / "trace.npy"
    text = error_of(tmp_path / "f", form(PLACES[place](COMMANDS[command](str(trace))), writer))
    assert "only arrays are read" in text
    assert not trace.exists()


def test_text_is_encoded_for_arrays_only(tmp_path):
    for arguments in (("a", "rot13"), (b"a", "latin1"), (3, "latin1")):
        content = pickle.dumps({"a": [Reduced(pickle.codecs.encode, arguments)]}, protocol=2)
        assert "_codecs.encode" in error_of(tmp_path / "f", content)


OTHERS = {
    "one array": lambda: np_bytes(KERNEL),
    "texts": lambda: np_bytes(np.array(["a"])),
    "list": lambda: object_npy([TREE, TREE]),
    "none": lambda: object_npy(None),
    "number for an array": lambda: object_npy({"a": [1]}),
    "objects within": lambda: object_npy({"a": [np.array([None, 1])]}),
    "number for a name": lambda: object_npy({1: [KERNEL]}),
    "one name twice": lambda: object_npy({"a": [KERNEL], "a/0": KERNEL}),
    "objects in an archive": lambda: saved(a=np.array([None, 1])),
    "texts in an archive": lambda: saved(a=np.array(["x"])),
    "newer header": lambda: b"\x93NUMPY\x03\x00" + object_npy(TREE)[8:],
    "huge header": lambda: b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + object_npy(TREE)[10:],
}


def np_bytes(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:.*header parsing")
@pytest.mark.parametrize("kind", OTHERS)
def test_other_contents_are_refused_in_one_line(tmp_path, kind):
    with at_most():
        assert error_of(tmp_path / "f", OTHERS[kind]())


@pytest.mark.parametrize("shape", [(10**12,), (3, 10**10), (-1,), (2,), (0,)])
def test_a_shape_that_its_bytes_do_not_fill_takes_no_memory(tmp_path, shape):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.npy", header.getvalue() + bytes(4))
    with at_most(2 * 10**6):
        assert "'a.npy' is not as long as its header says" in error_of(tmp_path / "f", content.getvalue())


def nested(levels: int) -> bytes:
    """Tuples in tuples, each of which would double the time of hashing them."""
    return b")" + b"2\x86" * levels


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04(" + nested(60) + b"\x91.",
        b"\x80\x04\x8f(" + nested(60) + b"\x90.",
        b"\x80\x02(" + nested(60) + b"K\x01d.",
        b"\x80\x02}" + nested(60) + b"K\x01s.",
        b"\x80\x02}(" + nested(60) + b"K\x01u.",
    ],
    ids=["FROZENSET", "ADDITEMS", "DICT", "SETITEM", "SETITEMS"],
)
@pytest.mark.parametrize("reader", [read_arrays, read_pickled_arrays])
def test_hashing_takes_no_time(tmp_path, content, reader):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(WeightsError):
        reader(tmp_path / "f")


@pytest.mark.parametrize("reader", [read_arrays, read_pickled_arrays])
def test_many_arrays_over_the_same_foreign_bytes_take_no_memory(tmp_path, reader):
    data = bytes(400_000)
    arrays = [array_of(data, ">f4", 100_000) for _ in range(1000)]
    (tmp_path / "f").write_bytes(pickle.dumps({"a": arrays}))
    with at_most(10**7), pytest.raises(WeightsError, match="share bytes"):
        reader(tmp_path / "f")


def test_text_that_stands_for_many_bytes_is_encoded_once(tmp_path):
    text = "a" * 400_000
    data = [Reduced(pickle.codecs.encode, (text, "latin1")) for _ in range(1000)]
    with at_most(10**7):
        error_of(tmp_path / "f", pickle.dumps({"a": data}, protocol=2))


@given(
    content=damaged(
        object_npy(TREE), object_npy(TREE, "python 2"), pickled(TREE, "2"), saved(**{"a": KERNEL}), compressed(a=KERNEL)
    )
)
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_do_no_harm(tmp_path_factory, content):
    read_harmlessly(tmp_path_factory.getbasetemp() / "numpy", content)
