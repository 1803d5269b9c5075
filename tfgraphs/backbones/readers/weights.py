"""Arrays of weights: the errors of their files, and checks of what a network takes from them."""

import contextlib
import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import ml_dtypes  # gives NumPy the type bfloat16
import numpy as np

from tfgraphs.errors import TfgraphsError, summary
from tfgraphs.files.trust import check_regular_file

_KERAS = ("/gamma", "/beta", "/moving_mean", "/moving_variance")
_TORCH = (".weight", ".bias", ".running_mean", ".running_var")
_KERAS_EPSILON, _TORCH_EPSILON = 1.001e-5, 1e-5
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


class NamedArrays(dict[str, np.ndarray]):
    """Arrays by the names that a network has for them.

    Attributes:
        prefix: what the names in the file begin with besides.
        source: the name of the file, without its suffix.
    """

    prefix = source = ""


_WRAPPERS = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.")


def unwrapped(arrays: Mapping[str, np.ndarray], source: str = "") -> NamedArrays:
    """Returns the arrays of a checkpoint without the prefixes of programs for training, if all have one.

    Counters, which such programs add ("n_averaged"), are no arrays of the network.
    """
    found, prefix = NamedArrays(arrays), ""
    found.source = source
    names = [name for name, array in arrays.items() if array.ndim]
    while wrapper := next((one for one in _WRAPPERS if names and all(name.startswith(one) for name in names)), None):
        names = [name.removeprefix(wrapper) for name in names]
        prefix += wrapper
    return within(found, prefix)


def within(arrays: NamedArrays, prefix: str) -> NamedArrays:
    """Returns those arrays whose names begin with a prefix, without it."""
    if not prefix:
        return arrays
    inner = NamedArrays({name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)})
    inner.prefix, inner.source = arrays.prefix + prefix, arrays.source
    return inner


def fitted(arrays: Mapping[str, np.ndarray], *names: str) -> NamedArrays | None:
    """Returns arrays by the names that a network has, of which `names` are some; None if they are not there.

    They may be a part of the file, "backbone.conv1.weight"; an average over the steps of training is preferred, "ema.".
    """
    ends = [name.removesuffix(names[0]) for name in arrays if name.endswith(names[0])]
    prefixes = [end for end in ends if end[-1:] in ("", ".") and all(end + name in arrays for name in names)]
    if not prefixes:
        return None
    named = arrays if isinstance(arrays, NamedArrays) else NamedArrays(arrays)
    return within(named, min(prefixes, key=lambda prefix: ("ema" not in re.split(r"[._]", prefix), len(prefix))))


def unknown_names(arrays: Mapping[str, np.ndarray], network: str, *expected: str) -> WeightsError:
    """Returns the error for a file whose arrays have none of the names that a network may have for them."""
    first = ", ".join(getattr(arrays, "prefix", "") + name for name in itertools.islice(arrays, 3))
    lacking = f"neither {' nor '.join(expected)}" if len(expected) > 1 else f"not {expected[0]}"
    return WeightsError(
        f"it holds {len(arrays)} arrays, {first} ..., but {lacking}: these are not the weights of {network}"
    )


def classes_of(arrays: Mapping[str, np.ndarray], name: str, axis: int, usual: int = 1000) -> int:
    """Returns the number of classes by the matrix of the last layer, whose shape is checked when it is taken."""
    matrix = arrays.get(name)
    return usual if matrix is None or matrix.ndim < 2 else matrix.shape[axis]


def as_numbers(content: bytes | memoryview, dtype: np.dtype, order: str = "<") -> np.ndarray:
    """Returns stored numbers in native byte order; float16 and bfloat16 become float32, bytes of truth values bool."""
    stored = np.frombuffer(content, f"{order}u{dtype.itemsize}")
    if dtype.kind == "b":
        return stored != 0
    numbers = stored.astype(stored.dtype.newbyteorder("="), copy=False).view(dtype)
    return numbers.astype(np.float32) if dtype in _HALVES else numbers


def take(arrays: Mapping[str, np.ndarray], network: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the array of a name as float32; `network` is for errors, which give the name that the file has.

    Raises:
        WeightsError: it is missing, has another shape, or holds numbers that are not finite.
    """
    own_name = getattr(arrays, "prefix", "") + name
    if name not in arrays:
        raise WeightsError(f"{own_name} is missing: these are not the weights of {network}")
    array = arrays[name]
    if array.shape != shape:
        other = [(one, right) for one, right in zip(array.shape, shape, strict=False) if one != right]
        if len(array.shape) == 4 and [right for _, right in other] == [3] and other[0][0] <= 4:
            advice = "; repeat it three times and divide it by 3" if other[0][0] == 1 else ""
            number = f"{other[0][0]} channel{'s' * (other[0][0] > 1)}"
            raise WeightsError(f"{own_name} takes pictures of {number}, but {network} those of 3 (RGB){advice}")
        found, expected = " x ".join(map(str, array.shape)), " x ".join(map(str, shape))
        raise WeightsError(f"{own_name} is {found} and not {expected}: these are not the weights of {network}")
    array = np.asarray(array, np.float32)
    if not np.isfinite(array).all():
        raise WeightsError(f"{own_name} holds numbers that are not finite: the weights of {network} are damaged")
    return array


def fold_normalization(
    arrays: Mapping[str, np.ndarray],
    network: str,
    name: str,
    kernel: np.ndarray,
    bias: np.ndarray,
    by_keras: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns kernel and bias of (w * x + b - mean) * gamma / sqrt(variance + epsilon) + beta.

    Args:
        arrays: those of `name`, the normalization, as Keras or PyTorch calls them.
        network: for errors.
        name: "" for none.
        kernel: [height, width, channels in, channels out].
        bias: [channels out].
        by_keras: whose names and epsilon.
    """
    if not name:
        return kernel, bias
    parts, epsilon = (_KERAS, _KERAS_EPSILON) if by_keras else (_TORCH, _TORCH_EPSILON)
    gamma, beta, mean, variance = (take(arrays, network, name + part, bias.shape) for part in parts)
    if (variance < 0).any():
        raise WeightsError(f"{name}{parts[-1]} of {network} is below 0: the file is damaged")
    scale = gamma / np.sqrt(variance + epsilon)
    return kernel * scale, (bias - mean) * scale + beta
