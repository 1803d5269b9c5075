"""SavedModels in folders and on TensorFlow Hub."""

import hashlib
import os
import warnings
from pathlib import Path
from typing import Any

from tfgraphs.errors import TfgraphsError, errors_as
from tfgraphs.extras import install_packages
from tfgraphs.files.downloads import cache_folder
from tfgraphs.files.outputs import SAVED_MODEL
from tfgraphs.files.trust import TrustError, check_inside

PREFIX = "hub:"

_TIMEOUT = 30.0  # seconds for the connection, and for the next bytes on it
_LOCK_TIMEOUT = 600  # seconds after which another process' download is given up, if nothing more came


def saved_model_folder(handle: str, kind: type[TfgraphsError]) -> Path:
    """Returns the folder of a SavedModel, which is downloaded if its handle is an address.

    Args:
        handle: a folder; or "hub:" and the https address of a model of TensorFlow Hub, or a folder. A model is
            downloaded once and stays in `hub` in the folder for weights (TFHUB_CACHE_DIR names another folder).
        kind: class of the error if there is no SavedModel.

    Raises:
        TfgraphsError: of `kind`: there is no SavedModel, or it cannot be downloaded.
        TrustError: a file of the model is a link that leads out of the folder, or no regular file.
    """
    address = handle.removeprefix(PREFIX)
    if address.startswith("https:") and handle.startswith(PREFIX):
        folder = _downloaded(address, handle, kind)
    elif "://" in address:
        raise kind(f"{handle} cannot be loaded: give a folder, or hub: and an address that begins with https")
    else:
        folder = Path(address)
    path = folder / SAVED_MODEL
    if not path.exists():
        raise kind(f"{handle} is not a SavedModel: it has no {SAVED_MODEL}")
    with errors_as(kind, f"the files of {handle} cannot be read", "look at the rights of its folder"):
        files = [file for name in ("variables", "assets") for file in (folder / name).rglob("*")]
        for file in [path, *(file for file in files if not file.is_dir() or file.is_symlink())]:
            check_inside(file, folder, handle)
    return folder


def _downloaded(address: str, handle: str, kind: type[TfgraphsError]) -> Path:
    """Returns the folder of a model of TensorFlow Hub in the cache."""
    cache = Path(os.environ.get("TFHUB_CACHE_DIR") or cache_folder() / "hub").absolute()
    folder = cache / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()  # as tensorflow_hub names it
    if (folder / SAVED_MODEL).is_file():
        return folder
    advice = install_packages("tensorflow-hub>=0.16.1", "setuptools<82")
    with errors_as(kind, "tensorflow_hub cannot be imported", advice):
        with warnings.catch_warnings(action="ignore"):  # pkg_resources, which it imports, warns of itself
            from tensorflow_hub import resolver

    def download(_: str, temporary: str) -> None:
        with open_https(address + ("&" if "?" in address else "?") + "tf-hub-format=compressed") as response:
            resolver.DownloadManager(address).download_and_uncompress(response, temporary)

    advice = (
        "it must be the address of a model, in reach of this network; without a network, "
        f"unpack the model elsewhere and put it there as {folder}"
    )
    with errors_as(kind, f"{handle} cannot be downloaded", advice):
        cache.mkdir(parents=True, exist_ok=True)
        return Path(resolver.atomic_download(address, download, str(folder), _LOCK_TIMEOUT))


def open_https(address: str) -> Any:
    """Opens an https address. Redirects to other kinds of addresses are refused."""
    import urllib.request

    class HttpsOnly(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: Any) -> Any:
            if not args[-1].startswith("https:"):
                raise TrustError(f"it redirects to {args[-1]!r}, which is not https")
            return super().redirect_request(*args)

    return urllib.request.build_opener(HttpsOnly).open(address, timeout=_TIMEOUT)
