"""Arrays of weights: the errors of their files, and checks of what a network takes from them."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import ml_dtypes  # gives NumPy the type bfloat16
import numpy as np

from tfgraphs.errors import TfgraphsError, summary
from tfgraphs.files.trust import check_regular_file

_HALVES = (np.float16, ml_dtypes.bfloat16)


class WeightsError(TfgraphsError):
    """A file of weights is damaged, or not for this network."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[int]:
    """Gives the size of a regular file, and turns what goes wrong in the block into WeightsErrors that name the file.

    Raises:
        WeightsError: an error of any kind: what a damaged file raises where it is parsed cannot be foreseen.
        TrustError: as it is.
    """
    size = check_regular_file(path, WeightsError)
    try:
        yield size
    except WeightsError as error:
        raise WeightsError(f"{path}: {summary(error)}") from error
    except TfgraphsError:
        raise
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {summary(error)}") from error
    except Exception as error:
        raise WeightsError(f"{path} is damaged ({summary(error)})") from error


def as_numbers(content: bytes | memoryview, dtype: np.dtype, order: str = "<") -> np.ndarray:
    """Returns stored numbers in native byte order; float16 and bfloat16 become float32, bytes of truth values bool."""
    stored = np.frombuffer(content, f"{order}u{dtype.itemsize}")
    if dtype.kind == "b":
        return stored != 0
    numbers = stored.astype(stored.dtype.newbyteorder("="), copy=False).view(dtype)
    return numbers.astype(np.float32) if dtype in _HALVES else numbers


def take(arrays: Mapping[str, np.ndarray], network: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the array of a name as float32; `network` is for errors.

    Raises:
        WeightsError: it is missing, has another shape, or holds numbers that are not finite.
    """
    if name not in arrays:
        raise WeightsError(f"{name} is missing: these are not the weights of {network}")
    array = arrays[name]
    if array.shape != shape:
        found, expected = " x ".join(map(str, array.shape)), " x ".join(map(str, shape))
        raise WeightsError(f"{name} is {found} and not {expected}: these are not the weights of {network}")
    array = np.asarray(array, np.float32)
    if not np.isfinite(array).all():
        raise WeightsError(f"{name} holds numbers that are not finite: the weights of {network} are damaged")
    return array
