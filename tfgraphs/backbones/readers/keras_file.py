"""Reads weights of Keras: HDF5 files of all versions, and .keras archives.

In versions 1 and 2 the group of a layer has an attribute with the names of its arrays, `block1_conv1_W_1:0` or
`conv1_conv/kernel:0`; in whole models these groups are under `model_weights`. Version 3 numbers the arrays,
`layers/conv2d_1/vars/0`, and keeps the name of the layer as an attribute of `vars`.
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from tfgraphs.backbones.readers.hdf5 import Hdf5File, Node
from tfgraphs.backbones.readers.weights import WeightsError

ARCHIVED = "model.weights.h5"  # the member of a .keras archive that holds the weights

_TODAY = {
    "W": "kernel",
    "b": "bias",
    "running_mean": "moving_mean",
    "running_std": "moving_variance",  # a variance despite its name
}
_WORDS = "depthwise_kernel|pointwise_kernel|kernel|bias|gamma|beta|moving_mean|moving_variance|" + "|".join(_TODAY)
_NUMBERED = re.compile(rf"(?:^|_)({_WORDS})(?:_\d+)?$")
_KERNEL_AND_BIAS = {1: ("kernel",), 2: ("kernel", "bias")}
_VARIABLES: dict[str, dict[int, tuple[str, ...]]] = {
    "batch_normalization": {4: ("gamma", "beta", "moving_mean", "moving_variance")},
    "conv2d": _KERNEL_AND_BIAS,
    "dense": _KERNEL_AND_BIAS,
    "depthwise_conv2d": _KERNEL_AND_BIAS,
    "separable_conv2d": {
        2: ("depthwise_kernel", "pointwise_kernel"),
        3: ("depthwise_kernel", "pointwise_kernel", "bias"),
    },
}
"""The arrays of a layer in order, by kind of layer and number of arrays. Others are ambiguous."""

_NOT_COPIED = {"optimizer", "optimizer_weights"}
_DEEPEST = 32  # groups within groups


def read_hdf5(path: Path) -> dict[str, np.ndarray]:
    """Reads an HDF5 file, see `read_opened`."""
    with path.open("rb") as file:
        return read_opened(file)


def copy_hdf5(source: BinaryIO, target: Path) -> None:
    """Copies an HDF5 file with our reader, for libraries that trust the headers of a file.

    The copy has the groups, datasets of numbers and attributes of text, except the state of an optimizer.

    Raises:
        WeightsError: the file is damaged, refers to other files, or claims more than it plausibly holds.
    """
    root = Hdf5File(source).root
    with h5py.File(target, "w") as copy:
        _copy(root, copy)


def _copy(node: Node, copy: Any, depth: int = 0) -> None:
    _check_depth(depth)
    for name, value in node.attributes.items():
        copy.attrs[name] = value if isinstance(value, str) else np.array([text.encode() for text in value])
    for name in node.members:
        member = _member(node, name)
        if depth or name not in _NOT_COPIED:
            if member.is_dataset:  # their attributes do not matter
                copy.create_dataset(name, data=member.array())
            else:
                _copy(member, copy.create_group(name), depth + 1)


def _check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise WeightsError(f"its groups are more than {_DEEPEST} deep")


def read_opened(content: BinaryIO) -> dict[str, np.ndarray]:
    """Reads HDF5 with weights, or with a whole model, as {"conv1_conv/kernel": ..., "conv1_bn/gamma": ...}.

    Raises:
        WeightsError: it is damaged, its arrays have no clear names, or it refers to other files.
    """
    file = Hdf5File(content)
    root = _member(file.root, "model_weights") if "model_weights" in file.root.members else file.root
    if any(root.texts(name) is not None for name in ("layer_names", "layer_names0")):
        found = _named(root)
    elif "layers" in file.root.members:
        found = _numbered(_member(file.root, "layers"), "layers")
    else:
        raise WeightsError("it is an HDF5 file without weights of Keras")
    arrays: dict[str, np.ndarray] = {}
    for name, dataset in found:
        if name in arrays:
            raise WeightsError(f"it gives the name {name!r} to two arrays")
        try:
            arrays[name] = dataset.array()
        except WeightsError as error:
            raise WeightsError(f"{name!r}: {error}") from error
    return arrays


def _named(root: Node) -> Iterator[tuple[str, Node]]:
    """Yields the arrays of a file of Keras 1 or 2."""
    layers = _texts(root, "layer_names")
    if len(set(layers)) < len(layers):
        raise WeightsError("it names a layer twice")
    for layer in layers:
        group = _member(root, layer)
        paths = _texts(group, "weight_names")
        for name, path in zip(_names(layer, paths), paths, strict=True):
            yield name, _member(group, path)


def _names(layer: str, paths: list[str]) -> list[str]:
    """Returns LAYER/kernel for `conv1_conv/kernel:0` or `block1_conv1_W_1:0`; of nested models the inner layer."""
    parts = [path.partition(":")[0].rpartition("/") for path in paths]
    words = []
    for inner, _, last in parts:
        match = _NUMBERED.fullmatch(last) if inner else _NUMBERED.search(last)
        words.append(_TODAY.get(match[1], match[1]) if match else last)
    if len(set(words)) == len(words):
        return [f"{layer}/{word}" for word in words]
    return [f"{inner.rpartition('/')[2] or layer}/{word}" for (inner, _, _), word in zip(parts, words, strict=True)]


def _numbered(group: Node, kind: str, depth: int = 0) -> Iterator[tuple[str, Node]]:
    """Yields the arrays of a file of Keras 3, below a group whose name is the kind of layer."""
    _check_depth(depth)
    for name in group.members:
        member = _member(group, name)
        if name != "vars":
            yield from _numbered(member, re.sub(r"_\d+$", "", name), depth + 1)
        elif member.members and kind != "seed_generator":
            yield from _variables(member, kind)


def _variables(group: Node, kind: str) -> Iterator[tuple[str, Node]]:
    """Yields the arrays of a layer of Keras 3."""
    names = group.texts("name")
    if not names:
        raise WeightsError(
            "it has no names of layers: save it as FILE.h5 with Keras 2 (not .weights.h5), or with a newer Keras 3"
        )
    words = _VARIABLES.get(kind, {}).get(len(group.members))
    if words is None:
        raise WeightsError(f"the arrays of its layer {names[0]!r} have no names: save it as .h5, which has names")
    for number, word in enumerate(words):
        yield f"{names[0]}/{word}", _member(group, str(number))


def _texts(group: Node, name: str) -> list[str]:
    """Returns a list of texts, which may be split into several numbered attributes."""
    texts = group.texts(name)
    if texts is not None:
        return texts
    texts = []
    for number in itertools.count():
        more = group.texts(f"{name}{number}")
        if more is None:
            break
        texts += more
    if not texts:
        raise WeightsError(f"its attribute {name!r} is missing")
    return texts


def _member(group: Node, path: str) -> Node:
    """Returns the node at a path within a group, unless a link is in the way."""
    for name in filter(None, path.split("/")):
        if name not in group.members:
            raise WeightsError(f"it names {path!r}, which it does not hold")
        member = group.members[name]
        if member is None:
            raise WeightsError(f"{path!r} is a link, which is not followed")
        group = member
    return group
