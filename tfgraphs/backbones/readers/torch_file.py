"""Reads checkpoints of PyTorch (.pth, .pt, .ckpt) without PyTorch and without running anything that they contain.

Since version 1.6 such a file is a zip archive: `data.pkl` is a pickle whose tensors refer to storages, each a member
`data/KEY` of plain numbers. Before, it was five pickles, then the storages.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfgraphs.backbones.readers.archive import Archive
from tfgraphs.backbones.readers.torch_pickle import Other, PickleFile, Tensor, Unpickler
from tfgraphs.backbones.readers.weights import WeightsError

LEGACY_BEGINNING = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the pickled magic number
_LEGACY_VERSION = 1001
_LARGEST_PICKLE = 16 * 2**20  # bytes; a thousand tensors take a hundredth of it
_NODES = 100_000  # parts of a checkpoint among which tensors are looked for
_DEEPEST = 32  # parts within parts
_AVERAGED = re.compile(r"(^|_)ema(_|$)")
_CHILDREN = "_parameters", "_buffers", "_modules"


def read_zip(path: Path) -> dict[str, np.ndarray]:
    """Reads the `state_dict` of a checkpoint of PyTorch 1.6 or later. float16 and bfloat16 become float32.

    Raises:
        WeightsError: the file is damaged, or holds something else.
    """
    with Archive(path, inflate=False) as archive:
        roots = [name.removesuffix("data.pkl") for name in archive.names if name.endswith("/data.pkl")]
        if len(roots) != 1:
            raise WeightsError("it is a zip archive, but not of PyTorch, Keras or NumPy")
        root = roots[0]
        if f"{root}constants.pkl" in archive.names:
            raise WeightsError("it is a TorchScript program, which is not run: save the network's state_dict()")
        tensors = state_dict(Unpickler(PickleFile(archive.read(f"{root}data.pkl", _LARGEST_PICKLE))).load())
        order = archive.read(f"{root}byteorder") if f"{root}byteorder" in archive.names else b"little"
        if order not in (b"little", b"big"):
            raise WeightsError("the byte order of its numbers is unknown")
        used = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
        numbers = {
            key: storage.numbers(archive.read(f"{root}data/{key}"), "<" if order == b"little" else ">")
            for key, storage in used.items()
        }
    return {name: tensor.view(numbers[tensor.storage.key]) for name, tensor in tensors.items()}


def read_legacy(path: Path) -> dict[str, np.ndarray]:
    """Reads a checkpoint of PyTorch before version 1.6, as `read_zip`."""
    content = path.read_bytes()
    file = PickleFile(content[:_LARGEST_PICKLE])
    Unpickler(file).load()  # the magic number
    if Unpickler(file).load() != _LEGACY_VERSION:
        raise WeightsError("it has an unknown version of PyTorch's format")
    Unpickler(file).load()  # sizes of the writer's C types, which do not matter
    unpickler = Unpickler(file)
    tensors = state_dict(unpickler.load())
    keys = Unpickler(file).load()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise WeightsError("its list of storages is damaged")
    numbers, place = {}, file.tell()
    for key in keys:
        if key not in unpickler.storages or key in numbers:
            raise WeightsError(f"its storage {key!r} belongs to no tensor")
        storage = unpickler.storages[key]
        if content[place : place + 8] != struct.pack("<q", storage.size):
            raise WeightsError(f"its storage {key!r} is truncated, or has another size than its tensors state")
        end = place + 8 + storage.length
        numbers[key] = storage.numbers(memoryview(content)[place + 8 : end])
        place = end
    missing = {tensor.storage.key for tensor in tensors.values()} - numbers.keys()
    if missing:
        raise WeightsError(f"its storage {min(missing)!r} is missing")
    return {name: tensor.view(numbers[tensor.storage.key]) for name, tensor in tensors.items()}


def state_dict(tree: Any) -> dict[str, Tensor]:
    """Returns the tensors of the network in a checkpoint by name.

    They are in a dictionary within dictionaries, under "state_dict", "model_state_dict", "net" or any other name, or in
    a network that was saved as an object. Everything else is left out. Of several such dictionaries the largest is
    taken; or one half as large with "ema" in its name, an average over the steps of training, which such networks are
    used with.

    Raises:
        WeightsError: there are none.
    """
    found = list(_tensors_within(tree))
    if not found:
        kinds = [value.kind for value in _values(tree) if isinstance(value, Other)]
        if kinds:
            raise WeightsError(
                f"it holds no weights, but an object ({kinds[0]}), whose code is not run: "
                "save torch.save(model.state_dict(), FILE)"
            )
        raise WeightsError("it holds no state dict: it has no tensors with names")
    most = max(len(tensors) for _, tensors in found)
    large = [(key, tensors) for key, tensors in found if 2 * len(tensors) >= most]
    return max(large, key=lambda one: (bool(_AVERAGED.search(one[0])), len(one[1])))[1]


def _tensors_within(tree: Any) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yields all dictionaries of tensors by name, and the name of each; those of optimizers have numbers for names."""
    waiting, steps = [("", tree, 0)], iter(range(_NODES))
    while waiting and next(steps, None) is not None:
        key, value, depth = waiting.pop()
        parts = value if isinstance(value, dict) else {}
        tensors = {name: part for name, part in parts.items() if isinstance(name, str) and isinstance(part, Tensor)}
        if isinstance(value, Other):
            tensors = dict(_tensors_of_object(value, steps))
        if tensors:
            yield key, tensors
        if depth < _DEEPEST:
            named = [(name, part) for name, part in parts.items() if isinstance(name, str)]
            listed = [] if depth or not isinstance(value, list | tuple) else [(key, part) for part in value]
            waiting += [(name, part, depth + 1) for name, part in named + listed if isinstance(part, dict | Other)]


def _tensors_of_object(network: Other, steps: Iterator[int]) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors of a `torch.nn.Module` that was saved as an object, with the names of its `state_dict()`."""
    waiting = [("", network, 0)]
    while waiting and next(steps, None) is not None:
        prefix, module, depth = waiting.pop()
        state = module.state if isinstance(module.state, dict) else {}
        children = [state[name] for name in _CHILDREN if isinstance(state.get(name), dict)]
        for name, child in (item for part in children for item in part.items()):
            if isinstance(child, Tensor):
                yield f"{prefix}{name}", child
            elif isinstance(child, Other) and depth < _DEEPEST:
                waiting.append((f"{prefix}{name}.", child, depth + 1))


def _values(tree: Any) -> list[Any]:
    return [tree, *(tree.values() if isinstance(tree, dict) else ())]
