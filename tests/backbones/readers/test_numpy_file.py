import io
import struct
import zipfile

import numpy as np
import pytest
from damaged_files import at_most, damaged, error_of, read_harmlessly
from hypothesis import given

from tfgraphs.backbones.readers.weight_files import read_arrays

KERNEL = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)


def saved(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def compressed(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def archive_of(content: bytes) -> bytes:
    """An archive with one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", content)
    return file.getvalue()


@pytest.mark.parametrize("form", [saved, compressed])
@pytest.mark.parametrize(
    "array",
    [KERNEL, np.asfortranarray(KERNEL), KERNEL.astype(">f4"), KERNEL.astype("f2"), np.array(3), KERNEL > 0],
    ids=lambda array: f"{array.dtype.str}-{array.strides}",
)
def test_archives_round_trip(tmp_path, form, array):
    (tmp_path / "f").write_bytes(form(**{"layer1.0.weight": array, "zeros": np.zeros((100, 100))}))
    arrays = read_arrays(tmp_path / "f")
    assert list(arrays) == ["layer1.0.weight", "zeros"]
    assert arrays["layer1.0.weight"].dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(arrays["layer1.0.weight"], array)


OTHERS = {
    "objects": (saved(a=np.array([None, 1])), "something else than numbers"),
    "texts": (saved(a=np.array(["x"])), "something else than numbers"),
    "newer header": (archive_of(b"\x93NUMPY\x03\x00" + bytes(100)), "a header of version 3.0"),
    "huge header": (archive_of(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + bytes(100)), "is damaged"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_contents_are_refused_in_one_line(tmp_path, kind):
    content, found = OTHERS[kind]
    (tmp_path / "f").write_bytes(content)
    with at_most():
        assert found in error_of(tmp_path / "f")


@pytest.mark.parametrize("shape", [(10**12,), (3, 10**10), (-1,), (2,), (0,)])
def test_a_shape_that_its_bytes_do_not_fill_takes_no_memory(tmp_path, shape):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with at_most(2 * 10**6):
        content = archive_of(header.getvalue() + bytes(4))
        assert "'a.npy' is not as long as its header says" in error_of(tmp_path / "f", content)


@given(content=damaged(saved(**{"a": KERNEL}), compressed(a=KERNEL)))
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_do_no_harm(tmp_path_factory, content):
    read_harmlessly(tmp_path_factory.getbasetemp() / "numpy", content)
