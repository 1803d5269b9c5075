"""Weight files of others, told apart by what they begin with, as arrays by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfgraphs.backbones.readers import caffe_file, hdf5, keras_file, numpy_file, safetensors_file, torch_file
from tfgraphs.backbones.readers.archive import Archive
from tfgraphs.backbones.readers.weights import WeightsError, reading
from tfgraphs.files.trust import check_regular_file

Reader = Callable[[Path], dict[str, np.ndarray]]

_BEGINNING = 32  # bytes that tell the kinds apart
_PICKLES = (b"\x93NUMPY", *(b"\x80%c" % protocol for protocol in range(2, 6)))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads a file of weights.

    - safetensors, and state dicts of PyTorch (.pth, .pt): by their names, "layer1.0.conv1.weight";
    - .caffemodel: "conv1/0", "conv1/1";
    - .npz: by their names;
    - .h5, .weights.h5 and .keras of Keras: "conv1_conv/kernel", "conv1_bn/moving_mean".

    Nothing in a file is run, and the arrays take no more memory than what it holds makes plausible. They may be
    read-only and share memory.

    Args:
        path: the file, whatever its name ends with.

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
    """What reads a file that begins as this one does."""
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING)
    for mark, reader in _MARKS.items():
        if beginning.startswith(mark):
            return reader
    if beginning.startswith(_PICKLES):
        raise WeightsError("it is a pickle, or an array without a name: save the arrays with numpy.savez as .npz")
    if beginning[8:9] == b"{" and int.from_bytes(beginning[:8], "little") <= safetensors_file.LARGEST_HEADER:
        return safetensors_file.read
    return caffe_file.read  # the only one without a mark


def _read_zip(path: Path) -> dict[str, np.ndarray]:
    """Reads one of the kinds that are zip archives."""
    with Archive(path) as archive:
        names = archive.names
    if keras_file.ARCHIVED in names:
        return keras_file.read_archive(path)
    if names and all(name.endswith(".npy") for name in names):
        return numpy_file.read_npz(path)
    return torch_file.read_zip(path)


_MARKS: dict[bytes, Reader] = {
    hdf5.BEGINNING: keras_file.read_hdf5,
    b"PK": _read_zip,
    torch_file.LEGACY_BEGINNING: torch_file.read_legacy,
}
