"""Archives of arrays that numpy saves (.npz)."""

import io
import math
from pathlib import Path

import numpy as np

from tfgraphs.backbones.readers.archive import Archive
from tfgraphs.backbones.readers.weights import WeightsError

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Reads the arrays of a .npz file by name.

    Raises:
        WeightsError: it holds something else than arrays of numbers, or is damaged.
    """
    with Archive(path) as archive:
        return {name.removesuffix(".npy"): _array(name, archive.read(name)) for name in archive.names}


def _array(name: str, content: bytes) -> np.ndarray:
    """Returns the array in a .npy file."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise WeightsError(
            f"its member {name!r} has a header of version {version[0]}.{version[1]}; 1.0 and 2.0 are read"
        )
    shape, fortran_order, dtype = _HEADERS[version](file)
    if dtype.kind not in "biuf":
        raise WeightsError(f"its member {name!r} holds something else than numbers")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise WeightsError(f"its member {name!r} is not as long as its header says")
    flat = np.frombuffer(content, dtype, offset=file.tell())
    array = flat.reshape(shape, order="F" if fortran_order else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)
