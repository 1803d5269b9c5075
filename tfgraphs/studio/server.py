"""The server of the page: which address does what, as a WSGI application of Werkzeug.

GET   /, /pairs, /words ...            the page; the rest of the address is the state of a tab
GET   /static/NAME                     its scripts, styles and pictures
GET   /fonts/NAME                      the font of the extra `cjk` and its style, if it is installed
POST  /api/TAB/QUESTION                a question, as JSON; the answer is JSON
GET   /api/pictures                    the keys of sample pictures
POST  /api/pictures                    a picture, as the body; the answer has its key
GET   /api/pictures/KEY                the same, small enough to look at
POST  /api/jobs/TAB/WORK               work that takes long; the answer has the key of the job
GET   /api/jobs/KEY/events             server-sent events of a job, after Last-Event-ID
GET   /api/jobs/KEY/frames/NAME        a picture on the way
POST  /api/jobs/KEY/cancel
GET   /api/results/NAME                a result, to look at or to keep
GET   /api/views/NAME                  a picture that a tab made to look at, one of the last
"""

import json
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException, NotFound, RequestEntityTooLarge
from werkzeug.routing import Map, Rule
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures import images, samples
from tfgraphs.studio import fonts
from tfgraphs.studio.guard import Guard
from tfgraphs.studio.jobs import Job, Jobs, Worker
from tfgraphs.studio.previews import SIDE, preview
from tfgraphs.studio.states import Question, State, StateError
from tfgraphs.studio.uploads import MOST_BYTES, Uploads
from tfgraphs.studio.views import Views

STATIC = Path(__file__).parent / "static"
KEEP_ALIVE = 10.0  # seconds; that a page was closed is noticed only when something is sent to it
_QUESTION_BYTES = 1 << 20
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".otf": "font/otf",
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_RESULT = re.compile(r"[\w-]+(\.[\w-]+)*\.(png|webp|csv)")

_log = logging.getLogger(__name__)


class Tab(Protocol):
    """What a tab of the page does.

    Attributes:
        name: in addresses.
        questions: functions of a state that answer at once, by name; states and answers are JSON.
        works: functions of a state that return work, by name.
    """

    name: str
    questions: Mapping[str, Question]
    works: Mapping[str, Worker]


class Application:
    """Answers requests.

    Args:
        tabs: of the page.
        jobs: for work that takes long.
        uploads: for pictures that people bring.
        results: folder in which tabs write results.
        guard: decides who may ask.
        on_page: called when the page was asked for, such as to start TensorFlow meanwhile.
        views: pictures that tabs make to look at.
    """

    def __init__(
        self,
        tabs: Sequence[Tab],
        jobs: Jobs,
        uploads: Uploads,
        results: Path,
        guard: Guard,
        on_page: Callable[[], None] = lambda: None,
        views: Views | None = None,
    ) -> None:
        self._tabs = {tab.name: tab for tab in tabs}
        self._jobs, self._uploads, self._results, self._guard, self._on_page = jobs, uploads, results, guard, on_page
        self._views = views or Views()
        self._static = {path.name: path for path in STATIC.iterdir()}
        self._page = _page(list(self._tabs))
        names = "any({}):tab".format(", ".join(self._tabs))
        self._addresses = Map(
            [
                Rule("/", endpoint=self._send_page, methods=["GET"]),
                Rule(f"/<{names}>", endpoint=self._send_page, methods=["GET"]),
                Rule("/static/<name>", endpoint=self._send_static, methods=["GET"]),
                Rule("/fonts/<name>", endpoint=self._send_font, methods=["GET"]),
                Rule("/api/pictures", endpoint=self._list_samples, methods=["GET"]),
                Rule("/api/pictures", endpoint=self._add_picture, methods=["POST"]),
                Rule("/api/pictures/<key>", endpoint=self._send_picture, methods=["GET"]),
                Rule("/api/results/<name>", endpoint=self._send_result, methods=["GET"]),
                Rule("/api/views/<name>", endpoint=self._send_view, methods=["GET"]),
                Rule("/api/jobs/<tab>/<name>", endpoint=self._submit, methods=["POST"]),
                Rule("/api/jobs/<key>/cancel", endpoint=self._cancel, methods=["POST"]),
                Rule("/api/jobs/<key>/events", endpoint=self._send_events, methods=["GET"]),
                Rule("/api/jobs/<key>/frames/<name>", endpoint=self._send_frame, methods=["GET"]),
                Rule("/api/<tab>/<name>", endpoint=self._answer, methods=["POST"]),
            ]
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        request.max_content_length = MOST_BYTES
        response = self._respond(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if self._guard.brings_token(request):
            response.set_cookie(self._guard.cookie, self._guard.token or "", httponly=True, samesite="Strict")
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        refusal = self._guard.refusal(request)
        if refusal:
            return _json({"error": refusal}, 403)
        try:
            endpoint, values = self._addresses.bind_to_environ(request.environ).match()
            return endpoint(request, **values)
        except HTTPException as error:
            return _json({"error": error.description}, error.code or 500)
        except TfgraphsError as error:
            return _json({"error": str(error)}, 400)
        except Exception as error:
            _log.exception("a request failed")
            return _json({"error": f"internal error: {error}"}, 500)

    def _send_page(self, _: Request, tab: str = "") -> Response:
        self._on_page()
        return Response(self._page, content_type=_TYPES[".html"])

    def _send_static(self, _: Request, name: str) -> Response:
        if name not in self._static:
            raise NotFound(f"there is no {name}")
        return _file(self._static[name])

    def _send_font(self, _: Request, name: str) -> Response:
        content = fonts.content(name)
        if content is None:
            raise NotFound(f"there is no {name}")
        kept = {"Cache-Control": "private, max-age=86400"}
        return Response(content, headers=kept, content_type=_TYPES[Path(name).suffix])

    def _answer(self, request: Request, tab: str, name: str) -> Response:
        question = self._tabs[tab].questions.get(name) if tab in self._tabs else None
        if question is None:
            raise NotFound("there is no such question")
        return _json(question(_state(request)))

    def _submit(self, request: Request, tab: str, name: str) -> Response:
        work = self._tabs[tab].works.get(name) if tab in self._tabs else None
        if work is None:
            raise NotFound("there is no such work")
        return _json({"job": self._jobs.submit(work(_state(request))).key})

    def _list_samples(self, _: Request) -> Response:
        kinds = {"photographs": samples.PHOTOGRAPHS, "paintings": samples.PAINTINGS}
        return _json({kind: samples.installed(names) for kind, names in kinds.items()})

    def _add_picture(self, request: Request) -> Response:
        length = request.content_length
        if length is None or length > MOST_BYTES:
            raise RequestEntityTooLarge(f"pictures of at most {MOST_BYTES >> 20} MB are taken")
        return _json({"picture": self._uploads.add(request.stream, length)})

    def _send_picture(self, _: Request, key: str) -> Response:
        picture = images.load(self._uploads.path(key), SIDE)
        return Response(preview(picture.over(1.0)), content_type=_TYPES[".jpg"])

    def _send_result(self, _: Request, name: str) -> Response:
        path = self._results / name
        if not _RESULT.fullmatch(name) or not path.is_file():
            raise NotFound(f"there is no result {name}")
        return _file(path)

    def _send_view(self, _: Request, name: str) -> Response:
        data = self._views.get(name)
        if data is None:
            raise NotFound("that picture is not here any more")
        return Response(data, content_type=_TYPES[Path(name).suffix])

    def _job(self, key: str) -> Job:
        job = self._jobs.get(key)
        if job is None:
            raise NotFound("that run is not here any more")
        return job

    def _cancel(self, _: Request, key: str) -> Response:
        self._jobs.cancel(self._job(key))
        return _json({})

    def _send_frame(self, _: Request, key: str, name: str) -> Response:
        path = self._job(key).folder / name
        if not re.fullmatch(r"\d+\.jpg", name) or not path.is_file():
            raise NotFound("there is no such picture")
        return _file(path)

    def _send_events(self, request: Request, key: str) -> Response:
        job, known = self._job(key), request.headers.get("Last-Event-ID", "0")
        after = int(known) if known.isascii() and known.isdigit() else 0
        return Response(_stream(job, after), content_type="text/event-stream")


def _stream(job: Job, after: int) -> Iterator[str]:
    """Yields the events of a job as a browser's EventSource reads them."""
    while True:
        new = job.events(after, KEEP_ALIVE)
        for after, event in new:
            yield f"id: {after}\ndata: {json.dumps(event)}\n\n"
        if job.ended and not job.events(after):
            return
        if not new:
            yield ": still here\n\n"


def _state(request: Request) -> State:
    """Returns the JSON object that a request brings."""
    if (request.content_length or 0) > _QUESTION_BYTES:
        raise RequestEntityTooLarge("that is too much text")
    state = request.get_json(silent=True)
    if not isinstance(state, dict):
        raise StateError("a question has to be a JSON object")
    return state


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value, allow_nan=False), status, content_type=_TYPES[".json"])


def _file(path: Path) -> Response:
    return Response(path.read_bytes(), content_type=_TYPES[path.suffix])


def _page(tabs: Sequence[str]) -> str:
    """Returns the page with the parts of all tabs."""
    parts = [
        f'<section id="{tab}" class="tab" role="tabpanel" aria-labelledby="tab-{tab}" hidden>\n'
        f"{(STATIC / f'{tab}.html').read_text(encoding='utf-8')}</section>\n"
        for tab in tabs
    ]
    links = [
        f'<a id="tab-{tab}" role="tab" href="/{tab}" aria-controls="{tab}" aria-selected="false">{tab.title()}</a>'
        for tab in tabs
    ]
    styles = [f'<link rel="stylesheet" href="/static/{tab}.css">' for tab in tabs if (STATIC / f"{tab}.css").exists()]
    if fonts.available():
        styles.append(f'<link rel="stylesheet" href="/fonts/{fonts.STYLE}">')
    page = (STATIC / "index.html").read_text(encoding="utf-8").replace("{styles}", "\n".join(styles))
    return page.replace("{tabs}", "\n".join(links)).replace("{sections}", "".join(parts))


class _QuietHandler(WSGIRequestHandler):
    """Does not log requests."""

    def log(self, type: str, message: str, *args: object) -> None:
        _log.debug(message, *args)


def listen(host: str, port: int, make_application: Callable[[int], Application]) -> BaseWSGIServer:
    """Opens a port; `serve_forever` of what is returned then answers, each request in a daemon thread.

    Args:
        host: address of this machine.
        port: 0 for any that is free.
        make_application: makes the application for the port.

    Raises:
        OSError: the port is in use, or the host is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as opened:
        port = opened.getsockname()[1]
        application = make_application(port)
        handler = _QuietHandler
        return make_server(host, port, application, threaded=True, request_handler=handler, fd=opened.fileno())


def in_background(function: Callable[[], object]) -> None:
    """Calls a function in a thread that ends with the process."""
    threading.Thread(target=function, daemon=True).start()
