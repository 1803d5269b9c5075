import io
import json
import os
import pickle
import re
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy
from damaged_files import error_of

from tfgraphs.backbones.readers.weight_files import read_arrays

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, conv1=ARRAY)
    return file.getvalue()


def hdf5() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.attrs["layer_names"] = [b"conv1"]
        root.create_group("conv1").attrs["weight_names"] = [b"conv1/kernel:0"]
        root["conv1/conv1/kernel:0"] = ARRAY
    return file.getvalue()


def keras_archive() -> bytes:
    file, weights = io.BytesIO(), io.BytesIO()
    with h5py.File(weights, "w") as root:
        root.create_group("layers/dense/vars").attrs["name"] = "conv1"
        root["layers/dense/vars/0"] = ARRAY
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", weights.getvalue())
    return file.getvalue()


def zip_of(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return file.getvalue()


KINDS = {
    "safetensors": (safetensors.numpy.save({"conv1": ARRAY}), "conv1"),
    "npz": (npz(), "conv1"),
    "hdf5": (hdf5(), "conv1/kernel"),
    "keras": (keras_archive(), "conv1/kernel"),
}
OTHERS = {
    "empty": b"",
    "one byte": b"\x89",
    "text": b"name: 'VGG'\nlayer {}\n",
    "page": b"<!DOCTYPE html><html><body>Not Found</body></html>",
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    "json": json.dumps({"a": [1, 2]}).encode(),
    "zeros": bytes(5000),
    "ones": b"\xff" * 5000,
    "zip of nothing": zip_of(),
    "zip of other things": zip_of("a.txt", "b/c.npy"),
    "two pickles": zip_of("a/data.pkl", "b/data.pkl"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["weights", "weights.npz", "weights.pth", "weights.safetensors.h5"])
def test_a_file_is_known_by_its_content_and_not_by_its_name(tmp_path, kind, name):
    content, array = KINDS[kind]
    (tmp_path / name).write_bytes(content)
    arrays = read_arrays(tmp_path / name)
    assert list(arrays) == [array]
    np.testing.assert_array_equal(arrays[array], ARRAY)


@pytest.mark.parametrize("kind", OTHERS)
def test_other_files_are_refused(tmp_path, kind):
    named = {"empty": "it is empty", "page": "a web page", "pointer": "a pointer of Git LFS"}
    assert re.search(named.get(kind, "known kind|zip archive"), error_of(tmp_path / "f", OTHERS[kind]))


def saved_array() -> bytes:
    file = io.BytesIO()
    np.save(file, ARRAY)
    return file.getvalue()


@pytest.mark.parametrize("content", [saved_array(), pickle.dumps({"a": [ARRAY]})], ids=["npy", "pickle"])
def test_pickles_and_arrays_without_names_are_refused_with_advice(tmp_path, content):
    assert error_of(tmp_path / "f", content).endswith("save the arrays with numpy.savez as .npz")


def test_arrays_may_be_none(tmp_path):
    assert "holds no arrays" in error_of(tmp_path / "f", safetensors.numpy.save({}))


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_cannot_be_read_is_named(tmp_path, name):
    assert error_of(tmp_path / name).startswith(f"cannot read {tmp_path / name}")


def test_errors_stay_short_whatever_a_file_says(tmp_path):
    text = error_of(tmp_path / "f", zip_of("x\n" * 5000 + ".npy"))
    assert len(text) < 200


def test_endless_files_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    for path in (tmp_path / "pipe", tmp_path / "sparse", Path("/dev/zero")):
        assert re.search("it is a pipe, a device|stores next to none", error_of(path))
