"""Reads weight files of all kinds, which are recognised by their first bytes, as arrays by name."""

import io
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfgraphs.backbones.readers import caffe_file, hdf5, keras_file, onnx_file, torch_file
from tfgraphs.backbones.readers.archive import Archive
from tfgraphs.backbones.readers.weights import NamedArrays, WeightsError, as_numbers, reading, unwrapped
from tfgraphs.extras import install_extra
from tfgraphs.files.contents import HEAD, ONNX, describe_content

Reader = Callable[[Path], dict[str, np.ndarray]]

_PICKLES = (b"\x93NUMPY", *(b"\x80%c" % protocol for protocol in range(2, 6)))
_NUMPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_LARGEST_HEADER = 100_000_000  # bytes of JSON, as in the library of safetensors
_SAFETENSORS = {  # names of types there and in NumPy
    "BF16": "bfloat16",
    "BOOL": "bool",
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}


def read_arrays(path: Path) -> NamedArrays:
    """Reads a file of weights.

    - safetensors, and checkpoints of PyTorch (.pth, .pt, .ckpt): by the names that the network has for them,
      "layer1.0.conv1.weight", see `torch_file.state_dict` and `unwrapped`;
    - .caffemodel: "conv1/0", "conv1/1";
    - .onnx: as PyTorch called them, "features.0.weight", or as Keras does, see `tf2onnx_names`;
    - .npz: by their names;
    - .h5, .weights.h5 and .keras of Keras: "conv1_conv/kernel", "conv1_bn/moving_mean".

    Nothing in a file is run, and the arrays take no more memory than its size makes plausible. They may be read-only
    and share memory.

    Args:
        path: the file. Its suffix does not matter.

    Raises:
        WeightsError: the file cannot be read, is of another kind, or is damaged.
    """
    with reading(path):
        arrays = _reader(path)(path)
    if not arrays:
        raise WeightsError(f"{path} holds no arrays")
    return unwrapped(arrays, path.stem)


def _reader(path: Path) -> Reader:
    with path.open("rb") as file:
        beginning = file.read(HEAD)
    for signature, reader in _SIGNATURES.items():
        if beginning.startswith(signature):
            return reader
    if beginning.startswith(_PICKLES):
        raise WeightsError("it is a pickle, or an array without a name: save the arrays with numpy.savez as .npz")
    if beginning[8:9] == b"{" and int.from_bytes(beginning[:8], "little") <= _LARGEST_HEADER:
        return _read_safetensors
    if (found := describe_content(beginning)) and found != ONNX:
        raise WeightsError(f"it is no file of weights: it is {found}")
    return _read_protocol_buffer  # has no signature


def _read_protocol_buffer(path: Path) -> dict[str, np.ndarray]:
    """Reads a model of ONNX or a network of Caffe."""
    content = path.read_bytes()
    arrays = onnx_file.read(content)
    return caffe_file.read(content) if arrays is None else arrays


def _read_zip(path: Path) -> dict[str, np.ndarray]:
    """Reads a zip archive of Keras, NumPy or PyTorch."""
    with Archive(path) as archive:
        names = archive.names
        if names and all(name.endswith(".npy") for name in names):
            return {name.removesuffix(".npy"): _numpy_array(name, archive.read(name)) for name in names}
        if keras_file.ARCHIVED in names:
            return keras_file.read_opened(io.BytesIO(archive.read(keras_file.ARCHIVED)))
    return torch_file.read_zip(path)


def _numpy_array(name: str, content: bytes) -> np.ndarray:
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in _NUMPY_HEADERS:
        raise WeightsError(
            f"its member {name!r} has a header of version {version[0]}.{version[1]}; 1.0 and 2.0 are read"
        )
    shape, fortran_order, dtype = _NUMPY_HEADERS[version](file)
    if dtype.kind not in "biuf":
        raise WeightsError(f"its member {name!r} holds something else than numbers")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise WeightsError(f"its member {name!r} is not as long as its header says")
    flat = np.frombuffer(content, dtype, offset=file.tell())
    array = flat.reshape(shape, order="F" if fortran_order else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        import safetensors
    except ImportError as error:
        raise WeightsError(f"safetensors is not installed: {install_extra('weights')}") from error
    try:
        tensors = dict(safetensors.deserialize(path.read_bytes()))
    except safetensors.SafetensorError as error:
        raise WeightsError(f"it is a damaged safetensors file ({error})") from error
    return {
        name: as_numbers(tensor["data"], np.dtype(_SAFETENSORS[tensor["dtype"]])).reshape(tensor["shape"])
        for name, tensor in sorted(tensors.items())  # the library gives them in another order each time
        if tensor["dtype"] in _SAFETENSORS  # no network here needs others
    }


_SIGNATURES: dict[bytes, Reader] = {
    hdf5.BEGINNING: keras_file.read_hdf5,
    b"PK": _read_zip,
    torch_file.LEGACY_BEGINNING: torch_file.read_legacy,
}
