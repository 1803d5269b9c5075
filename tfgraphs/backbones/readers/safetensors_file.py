"""Reads safetensors files."""

from pathlib import Path

import numpy as np

from tfgraphs.backbones.readers.weights import WeightsError

LARGEST_HEADER = 100_000_000  # bytes, as in the library

_NUMBERS = {
    "BF16": "<u2",
    "BOOL": "?",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "I8": "i1",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
}


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads a safetensors file. float16 and bfloat16 become float32.

    Raises:
        WeightsError: it is damaged, or holds numbers of another type; or the library is missing.
    """
    try:
        import safetensors
    except ImportError as error:
        raise WeightsError("safetensors is not installed: pip install 'tfgraphs[weights]' brings it") from error
    content = path.read_bytes()
    try:
        tensors = safetensors.deserialize(content)
    except safetensors.SafetensorError as error:
        raise WeightsError(f"it is a damaged safetensors file ({error})") from error
    return {name: _array(name, tensor["dtype"], tensor["shape"], tensor["data"]) for name, tensor in tensors}


def _array(name: str, kind: str, shape: list[int], data: bytes) -> np.ndarray:
    if kind not in _NUMBERS:
        raise WeightsError(f"{name!r} holds numbers of the type {kind}, which is not read")
    numbers = np.frombuffer(data, _NUMBERS[kind]).reshape(shape)
    if kind == "BF16":
        return (numbers.astype(np.uint32) << 16).view(np.float32)  # the upper half of a float32
    dtype = np.dtype(np.float32) if kind == "F16" else numbers.dtype.newbyteorder("=")
    return numbers.astype(dtype, copy=False)
