"""Reads weight files of all kinds, which are recognised by their first bytes, as arrays by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfgraphs.backbones.readers import caffe_file, hdf5, keras_file, numpy_file, safetensors_file, torch_file
from tfgraphs.backbones.readers.archive import Archive
from tfgraphs.backbones.readers.weights import WeightsError, reading
from tfgraphs.files.trust import check_regular_file

Reader = Callable[[Path], dict[str, np.ndarray]]

_BEGINNING = 32  # bytes by which kinds are recognised
_PICKLES = (b"\x93NUMPY", *(b"\x80%c" % protocol for protocol in range(2, 6)))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads a file of weights.

    - safetensors, and state dicts of PyTorch (.pth, .pt): by their names, "layer1.0.conv1.weight";
    - .caffemodel: "conv1/0", "conv1/1";
    - .npz: by their names;
    - .h5, .weights.h5 and .keras of Keras: "conv1_conv/kernel", "conv1_bn/moving_mean".

    Nothing in a file is run, and the arrays take no more memory than its size makes plausible. They may be read-only
    and share memory.

    Args:
        path: the file. Its suffix does not matter.

    Raises:
        WeightsError: the file cannot be read, is of another kind, or is damaged.
    """
    check_regular_file(path, WeightsError)
    with reading(path):
        arrays = _reader(path)(path)
    if not arrays:
        raise WeightsError(f"{path} holds no arrays")
    return arrays


def _reader(path: Path) -> Reader:
    """Returns the reader for a file."""
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING)
    for signature, reader in _SIGNATURES.items():
        if beginning.startswith(signature):
            return reader
    if beginning.startswith(_PICKLES):
        raise WeightsError("it is a pickle, or an array without a name: save the arrays with numpy.savez as .npz")
    if beginning[8:9] == b"{" and int.from_bytes(beginning[:8], "little") <= safetensors_file.LARGEST_HEADER:
        return safetensors_file.read
    return caffe_file.read  # has no signature


def _read_zip(path: Path) -> dict[str, np.ndarray]:
    """Reads a zip archive of Keras, NumPy or PyTorch."""
    with Archive(path) as archive:
        names = archive.names
    if keras_file.ARCHIVED in names:
        return keras_file.read_archive(path)
    if names and all(name.endswith(".npy") for name in names):
        return numpy_file.read_npz(path)
    return torch_file.read_zip(path)


_SIGNATURES: dict[bytes, Reader] = {
    hdf5.BEGINNING: keras_file.read_hdf5,
    b"PK": _read_zip,
    torch_file.LEGACY_BEGINNING: torch_file.read_legacy,
}
