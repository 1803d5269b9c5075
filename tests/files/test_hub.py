"""Models of TensorFlow Hub come over https only, once, into a cache of our own."""

import functools
import http.server
import os
import re
import sys
import tarfile
import threading
import urllib.request
from pathlib import Path

import pytest

from tfgraphs.errors import TfgraphsError
from tfgraphs.files import hub
from tfgraphs.files.trust import TrustError


class NoModelError(TfgraphsError):
    pass


@pytest.fixture
def model(tmp_path) -> Path:
    """The files of a SavedModel, which nobody loads."""
    folder = tmp_path / "model"
    for name in ("saved_model.pb", "variables/variables.index", "assets/words.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TFGRAPHS_CACHE", str(tmp_path / "weights"))
    monkeypatch.delenv("TFHUB_CACHE_DIR", raising=False)
    return tmp_path / "weights" / "hub"


def refusal(handle, kind=NoModelError) -> str:
    with pytest.raises(kind) as caught:
        hub.saved_model_folder(handle, NoModelError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("prefix", ["", "hub:"])
def test_a_folder_is_used_as_it_is(model, prefix):
    assert hub.saved_model_folder(f"{prefix}{model}", NoModelError) == model


@pytest.mark.parametrize("handle", ["", "hub:", "hub:nowhere", "https:"])
def test_a_folder_without_a_model_is_refused(handle):
    assert refusal(handle) == f"{handle} is not a SavedModel: it has no saved_model.pb"


@pytest.mark.parametrize("address", ["http://host/model", "gs://bucket/model", "ftp://host/model", "HTTP://host/m"])
def test_other_addresses_than_https_are_refused(address):
    assert "give a folder, or hub: and an address that begins with https" in refusal(f"hub:{address}")


@pytest.mark.parametrize("address", ["https://127.0.0.1:9/model", "https://[model"])
def test_addresses_that_lead_nowhere_are_explained(cache, address):
    assert re.search(rf"hub:{re.escape(address)} cannot be downloaded \(.+\): it must be", refusal(f"hub:{address}"))


@pytest.mark.parametrize("variable", ["TFGRAPHS_CACHE", "TFHUB_CACHE_DIR"])
def test_without_a_network_a_model_in_the_folder_that_is_named_is_used(tmp_path, model, cache, monkeypatch, variable):
    if variable == "TFHUB_CACHE_DIR":
        cache = tmp_path / "own"
        monkeypatch.setenv(variable, str(cache))
    handle = "hub:https://127.0.0.1:9/model/1"
    named = Path(refusal(handle).rpartition("put it there as ")[2])
    assert named.parent == cache
    model.rename(named)
    assert hub.saved_model_folder(handle, NoModelError) == named


def test_a_hub_that_cannot_be_imported_is_explained(cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_hub", None)
    assert "pip install" in refusal("hub:https://127.0.0.1:9/model")


# --- files of a model


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index", "assets/words.txt", "assets/more"])
def test_a_link_that_leads_out_of_the_folder_is_refused(model, tmp_path, name):
    (tmp_path / "secret").write_text("secret")
    (model / name).unlink(missing_ok=True)
    (model / name).symlink_to(tmp_path / "secret")
    assert f"{model / name} leads out of its folder" in refusal(str(model), TrustError)


def test_a_folder_that_is_a_link_is_refused(model, tmp_path):
    (model / "assets").rename(tmp_path / "outside")
    (model / "assets").symlink_to(tmp_path / "outside")
    assert "leads out of its folder" in refusal(str(model), TrustError)


def test_links_within_the_folder_and_to_it_are_followed(model, tmp_path):
    (model / "assets" / "link").symlink_to(model / "assets" / "words.txt")
    (tmp_path / "link").symlink_to(model)
    assert hub.saved_model_folder(str(tmp_path / "link"), NoModelError) == tmp_path / "link"


def test_a_device_in_the_place_of_the_model_is_refused(model):
    (model / "saved_model.pb").unlink()
    os.mkfifo(model / "saved_model.pb")
    assert "it is a pipe, a device or a socket" in refusal(str(model), TrustError)


# --- downloads


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", "/model.tar.gz")
            self.end_headers()
        else:
            super().do_GET()

    def translate_path(self, path):
        return super().translate_path(path.partition("?")[0])

    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder, and the address under which it is served, without encryption."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.fixture
def as_https(monkeypatch):
    """Takes the server for one of https."""
    monkeypatch.setattr(
        hub, "open_https", lambda address: urllib.request.urlopen(address.replace("https:", "http:"), timeout=10)
    )


def test_a_model_is_downloaded_once(served, as_https, model, cache):
    folder, address = served
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(model, arcname=".")
    handle = f"hub:{address}/model.tar.gz".replace("http:", "https:")
    found = hub.saved_model_folder(handle, NoModelError)
    assert found.parent == cache
    assert (found / "assets" / "words.txt").read_text() == "assets/words.txt"
    (folder / "model.tar.gz").unlink()
    assert hub.saved_model_folder(handle, NoModelError) == found


@pytest.mark.parametrize(("name", "said"), [("page.html", "valid module"), ("missing", "404")])
def test_a_download_that_is_no_model_is_explained(served, as_https, cache, name, said):
    folder, address = served
    (folder / "page.html").write_text("<html>not a model</html>")
    assert said in refusal(f"hub:{address}/{name}".replace("http:", "https:"))


def test_an_archive_with_links_is_refused(served, as_https, cache):
    folder, address = served
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("saved_model.pb")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    assert "cannot be downloaded" in refusal(f"hub:{address}/model.tar.gz".replace("http:", "https:"))


def test_a_redirect_to_another_kind_of_address_is_refused(served):
    with pytest.raises(TrustError, match=r"^it redirects to 'http://127.0.0.1:\d+/model.tar.gz', which is not https$"):
        hub.open_https(f"{served[1]}/redirect")
