import json
import struct
import sys

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from damaged_files import at_most, damaged, error_of, read_harmlessly
from hypothesis import given

from tfgraphs.backbones.readers.weight_files import read_arrays
from tfgraphs.extras import install_extra

ARRAY = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
GOOD = safetensors.numpy.save({"conv1.weight": ARRAY, "count": np.array(7), "half": ARRAY.astype(np.float16)})


def file_of(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(kind: str, shape: list[int], first: int, last: int) -> dict[str, object]:
    return {"dtype": kind, "shape": shape, "data_offsets": [first, last]}


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"])
def test_arrays_are_read_as_they_were_written(tmp_path, dtype):
    array = (ARRAY * 50).astype(dtype)
    path = tmp_path / "weights.safetensors"
    safetensors.numpy.save_file(
        {"a.b": array, "none": array[:0], "one": np.array(array[0, 0, 0])}, path, {"format": "np"}
    )
    arrays = read_arrays(path)
    assert arrays["a.b"].dtype == array.dtype
    np.testing.assert_array_equal(arrays["a.b"], array)
    assert arrays["none"].shape == (0, 3, 4)
    assert arrays["one"].shape == ()


def test_half_precision_becomes_float32(tmp_path):
    short = ARRAY.astype(ml_dtypes.bfloat16)
    content = file_of(
        {"f": entry("F16", [2, 3, 4], 0, 48), "b": entry("BF16", [2, 3, 4], 48, 96)},
        ARRAY.astype("<f2").tobytes() + short.tobytes(),
    )
    (tmp_path / "f").write_bytes(content)
    arrays = read_arrays(tmp_path / "f")
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(arrays["f"], ARRAY.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(arrays["b"], short.astype(np.float32))


NONSENSE = {
    "no json": file_of(b"{" + b"x" * 50),
    "list": file_of([1, 2]),
    "length beyond the file": file_of({"a": entry("F32", [1], 0, 4)}, bytes(4), length=10**6),
    "huge length": file_of({"a": entry("F32", [1], 0, 4)}, bytes(4), length=2**63),
    "data missing": file_of({"a": entry("F32", [10**12], 0, 4 * 10**12)}, bytes(4)),
    "data left over": file_of({"a": entry("F32", [1], 0, 4)}, bytes(8)),
    "shape too large": file_of({"a": entry("F32", [2], 0, 4)}, bytes(4)),
    "overlap": file_of({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 0, 4)}, bytes(4)),
    "backwards": file_of({"a": entry("F32", [1], 4, 0)}, bytes(4)),
    "negative": file_of({"a": entry("F32", [-1], 0, 4)}, bytes(4)),
    "unknown type": file_of({"a": entry("F31", [1], 0, 4)}, bytes(4)),
    "type that is not read": file_of({"a": entry("F8_E4M3", [4], 0, 4)}, bytes(4)),
    "deep": file_of(b"{" + b'"a":{' * 20000 + b"}" * 20001),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_a_nonsensical_header_is_refused_in_one_line(tmp_path, kind):
    with at_most():
        assert error_of(tmp_path / "f", NONSENSE[kind])


@pytest.mark.parametrize("length", [*range(9, len(GOOD), 23), len(GOOD) - 1])
def test_a_truncated_file_is_refused(tmp_path, length):
    assert error_of(tmp_path / "f", GOOD[:length])


def test_without_the_library_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    assert install_extra("weights") in error_of(tmp_path / "f", GOOD)


@given(content=damaged(GOOD))
def test_damaged_files_do_no_harm(tmp_path_factory, content):
    read_harmlessly(tmp_path_factory.getbasetemp() / "safetensors", content)
