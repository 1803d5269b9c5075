"""Files that other PyPI packages carry: found where pip put them, without running any of their code."""

import hashlib
import importlib.util
from pathlib import Path

from tfgraphs.errors import TfgraphsError
from tfgraphs.extras import install_extra


class PackageError(TfgraphsError):
    """A package with data that was asked for is missing or is not the one that is known."""


def packaged_file(module: str, relative: str, distribution: str, extra: str = "offline") -> Path:
    """Returns the path of a data file inside an installed package.

    Args:
        module: top-level module of the package, for instance "skimage". It is located, not imported.
        relative: the file's path inside the module's folder.
        distribution: the package's name on PyPI, for the error message.
        extra: the extra that brings the package, for the error message.

    Raises:
        PackageError: the package or the file is not installed.
    """
    spec = importlib.util.find_spec(module)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / relative
        if path.is_file():
            return path
    raise PackageError(
        f"{relative.rpartition('/')[2]} of the package {distribution} is not installed: {install_extra(extra)}"
    )


def read_known(path: Path, sha256: str) -> bytes:
    """Reads a file, or raises PackageError unless its SHA-256 digest, in hexadecimal, is the expected one."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise PackageError(f"{path} is not the known file: its SHA-256 is {digest}, expected {sha256}; reinstall it")
    return content
