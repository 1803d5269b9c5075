"""SavedModels of TensorFlow Hub."""

import hashlib
import os
import tempfile
import warnings
from pathlib import Path

from tfgraphs.errors import TfgraphsError, explained

PREFIX = "hub:"


def resolved(handle: str, kind: type[TfgraphsError]) -> Path:
    """The folder of a SavedModel.

    Args:
        handle: a folder; or "hub:" and what tensorflow_hub resolves, the address of a model, which is downloaded once
            and kept (the variable TFHUB_CACHE_DIR says where), or a folder.
        kind: of the error that is raised when it cannot be had.
    """
    if not handle.startswith(PREFIX):
        return Path(handle)
    with explained(kind, "tensorflow_hub cannot be imported", "pip install 'tensorflow-hub>=0.16.1' 'setuptools<82'"):
        with warnings.catch_warnings(action="ignore"):  # pkg_resources, which it imports, warns of itself
            import tensorflow_hub
    address = handle.removeprefix(PREFIX)
    advice = "it must be the address of a model, in reach of this network, or a folder"
    if address.startswith(("http:", "https:")):
        advice += f"; without a network, unpack the model elsewhere and put it there as {_cached(address)}"
    with explained(kind, f"{handle} cannot be had", advice):
        return Path(tensorflow_hub.resolve(address))


def _cached(address: str) -> Path:
    """Where tensorflow_hub keeps, and looks for, the model of an address."""
    folder = os.environ.get("TFHUB_CACHE_DIR") or Path(tempfile.gettempdir()) / "tfhub_modules"
    return Path(folder) / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()
