"""A weight file is fetched once, whatever a (real, local) server does on the way, and is used only as published."""

import contextlib
import hashlib
import os
import re
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from tfgraphs import __version__
from tfgraphs.files import downloads
from tfgraphs.files.downloads import Download, DownloadError, cache_folder, fetch
from tfgraphs.files.outputs import OutputError

CONTENT, OTHER = hashlib.shake_256(b"file").digest(20_000), hashlib.shake_256(b"other").digest(20_000)
HALF = 10_000
URL = "https://example.org/models/"
WRONG = {"other": OTHER, "shorter": CONTENT[:-1], "longer": CONTENT + b"\0", "empty": b"", "page": b"<html>Sign in"}
ENDS = ["", "a/", ".", "..", "%2e%2e", "%2e%2e%2fa", "..%5ca", "%2fa", "a%2fb", "C:a", "a%00", "a%0a", "a.part"]
DIGESTS = ["", "0" * 64, "sha256:", "sha256:" + "0" * 7, "md5:" + "g" * 32, "crc32:" + "0" * 8]
GOOD = [f"{name}:{hashlib.new(name, CONTENT).hexdigest()}" for name in ("md5", "sha1", "sha256")]
ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
HOLD = "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.flock(f, 2); print(flush=True); sys.stdin.read()"


class Handler(BaseHTTPRequestHandler):
    """Gives one planned answer to each request, and the last one to all further ones."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        self.close_connection = True
        plan, asked = self.server.answers, self.server.requests
        asked.append(dict(self.headers))
        with contextlib.suppress(ConnectionError):
            plan[min(len(asked), len(plan)) - 1](self)

    def answer(self, content: bytes, stop: int | None, code: int = 0, ranges: bool = True, **headers: Any) -> None:
        """Sends a file or its rest as good servers do, or as it is with another code; "_" means "-" in headers."""
        start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "") if ranges and not code else "")
        span = None
        if start:
            first, size, content = start[1], len(content), content[int(start[1]) :]
            code, span = (206, f"bytes {first}-{size - 1}/{size}") if content else (416, f"bytes */{size}")
        self.send_response(code or 200)
        known = {"Content_Length": len(content), "Content_Range": span, "Connection": "close"}
        for name, value in (known | headers).items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.body(content[:stop])

    def body(self, data: bytes) -> None:
        self.server.served += len(data)  # before the client can have them and count
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Keeps the plan, the headers of the requests so far, and the number of bytes of bodies that were sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Callable[[Handler], object]] = [answer()]
        self.requests: list[dict[str, str]] = []
        self.served = 0

    def download(self, **attributes: Any) -> Download:
        url = f"http://127.0.0.1:{self.server_port}/models/net%2Eh5?a/b#c"
        return Download(**{"url": url, "digest": sha256(CONTENT)} | attributes)

    def starts(self) -> list[int]:
        """The bytes from which the requests so far wanted the file."""
        return [int(request.get("Range", "bytes=0-")[len("bytes=") : -1]) for request in self.requests]


def answer(content: bytes = CONTENT, stop: int | None = None, **how: Any) -> Any:
    return lambda handler: handler.answer(content, stop, **how)


def endless(**how: Any) -> Any:
    """Sends a gigabyte, which no test waits for."""
    start = answer(OTHER, Content_Length=None, **how)
    return lambda handler: (start(handler), [handler.body(bytes(1 << 20)) for _ in range(1000)])


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refusal(download: Download, folder: Path) -> str:
    """The one line with which a download is refused."""
    with pytest.raises(DownloadError) as caught:
        fetch(download, folder)
    assert str(caught.value).isprintable()
    return str(caught.value)


def refused(download: Download, folder: Path) -> str:
    """The one line with which a download is refused, which says how to do without."""
    line = refusal(download, folder)
    assert all(needed in line for needed in (download.url, download.digest, str(folder / "net.h5")))
    return line


@pytest.fixture(autouse=True)
def _settings(monkeypatch):
    """Nothing of the environment, no time between tries, and pieces that are small beside the file."""
    monkeypatch.setenv("NO_PROXY", "*")
    for name, value in {"_WAITS": (0, 0, 0), "_TIMEOUTS": (5, 5), "_CHUNK": 1_000, "_LARGEST": 30_000}.items():
        monkeypatch.setattr(downloads, name, value)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server
        server.shutdown()


@pytest.fixture
def broken(server: Server, tmp_path: Path) -> Server:
    """A server whose file came by half in a call that was interrupted."""
    with pytest.raises(KeyboardInterrupt):
        fetch(server.download(), tmp_path, Mock(side_effect=[None] * 9 + [KeyboardInterrupt]))  # a call for each piece
    server.requests, server.served = [], 0
    return server


SPANS = ["bytes 0-19999/20000", "bytes 9999-19999/20000", "bytes 10001-19999/20000", "bytes */20000", "the rest"]
SPANS += ["lines 10000-19999/20000", f"bytes {'9' * 5000}-19999/20000", ""]
status = partial(answer, b"")
rest = partial(answer, CONTENT[HALF:], code=206, Content_Range="bytes 10000-19999/20000")
HALVED, MOVED = answer(stop=HALF), status(code=302, Location="/elsewhere/file")
CHUNKS, CHUNKED = b"4e20\r\n%b\r\n0\r\n\r\n" % CONTENT, dict[str, Any](Content_Length=None, Transfer_Encoding="chunked")
WAYS: dict[str, tuple[list[Any], list[int]]] = {  # answers, and the bytes from which the file must be asked for
    "plain": ([answer()], [0]),
    "chunked": ([answer(CHUNKS, **CHUNKED)], [0]),
    "to the end of the connection": ([answer(Content_Length=None)], [0]),
    "said to be gzip": ([answer(Content_Encoding="gzip")], [0]),
    **{f"length {bad[:9]}": ([answer(Content_Length=bad)], [0]) for bad in ("-1", "many", "9" * 5000)},
    "more than the length": ([answer(CONTENT + OTHER, Content_Length=len(CONTENT))], [0]),
    "broken off": ([HALVED, answer()], [0, HALF]),
    "broken off twice": ([HALVED, answer(stop=5), answer()], [0, HALF, HALF + 5]),
    "broken off in chunks": ([answer(CHUNKS, HALF + 6, **CHUNKED), answer()], [0, HALF]),
    "broken off at the end": ([answer(Content_Length=len(CONTENT) + 1), answer()], [0, len(CONTENT)]),
    "no ranges": ([HALVED, answer(ranges=False)], [0, HALF]),
    "less than the rest": ([HALVED, rest(Content_Length=1000), answer()], [0, HALF, HALF + 1000]),
    "rest of unknown length": ([HALVED, rest(Content_Range="bytes 10000-19999/*")], [0, HALF]),
    "changed": ([answer(OTHER, HALF), answer()], [0, HALF, 0]),
    "redirect": ([status(code=307, Location="file?2#top"), answer()], [0, 0]),
    "redirect, broken off": ([MOVED, HALVED, MOVED, answer()], [0, 0, HALF, HALF]),
    **{f"{code} first": ([status(code=code)] * 2 + [answer()], [0, 0, 0]) for code in (408, 429, 500, 503, 599)},
    **{f"206, {span}"[:30]: ([HALVED, rest(Content_Range=span), answer()], [0, HALF, 0]) for span in SPANS},
    **{f"416, {span}"[:30]: ([HALVED, rest(code=416, Content_Range=span), answer()], [0, HALF, 0]) for span in SPANS},
}
ELSEWHERE = ("file:///etc/passwd", "FILE:/etc/passwd", "ftp://127.0.0.1/net.h5", "data:,text")
GARBAGE = (b"", b"\0\xff", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nA" * 9999)
REFUSALS: dict[str, tuple[list[Any], str, int]] = {  # answers, text, requests
    **{name: ([answer(wrong)], f"it has {sha256(wrong)}, expected", 1) for name, wrong in WRONG.items()},
    "less than said": ([answer(ranges=False, Content_Length=20_001)], "broke off after 20,000 bytes", 4),
    "more than said": ([answer(Content_Length=19_999)], sha256(CONTENT[:-1]), 1),
    "a byte at a time": ([answer(stop=1)], "the connection broke off after 4 bytes", 4),
    "endless, unknown size": ([endless()], "the server sends more than 30,000 bytes", 1),
    "two lengths": ([answer(Content_Length="1, 2")], "", 1),
    **{f"{code} ": ([status(code=code)], f"the server answers {code} ", 1) for code in (204, 304, 403, 404)},
    **{f"{code} ": ([status(code=code)], f"the server answers {code} ", 4) for code in (429, 500, 503, 599)},
    "redirect to nowhere": ([status(code=302)], "the server answers 302 Found", 1),
    "redirects in a circle": ([endless(code=302, Location="/file")], "the server redirects more than 5 times", 6),
    **{f"redirect to {to}": ([status(code=302, Location=to)], "server redirects to", 1) for to in ELSEWHERE},
    "redirect in colour": ([status(code=302, Location="go:\x1b[1m")], "redirects to go:\\x1b[1m", 1),
    "redirect to no address": ([status(code=302, Location="http://[")], "", 1),
    **{f"reply {text[:9]!r}": ([lambda to, text=text: to.wfile.write(text)], "", 4) for text in GARBAGE},
}
LEFT: dict[str, tuple[dict[str, bytes], list[int]]] = {  # files, and the bytes from which the file must be asked for
    "half": ({}, [HALF]),
    "whole, but not moved": ({"net.h5.part": CONTENT}, [len(CONTENT)]),
    "too much": ({"net.h5.part": CONTENT + b"0"}, [len(CONTENT) + 1, 0]),
    "of another file": ({"net.h5.part": OTHER[:HALF]}, [HALF, 0]),
}
UNUSABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    **{name: (partial(Path.write_bytes, data=data), f"it has {sha256(data)}") for name, data in WRONG.items()},
    "folder": (Path.mkdir, "it is a folder"),
    "pipe": (os.mkfifo, "it is a pipe, a device or a socket"),
    "link to nowhere": (lambda path: path.symlink_to("unmounted"), "no such file or directory"),
}
OTHERS: dict[str, tuple[Callable[[Path], object], list[int]]] = {
    "is killed": (lambda part: None, [HALF]),
    "gives up": (Path.unlink, [0]),
    "finishes": (lambda part: (part.write_bytes(CONTENT), part.rename(part.with_suffix(""))), []),
}


@pytest.mark.parametrize(("plan", "starts"), WAYS.values(), ids=WAYS)
def test_file_comes_whole_and_alone_by_as_few_requests_as_possible(server, tmp_path, plan, starts):
    server.answers = plan
    assert fetch(server.download(), tmp_path) == tmp_path / "net.h5"
    assert (everything(tmp_path), server.starts()) == ({"net.h5": CONTENT}, starts)


def test_download_is_continued_as_long_as_it_grows(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "_ADVANCE", 2_000)
    server.answers = [answer(stop=2_000)]
    fetch(server.download(), tmp_path)
    assert server.starts() == list(range(0, 20_000, 2_000))


@pytest.mark.parametrize("digest", [*GOOD, sha256(CONTENT).upper(), sha256(CONTENT)[: len("sha256:") + 8]])
def test_digest_may_be_of_each_kind(server, tmp_path, digest):
    assert fetch(server.download(digest=digest), tmp_path).read_bytes() == CONTENT


def test_server_learns_who_asks_and_that_bytes_are_wanted_as_they_are(server, tmp_path):
    fetch(server.download(), tmp_path)
    expected = {"User-Agent": f"tfgraphs/{__version__}", "Accept-Encoding": "identity"}
    assert expected.items() <= server.requests[0].items()


@pytest.mark.parametrize("plan", [[answer()], [HALVED, answer()]], ids=["whole", "continued"])
def test_stages_are_reported_from_beginning_to_end(server, tmp_path, plan):
    server.answers, told = plan, {}
    fetch(server.download(), tmp_path, lambda stage, share: told.setdefault(stage, []).append(share))
    assert told == {"downloading net.h5": [piece / 20 for piece in range(1, 21)], "checking net.h5": [0, 1]}


@pytest.mark.parametrize(("plan", "text", "count"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_not_the_file_is_refused_in_a_line(server, tmp_path, plan, text, count):
    server.answers = plan
    assert text in refused(server.download(), tmp_path)
    assert len(server.requests) == count
    assert everything(tmp_path).keys() <= (set() if count == 1 else {"net.h5.part"})
    assert server.served < 1 << 28  # what is on its way when enough has come


def test_without_a_network_the_error_says_what_to_put_where(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/net.h5"
        assert refused(Download(url, sha256(CONTENT)), tmp_path) == (
            f"cannot download {url}: connection refused; you can get the file elsewhere "
            f"and save it as {tmp_path / 'net.h5'} ({sha256(CONTENT)})"
        )
    assert everything(tmp_path) == {}


def test_server_that_never_answers_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "_TIMEOUTS", (5.0, 0.05))
    server.answers = [lambda handler: handler.connection.recv(1)]  # until the other side closes
    assert "the server did not answer in time" in refused(server.download(), tmp_path)


@pytest.mark.parametrize("target", ["http://example.org/net.h5", "ftp://example.org/net.h5", "file:///net.h5"])
def test_redirect_from_https_to_less_is_refused(target):
    response = Mock(url=f"{URL}net.h5", is_redirect=True, headers={"Location": target})
    with pytest.raises(downloads._Refused, match=f"redirects to {target}, which is not followed"):
        downloads._check_redirect(response)


@pytest.mark.parametrize("scheme", ["https:", "ftp:", "file:", ""])
def test_address_that_does_not_speak_http_is_refused(server, tmp_path, scheme):
    refused(server.download(url=server.download().url.replace("http:", scheme)), tmp_path)


@pytest.mark.parametrize(("files", "starts"), LEFT.values(), ids=LEFT)
def test_next_call_goes_on_where_the_last_one_ended(broken, tmp_path, files, starts):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    fetch(broken.download(), tmp_path)
    assert (everything(tmp_path), broken.starts()) == ({"net.h5": CONTENT}, starts)
    assert broken.served == sum(max(0, len(CONTENT) - start) for start in starts)


@pytest.mark.parametrize("name", ["net.h5", "linked.h5"])
def test_file_that_is_there_is_used_and_nothing_is_written(server, tmp_path, name):
    (tmp_path / name).write_bytes(CONTENT)
    if name != "net.h5":
        (tmp_path / "net.h5").symlink_to(name)
    before = tmp_path.stat().st_mtime_ns
    assert fetch(server.download(), tmp_path).read_bytes() == CONTENT
    assert (server.requests, tmp_path.stat().st_mtime_ns) == ([], before)


@pytest.mark.parametrize("moment", ["before", "during", "after"])
@pytest.mark.parametrize(("make", "text"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_in_its_place_is_neither_used_nor_touched(server, tmp_path, make, text, moment):
    path = tmp_path / "net.h5"
    if moment == "after":
        fetch(server.download(), tmp_path).unlink()
    if moment == "during":
        server.answers = [lambda handler: (make(path), handler.answer(CONTENT, None))]
    else:
        make(path)
    assert re.search(f"{path}(?: cannot be used)?: {text}", refusal(server.download(), tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["net.h5"]
    assert len(server.requests) == (moment != "before")


@pytest.mark.parametrize(("cache", "place"), [("", "home/checkpoints/weights"), ("cache", "cache")])
def test_cache_is_where_the_environment_says_and_is_made(server, tmp_path, monkeypatch, cache, place):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFGRAPHS_HOME", "home")
    monkeypatch.setenv("TFGRAPHS_CACHE", cache)
    assert fetch(server.download()) == cache_folder() / "net.h5" == Path(place, "net.h5")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("url", URL + end) for end in ENDS] + [("digest", text) for text in DIGESTS],
    ids=ascii,
)
def test_name_that_leads_elsewhere_and_digest_that_is_none_are_refused(attribute, value):
    with pytest.raises(DownloadError, match=r"is not a (file name|digest)"):
        Download(**{"url": f"{URL}net.h5", "digest": sha256(b"")} | {attribute: value})


def test_full_disk_is_told_and_what_came_is_kept(server, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, limits[1]))
    try:
        with pytest.raises(OutputError, match=re.escape(f"cannot write {tmp_path / 'net.h5'}: file too large")):
            fetch(server.download(), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    fetch(server.download(), tmp_path)
    assert server.starts() == [0, HALF]


@pytest.mark.parametrize("place", ["file", "file/below", "n" * 256, pytest.param("locked", marks=ROOT)])
def test_place_that_cannot_be_written_is_told(server, tmp_path, place):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "locked").mkdir(0o500)
    with pytest.raises(OutputError, match=f"cannot write {tmp_path / place}"):
        fetch(server.download(), tmp_path / place)


def test_several_that_ask_at_once_download_once(server, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: fetch(server.download(), tmp_path), range(4)))
    assert (paths, everything(tmp_path)) == ([tmp_path / "net.h5"] * 4, {"net.h5": CONTENT})
    assert len(server.requests) == 1


@pytest.mark.parametrize(("other", "starts"), OTHERS.values(), ids=OTHERS)
def test_part_that_another_process_has_is_waited_for(broken, tmp_path, other, starts):
    part, told, pipe = tmp_path / "net.h5.part", [], subprocess.PIPE
    with subprocess.Popen([sys.executable, "-S", "-c", HOLD, part], stdin=pipe, stdout=pipe) as process:
        process.stdout.readline()

        def report(stage: str, share: float) -> None:
            if not told:
                other(part)
                process.kill()
            told.append(stage)

        assert fetch(broken.download(), tmp_path, report).read_bytes() == CONTENT
    assert told[0] == "waiting for another download of net.h5"
    assert broken.starts() == starts


def test_links_in_the_cache_are_not_followed(server, tmp_path):
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "net.h5.part").symlink_to(tmp_path / "precious")
    with pytest.raises(OutputError, match=r"cannot write .*net\.h5: too many levels of symbolic links"):
        fetch(server.download(), tmp_path / "cache")
    assert (tmp_path / "precious").read_bytes() == b"precious"
