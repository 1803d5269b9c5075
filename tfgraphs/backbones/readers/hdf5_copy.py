"""Copies HDF5 files with our reader, for libraries that trust the headers of a file."""

from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from tfgraphs.backbones.readers.hdf5 import Hdf5File, Node
from tfgraphs.backbones.readers.weights import WeightsError

_DEEPEST = 32  # groups within groups
_NOT_NEEDED = {"optimizer", "optimizer_weights"}


def copy_hdf5(source: BinaryIO, size: int, target: Path) -> None:
    """Copies the groups, datasets of numbers and attributes of text of a file, except the state of an optimizer.

    Args:
        source: the file.
        size: of it in bytes.
        target: the copy.

    Raises:
        WeightsError: the file is damaged, refers to other files, or claims more than it plausibly holds.
    """
    root = Hdf5File(source, size).root
    with h5py.File(target, "w") as copy:
        _copy(root, copy, "", 0)


def _copy(node: Node, copy: Any, path: str, depth: int) -> None:
    """Copies the attributes and members of a node."""
    if depth > _DEEPEST:
        raise WeightsError(f"its groups are more than {_DEEPEST} deep")
    for name, value in node.attributes.items():
        copy.attrs[name] = value if isinstance(value, str) else np.array([text.encode() for text in value])
    for name, member in node.members.items():
        if member is None:
            raise WeightsError(f"{path + name!r} is a link, which is not followed")
        if depth == 0 and name in _NOT_NEEDED:
            continue
        made = copy.create_dataset(name, data=member.array()) if member.is_dataset else copy.create_group(name)
        _copy(member, made, f"{path}{name}/", depth + 1)
