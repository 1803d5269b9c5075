"""Weight files from their publishers: fetched once, continued when broken off, and used only as published.

    path = fetch(Download("https://example.org/vgg19.h5", "md5:cbe5617147190e668d6c5d5026f83318"))

The bytes gather in `NAME.part` beside the finished file, with a note in `NAME.part.json` of where they are from, and
are moved to `NAME` when their digest is right. Several processes may ask for the same file: the first one locks the
`.part`, the others wait and find the finished file.
"""

import contextlib
import hashlib
import http.client
import json
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

from tfgraphs.errors import TfgraphsError, reason
from tfgraphs.files.outputs import OutputError
from tfgraphs.version import __version__

if TYPE_CHECKING:
    import requests

_DIGEST = re.compile(r"(md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{8,64})", re.IGNORECASE)
_TIMEOUTS = (10.0, 30.0)  # seconds: for the connection, and for the next bytes on it
_WAITS = (0.5, 1.0, 2.0)  # seconds between tries; there is one more of these
_ADVANCE = 1 << 20  # a try that brought so many bytes was no failure: the waits begin anew
_REDIRECTS = 5
_LARGEST = 16 << 30  # bytes of a file whose size nobody tells
_CHUNK = 1 << 16
_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_BROKEN = "the connection broke off"

Report = Callable[[str, float], None]


class DownloadError(TfgraphsError):
    """A file cannot be had as it was published."""


@dataclass(frozen=True)
class Download:
    """A published file.

    Attributes:
        url: its address, http or https.
        digest: "md5:", "sha1:" or "sha256:" and the hexadecimal digits, as published; of SHA-256 the first 8 will do.
            Only all of its digits withstand somebody who makes another file on purpose, the others find damage.
        size: bytes, if published.
        name: of the file in the cache. By default the last part of the address' path.

    Raises:
        DownloadError: the digest is none of these, or the name is a path, which might lead out of the cache.
    """

    url: str
    digest: str
    size: int | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if not _DIGEST.fullmatch(self.digest):
            raise DownloadError(f"{self.digest!r} is no digest: write md5:, sha1: or sha256: and all of its digits")
        name = self.file_name
        if name in {"", ".", ".."} or set(name) & set("/\\:") or not name.isprintable() or ".part" in name:
            raise DownloadError(f"{name!r} is no name of a file: give the download of {self.url} another one")

    @property
    def file_name(self) -> str:
        """The name of the file in the cache."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2]) if self.name is None else self.name


def cache_folder() -> Path:
    """The folder for weight files: TFGRAPHS_CACHE, by default checkpoints/weights in TFGRAPHS_HOME."""
    home = os.environ.get("TFGRAPHS_HOME", ".")
    return Path(os.environ.get("TFGRAPHS_CACHE") or Path(home) / "checkpoints" / "weights")


def fetch(download: Download, folder: Path | None = None, report: Report = lambda stage, share: None) -> Path:
    """Returns the path of a published file, which is downloaded if it is not in the cache.

    A file that is there, by an earlier download or by hand, is read through and compared with its digest each time:
    that costs less than what follows with it, and no note that it was right once can go wrong. One that fails is
    neither used nor touched. Proxies and certificates are those of the environment, as `requests` takes them.

    Args:
        download: what to fetch.
        folder: the cache, by default `cache_folder()`.
        report: called with what is being done and its share that is done, 0..1.

    Raises:
        DownloadError: the file in the cache is not the published one, or it cannot be downloaded.
        OutputError: the cache cannot be written. What came so far stays, and the next call goes on from there.
    """
    target = (cache_folder() if folder is None else Path(folder)) / download.file_name
    try:
        while not os.path.lexists(target):  # what has the name, even a link to nowhere, is not ours to replace
            with _locked_part(target, report) as part:
                if not os.path.lexists(target):
                    _fill(part, download, target, report)
                if not os.path.lexists(target):
                    part.move(target)
                    return target
                part.empty()  # it was there first, by a process that was faster or by hand
    except OSError as error:
        raise OutputError(f"cannot write {target}: {reason(error)}") from error
    _check_cached(target, download, report)
    return target


def _check_cached(target: Path, download: Download, report: Report) -> None:
    """Raises DownloadError if what is in the cache is not the published file."""
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


def _fault(file: BinaryIO | FileIO, download: Download, report: Report) -> str | None:
    """What is wrong with the bytes of a file: their digest or, should that be right, their number."""
    stage, algorithm = f"checking {download.file_name}", download.digest.partition(":")[0].lower()
    report(stage, 0.0)
    file.seek(0)
    digest = hashlib.new(algorithm, usedforsecurity=False)
    while data := file.read(_CHUNK):
        digest.update(data)
    size, found, expected = file.tell(), f"{algorithm}:{digest.hexdigest()}", download.digest.lower()
    report(stage, 1.0)
    if not found.startswith(expected):
        return f"it has {found} and not {expected}"
    return None if download.size in (None, size) else f"it has {size:,} bytes and not the published {download.size:,}"


# --- the unfinished file


class _Part:
    """The unfinished file, which only this process writes while it has it open.

    Attributes:
        length: its bytes so far.
        whole: it began with this process and came in one piece.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path, self.file = path, file
        self.note = path.with_name(f"{path.name}.json")
        self.length = os.fstat(file.fileno()).st_size
        self.whole = False

    def validator(self, download: Download) -> str | None:
        """The value for If-Range with which the file can be continued, if the server gave one.

        A file that does not belong to this download, or of which that is not known, is emptied.
        """
        try:
            *origin, validator = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):
            origin, validator = [], None
        if origin != [download.url, download.digest]:
            self.empty()
        return validator if self.length else None

    def begin(self, download: Download, validator: str | None) -> None:
        """Notes where the bytes that follow are from. The file is emptied before, so that they cannot be others."""
        self.empty()
        self.note.write_text(json.dumps([download.url, download.digest, validator]), encoding="utf-8")
        self.whole = True

    def append(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # near the end of a disk, less is written than asked
            written = self.file.write(rest)
            rest, self.length = rest[written:], self.length + written

    def empty(self) -> None:
        self.file.truncate(0)
        self.length = 0

    def move(self, target: Path) -> None:
        """Makes it the finished file, which is on the disk by then even if the power fails."""
        os.fsync(self.file.fileno())
        os.replace(self.path, target)
        self.note.unlink(missing_ok=True)

    def is_there(self) -> bool:
        """Tells whether it is (still) the file that another process would find under its name."""
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(self.file.fileno()), self.path.stat())
        return False


@contextlib.contextmanager
def _locked_part(target: Path, report: Report) -> Iterator[_Part]:
    """Opens the `.part` of a file when no other process has it.

    The lock is on the file itself: it ends with the process, however that ends, and leaves nothing behind.
    """
    import fcntl  # not on Windows, where everything but downloads does without

    path = target.with_name(f"{target.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a+b", buffering=0) as file:  # a full disk shows where it is met, not when the file is closed
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"waiting for another download of {target.name}", 0.0)
                fcntl.flock(file, fcntl.LOCK_EX)
            part = _Part(path, file)
            if part.is_there():  # and was not moved or taken away by whoever had it before
                try:
                    yield part
                finally:
                    if part.length == 0 and part.is_there():
                        part.note.unlink(missing_ok=True)
                        path.unlink()
                return


# --- the network


class _Refused(Exception):
    """No further try would bring the file. The text says why, in a few words."""


class _Interrupted(_Refused):
    """Another try may bring what this one did not."""


def _fill(part: _Part, download: Download, target: Path, report: Report) -> None:
    """Downloads what an unfinished file lacks; raises DownloadError unless it is as published then."""
    import requests  # takes its time, and most files are there already

    try:
        with requests.Session() as session:
            session.headers.update({"User-Agent": f"tfgraphs/{__version__}", "Accept-Encoding": "identity"})
            fault = _complete(session, download, part, report)
            if fault and not part.whole:  # its pieces may be of different files
                part.empty()
                fault = _complete(session, download, part, report)
        if fault:
            part.empty()
            raise _Refused(f"what came is not the published file: {fault}")
    except _Refused as error:
        raise DownloadError(
            f"cannot download {download.url}: {error}; without it, "
            f"get the file elsewhere and put it there as {target.absolute()} ({download.digest})"
        ) from error


def _complete(session: "requests.Session", download: Download, part: _Part, report: Report) -> str | None:
    """Tries until no more bytes are to come, or several times in a row for next to nothing; tells what is wrong."""
    waits, reached = iter(_WAITS), part.length
    while True:
        try:
            _try(session, download, part, report)
            return _fault(part.file, download, report)
        except _Interrupted:
            if part.length >= reached + _ADVANCE:
                waits, reached = iter(_WAITS), part.length
            wait = next(waits, None)
            if wait is None:
                raise
            time.sleep(wait)


def _try(session: "requests.Session", download: Download, part: _Part, report: Report) -> None:
    """Asks once for what is lacking, and appends what comes."""
    validator = part.validator(download)
    headers = {"Range": f"bytes={part.length}-"} if part.length else {}
    if validator:
        headers["If-Range"] = validator
    with _answer(session, download.url, headers) as response:
        total = _total(response, part)
        if total is not None and download.size not in (None, total):
            raise _Refused(f"the server has {total:,} bytes and not the published {download.size:,}")
        if response.status_code == HTTPStatus.OK:
            part.begin(download, _validator(response))
        else:
            part.whole = False
        total = download.size if total is None else total
        _receive(response, part, total, partial(report, f"downloading {download.file_name}"))


def _answer(session: "requests.Session", url: str, headers: dict[str, str]) -> "requests.Response":
    """The answer to a GET, after redirects: `requests` would follow also from https to http, and read their bodies."""
    import requests
    import urllib3

    for _ in range(1 + _REDIRECTS):
        try:
            request = session.prepare_request(requests.Request("GET", url, headers))
            settings = session.merge_environment_settings(str(request.url), {}, True, None, None)
            response = session.get_adapter(str(request.url)).send(request, timeout=_TIMEOUTS, **settings)
            if not response.is_redirect:
                return response
            response.close()
            url = _redirected(url, response.headers["Location"])
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            kind = _Refused if isinstance(error, ValueError) else _Interrupted  # ValueError: the address is none
            raise kind(_cause(error)) from error
    raise _Refused(f"the server redirects more than {_REDIRECTS} times")


def _redirected(url: str, location: str) -> str:
    """The address to which a server points from another one."""
    target = urljoin(url, location)
    if urlsplit(target).scheme not in {urlsplit(url).scheme, "https"}:
        raise _Refused(f"the server redirects to {_line(target)}, which is not followed")
    return target


def _total(response: "requests.Response", part: _Part) -> int | None:
    """The number of bytes of the whole file, if the server tells.

    Raises:
        _Interrupted: the server has troubles, or gives another part than was asked for; then the file is emptied.
        _Refused: the server gives an answer without the file.
    """
    status = response.status_code
    if status == HTTPStatus.OK:
        return response.raw.length_remaining  # Content-Length, unless the body comes in chunks
    if status in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
        # "bytes 500-999/1000", or from 416, if nothing is lacking, "bytes */500"
        found = re.fullmatch(r"bytes (\d{1,18}|\*)(?:-\d+)?/(\d{1,18}|\*)", response.headers.get("Content-Range", ""))
        begins = found and found[1 if status == HTTPStatus.PARTIAL_CONTENT else 2]
        if not found or begins != str(part.length):
            part.empty()
            raise _Interrupted("the server gives another part of the file than it was asked for")
        return None if found[2] == "*" else int(found[2])
    again = status in _LATER or status >= 500
    raise (_Interrupted if again else _Refused)(f"the server answers {status} {http.client.responses.get(status, '')}")


def _validator(response: "requests.Response") -> str | None:
    """What tells this version of a file from others: an ETag, unless it is a weak one, or the time of its change."""
    etag = response.headers.get("ETag", "")
    value = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
    return value if value and value.isprintable() else None


def _receive(response: "requests.Response", part: _Part, total: int | None, report: Callable[[float], None]) -> None:
    """Appends a body, but nothing beyond the end of the file: some servers send more than they promise."""
    import urllib3

    limit = _LARGEST if total is None else total
    try:
        while part.length < limit:
            # As it is: whatever encoding the server claims, the digest is that of these bytes.
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
    """What the system said at the bottom of the network libraries' errors: "connection refused"."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, TimeoutError):
            return "the server did not answer in time"
        if isinstance(cause, http.client.HTTPException):
            return _BROKEN
        if isinstance(cause, OSError) and cause.strerror:
            return _line(reason(cause))
        cause = cause.__cause__ or cause.__context__
    return _line(reason(error))


def _line(text: str) -> str:
    """What others say, fit for a line on a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:200])
