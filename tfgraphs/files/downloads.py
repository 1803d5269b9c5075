"""Downloads published files once, continues interrupted downloads, and checks digests.

    path = fetch(Download("https://example.org/vgg19.h5", "md5:cbe5617147190e668d6c5d5026f83318"))

A download is written to `NAME.part` and moved to `NAME` when its digest is right. The digest alone decides: a part of
unknown origin is continued, and if the result is wrong, the file is downloaded in one piece. Several processes may ask
for the same file: the first one locks `NAME.part`, the others wait for the finished file.
"""

import contextlib
import hashlib
import http.client
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urljoin, urlsplit

from tfgraphs.errors import TfgraphsError, printable, reason, summary
from tfgraphs.files.outputs import output_errors
from tfgraphs.files.trust import check_regular_file
from tfgraphs.version import __version__

if TYPE_CHECKING:
    import requests

_DIGEST = re.compile(r"(md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{8,64})", re.IGNORECASE)
_TIMEOUTS = (10.0, 30.0)  # seconds for the connection, and for the next bytes
_WAITS = (0.5, 1.0, 2.0)  # seconds between attempts
_ADVANCE = 1 << 20  # bytes after which the attempts are counted anew
_REDIRECTS = 5
_LARGEST = 16 << 30  # bytes of a file of unknown size
_CHUNK = 1 << 16
_RETRIED = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_BROKEN = "the connection broke off"

Report = Callable[[str, float], None]
"""Is told the current stage and its finished share, 0..1."""


class DownloadError(TfgraphsError):
    """A file cannot be downloaded, or is not the published one."""


@dataclass(frozen=True)
class Download:
    """A published file.

    Attributes:
        url: http or https address.
        digest: "md5:", "sha1:" or "sha256:" and hexadecimal digits. Of SHA-256 at least the first 8; only all 64
            protect against a file that was forged, the others against damage.

    Raises:
        DownloadError: `digest` is not a digest, or `url` does not end with a file name.
    """

    url: str
    digest: str

    def __post_init__(self) -> None:
        if not _DIGEST.fullmatch(self.digest):
            raise DownloadError(f"{self.digest!r} is not a digest: give md5:, sha1: or sha256: and all of its digits")
        name = self.file_name
        if name in {"", ".", ".."} or set(name) & set("/\\:") or not name.isprintable() or ".part" in name:
            raise DownloadError(f"{name!r} is not a file name: {self.url} should end with one")

    @property
    def file_name(self) -> str:
        """The name of the file in the cache: the last part of the path in `url`."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])


def cache_folder() -> Path:
    """Returns the folder for downloads: TFGRAPHS_CACHE, by default checkpoints/weights in TFGRAPHS_HOME."""
    home = os.environ.get("TFGRAPHS_HOME", ".")
    return Path(os.environ.get("TFGRAPHS_CACHE") or Path(home) / "checkpoints" / "weights")


def fetch(download: Download, folder: Path | None = None, report: Report = lambda stage, share: None) -> Path:
    """Returns the path of a published file. Downloads it if it is not in the cache.

    The digest of a file in the cache is computed in each call, also of one that was put there by hand. A file with a
    wrong digest is neither used nor changed. Proxies and certificates are those of the environment, as for `requests`.

    Args:
        download: the file.
        folder: the cache. Default: `cache_folder()`.
        report: called with the current stage and its finished share, 0..1.

    Raises:
        DownloadError: the file in the cache is not the published one, or it cannot be downloaded.
        OutputError: the cache cannot be written. The next call continues the download.
    """
    target = (cache_folder() if folder is None else Path(folder)) / download.file_name
    with output_errors(target):
        while not os.path.lexists(target):  # an existing file or link is never replaced
            with unfinished_file(target, report) as part:
                if not os.path.lexists(target):
                    _fill(part, download, target, report)
                if not os.path.lexists(target):
                    part.move(target)
                    return target
                part.empty()  # another process, or a person, has put the file there
    check_regular_file(target, DownloadError)
    try:
        with target.open("rb") as file:
            fault = _fault(file, download, report)
    except OSError as error:
        fault = reason(error)
    if fault:
        raise DownloadError(
            f"{target.absolute()} cannot be used: {fault}; "
            f"delete it to have it downloaded, or replace it by {download.url} ({download.digest})"
        )
    return target


def _fault(file: BinaryIO | FileIO, download: Download, report: Report) -> str | None:
    """Returns what is wrong with the digest of a file; None if nothing is."""
    stage, algorithm = f"checking {download.file_name}", download.digest.partition(":")[0].lower()
    report(stage, 0.0)
    file.seek(0)
    digest = hashlib.new(algorithm, usedforsecurity=False)
    while data := file.read(_CHUNK):
        digest.update(data)
    found, expected = f"{algorithm}:{digest.hexdigest()}", download.digest.lower()
    report(stage, 1.0)
    return None if found.startswith(expected) else f"it has {found}, expected {expected}"


# --- the unfinished file


class UnfinishedFile:
    """The unfinished file `NAME.part`, which only this process writes while it is open.

    It is `whole` if all its bytes came in one piece from one server's answer.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path, self.file = path, file
        self.length = os.fstat(file.fileno()).st_size
        self.whole = False

    def append(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # a disk that is nearly full takes less than it is given
            written = self.file.write(rest)
            rest, self.length = rest[written:], self.length + written

    def empty(self) -> None:
        self.file.truncate(0)
        self.length = 0

    def move(self, target: Path) -> None:
        """Makes it the finished file, after its bytes have reached the disk."""
        os.fsync(self.file.fileno())
        os.replace(self.path, target)

    def is_there(self) -> bool:
        """Whether it is still the file that other processes find under its name."""
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(self.file.fileno()), self.path.stat())
        return False


@contextlib.contextmanager
def unfinished_file(target: Path, report: Report) -> Iterator[UnfinishedFile]:
    """Opens the `.part` of a file when no other process uses it.

    The lock is on the file itself: it ends with the process, however that ends, and leaves nothing behind.
    """
    import fcntl  # not on Windows, which only downloads need it for

    def open_no_link(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NOFOLLOW, 0o666)

    path = target.with_name(f"{target.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with open(path, "a+b", buffering=0, opener=open_no_link) as file:  # unbuffered: a full disk fails in `append`
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"waiting for another download of {target.name}", 0.0)
                fcntl.flock(file, fcntl.LOCK_EX)
            part = UnfinishedFile(path, file)
            if part.is_there():  # the process that had it may have moved it
                try:
                    yield part
                finally:
                    if part.length == 0 and part.is_there():
                        path.unlink()
                return


# --- the network


class _Refused(Exception):
    """The file cannot be downloaded. The text says why, in a few words."""


class _Interrupted(_Refused):
    """This attempt failed, another one may succeed."""


def _fill(part: UnfinishedFile, download: Download, target: Path, report: Report) -> None:
    """Downloads the rest of an unfinished file, or raises DownloadError."""
    import requests  # late: slow, and most files are in the cache

    try:
        with requests.Session() as session:
            session.headers.update({"User-Agent": f"tfgraphs/{__version__}", "Accept-Encoding": "identity"})
            session.max_redirects = _REDIRECTS
            fault = _complete(session, download, part, report)
            if fault and not part.whole:  # its pieces may come from different versions of the file
                part.empty()
                fault = _complete(session, download, part, report)
        if fault:
            part.empty()
            raise _Refused(f"the server sends another file than the published one: {fault}")
    except _Refused as error:
        raise DownloadError(
            f"cannot download {download.url}: {error}; you can get the file elsewhere "
            f"and save it as {target.absolute()} ({download.digest})"
        ) from error


def _complete(session: "requests.Session", download: Download, part: UnfinishedFile, report: Report) -> str | None:
    """Repeats attempts until the file is complete or several in a row fail. Returns what is wrong with the file."""
    waits, reached = iter(_WAITS), part.length
    while True:
        try:
            _attempt(session, download, part, report)
            return _fault(part.file, download, report)
        except _Interrupted:
            if part.length >= reached + _ADVANCE:
                waits, reached = iter(_WAITS), part.length
            wait = next(waits, None)
            if wait is None:
                raise
            time.sleep(wait)


def _attempt(session: "requests.Session", download: Download, part: UnfinishedFile, report: Report) -> None:
    """Sends one request for the missing bytes and appends the answer."""
    headers = {"Range": f"bytes={part.length}-"} if part.length else {}
    with _answer(session, download.url, headers) as response:
        total = _total(response, part)
        part.whole = response.status_code == HTTPStatus.OK
        if part.whole:
            part.empty()
        _receive(response, part, total, partial(report, f"downloading {download.file_name}"))


def _answer(session: "requests.Session", url: str, headers: dict[str, str]) -> "requests.Response":
    """Returns the answer to a GET. Follows redirects, but unlike `requests` not from https to http."""
    import requests
    import urllib3

    try:
        return session.get(url, headers=headers, stream=True, timeout=_TIMEOUTS, hooks={"response": _check_redirect})
    except requests.TooManyRedirects as error:
        raise _Refused(f"the server redirects more than {_REDIRECTS} times") from error
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
        kind = _Refused if isinstance(error, ValueError) else _Interrupted  # ValueError: an invalid address
        raise kind(_cause(error)) from error


def _check_redirect(response: "requests.Response", **_: object) -> None:
    if response.is_redirect:
        response.close()  # its body may be endless
        target = urljoin(response.url, response.headers["Location"])
        if urlsplit(target).scheme not in {urlsplit(response.url).scheme, "https"}:
            raise _Refused(f"the server redirects to {printable(target[:200])}, which is not followed")


def _total(response: "requests.Response", part: UnfinishedFile) -> int | None:
    """Returns the size of the whole file in bytes, if the server tells it. An answer without the file is an error."""
    status = response.status_code
    if status == HTTPStatus.OK:
        return response.raw.length_remaining  # Content-Length; None for a chunked body
    if status in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
        # "bytes 500-999/1000"; for status 416, if nothing is missing, "bytes */500"
        found = re.fullmatch(r"bytes (\d{1,18}|\*)(?:-\d+)?/(\d{1,18}|\*)", response.headers.get("Content-Range", ""))
        begins = found and found[1 if status == HTTPStatus.PARTIAL_CONTENT else 2]
        if not found or begins != str(part.length):
            part.empty()
            raise _Interrupted("the server sends another part of the file than requested")
        return None if found[2] == "*" else int(found[2])
    again = status in _RETRIED or status >= 500
    raise (_Interrupted if again else _Refused)(f"the server answers {status} {http.client.responses.get(status, '')}")


def _receive(
    response: "requests.Response", part: UnfinishedFile, total: int | None, report: Callable[[float], None]
) -> None:
    """Appends the body of an answer, up to the size of the file: some servers send more."""
    import urllib3

    limit = _LARGEST if total is None else total
    try:
        while part.length < limit:
            # Not decoded: the digest is that of these bytes, whatever encoding the server claims.
            data = response.raw.read(min(_CHUNK, limit - part.length), decode_content=False)
            if not data:
                break
            part.append(data)
            report(0.0 if total is None else part.length / total)
    except urllib3.exceptions.HTTPError as error:
        raise _Interrupted(f"{_cause(error)} after {part.length:,} bytes") from error
    if total is not None and part.length < total:
        raise _Interrupted(f"{_BROKEN} after {part.length:,} bytes")
    if total is None and part.length == limit:
        part.empty()
        raise _Refused(f"the server sends more than {limit:,} bytes")


def _cause(error: BaseException) -> str:
    """Returns the system's message behind an error of the network libraries: "connection refused"."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, TimeoutError):
            return "the server did not answer in time"
        if isinstance(cause, http.client.HTTPException):
            return _BROKEN
        if isinstance(cause, OSError) and cause.strerror:
            return printable(summary(cause))
        cause = cause.__cause__ or cause.__context__
    return printable(summary(error))
