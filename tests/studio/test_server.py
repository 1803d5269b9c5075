"""Routes without a browser: what is answered, what is refused, which headers all answers have."""

import json
import threading

import numpy as np
import pytest
from PIL import Image
from werkzeug.test import Client

from tfgraphs.errors import TfgraphsError
from tfgraphs.monitor.progress import Progress
from tfgraphs.studio import fonts, server
from tfgraphs.studio.guard import Guard
from tfgraphs.studio.jobs import Jobs, Work
from tfgraphs.studio.uploads import Uploads

PAGE = {"Origin": "http://localhost"}


class EchoTab:
    """A tab that has one of each."""

    name = "pairs"

    def __init__(self):
        self.gate = threading.Event()
        self.questions = {"echo": lambda state: state, "refuse": self.refuse, "fail": lambda _: 1 / 0}
        self.works = {"count": self.count}

    def refuse(self, state):
        raise TfgraphsError("not like this")

    def count(self, state):
        def run():
            for number in range(1, state["to"] + 1):
                yield Progress(number, f"step {number}", number / state["to"], 0.5, picture=np.ones((4, 4, 3)) * 0.5)
                if number == 1 and state.get("wait"):
                    assert self.gate.wait(30)

        return Work(run, lambda last: {"last": last.step})


@pytest.fixture
def tab():
    return EchoTab()


@pytest.fixture
def make_client(tmp_path, tab):
    def make(guard=None, on_page=lambda: None):
        results = tmp_path / "results"
        results.mkdir(exist_ok=True)
        application = server.Application(
            [tab],
            Jobs(tmp_path / "history"),
            Uploads(tmp_path / "uploads"),
            results,
            guard or Guard(80, ["localhost"]),
            on_page,
        )
        return Client(application)

    return make


@pytest.fixture
def client(make_client):
    client = make_client(Guard(80, ["localhost"]))
    client.environ_base = {"HTTP_HOST": "localhost:80"}
    return client


def get(client, path, **options):
    return client.get(path, headers={"Host": "localhost:80", **options.pop("headers", {})}, **options)


def post(client, path, value=None, **options):
    headers = {"Host": "localhost:80", "Origin": "http://localhost:80"}
    return client.post(path, headers=headers, json=value, **options)


@pytest.mark.parametrize("path", ["/", "/pairs", "/pairs?step=3"])
def test_the_page_has_the_parts_of_all_tabs(client, path):
    answer = get(client, path)
    assert answer.status_code == 200
    assert 'data-part="network"' in answer.text
    assert 'href="/pairs"' in answer.text
    assert "{" not in answer.text.replace('{"hidden_size"', "")


def test_every_script_and_style_is_sent_with_its_type(client):
    for path in server.STATIC.iterdir():
        answer = get(client, f"/static/{path.name}")
        assert answer.data == path.read_bytes()
        assert answer.headers["Content-Type"] == server._TYPES[path.suffix]


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/nothing", "/api/pairs/none"])
def test_all_answers_keep_the_page_to_itself(client, path):
    headers = get(client, path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/static/none.js",
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/api/results/../../etc/passwd",
        "/api/results/%2e%2e%2fsecret.png",
        "/api/results/.hidden.png",
        "/api/jobs/x/events",
        "/api/jobs/x/frames/0001.jpg",
    ],
)
def test_what_is_not_there_is_not_found(client, path, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    answer = get(client, path)
    assert answer.status_code == 404
    assert "error" in answer.json


def test_foreign_names_and_pages_are_refused(client):
    assert client.get("/", headers={"Host": "evil.example:80"}).status_code == 403
    assert get(client, "/", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post("/api/pairs/echo", json={}, headers={"Host": "localhost:80"}).status_code == 403


def test_a_question_is_answered(client):
    assert post(client, "/api/pairs/echo", {"step": 3}).json == {"step": 3}


@pytest.mark.parametrize(
    ("path", "value", "status", "error"),
    [
        ("/api/pairs/refuse", {}, 400, "not like this"),
        ("/api/pairs/fail", {}, 500, "internal error: division by zero"),
        ("/api/pairs/echo", [1], 400, "a question has to be a JSON object"),
        ("/api/pairs/none", {}, 404, "there is no such question"),
        ("/api/none/echo", {}, 404, "there is no such question"),
        ("/api/jobs/pairs/none", {}, 404, "there is no such work"),
        ("/api/pairs/echo", {"text": "x" * 2_000_000}, 413, "that is too much text"),
    ],
)
def test_a_mistake_is_one_line(client, path, value, status, error, caplog):
    answer = post(client, path, value)
    assert (answer.status_code, answer.json) == (status, {"error": error})


def test_what_is_no_json_is_refused(client):
    headers = {"Host": "localhost:80", "Origin": "http://localhost:80", "Content-Type": "application/json"}
    assert client.post("/api/pairs/echo", data="{", headers=headers).status_code == 400


def test_a_picture_is_brought_and_looked_at(client, tmp_path):
    Image.new("RGB", (2000, 500), "red").save(tmp_path / "red.png")
    headers = {"Host": "localhost:80", "Origin": "http://localhost:80"}
    brought = client.post("/api/pictures", data=(tmp_path / "red.png").read_bytes(), headers=headers).json
    answer = get(client, f"/api/pictures/{brought['picture']}")
    (tmp_path / "small.jpg").write_bytes(answer.data)
    with Image.open(tmp_path / "small.jpg") as small:
        assert small.size == (1024, 256)
    assert get(client, "/api/pictures/sample:swirls").status_code == 200
    assert client.post("/api/pictures", data=b"no picture", headers=headers).status_code == 400


def test_too_large_a_picture_is_refused(client, monkeypatch):
    monkeypatch.setattr(server, "MOST_BYTES", 10)
    headers = {"Host": "localhost:80", "Origin": "http://localhost:80"}
    assert client.post("/api/pictures", data=b"x" * 11, headers=headers).status_code == 413


def events_of(text):
    return [
        (int(block.split("\n")[0].removeprefix("id: ")), json.loads(block.split("data: ")[1]))
        for block in text.strip().split("\n\n")
        if block.startswith("id")
    ]


def test_a_run_is_followed_to_its_end_and_again_from_any_event(client):
    job = post(client, "/api/jobs/pairs/count", {"to": 2}).json["job"]
    events = events_of(get(client, f"/api/jobs/{job}/events").text)
    assert [number for number, _ in events] == list(range(1, len(events) + 1))
    assert events[-1][1]["kind"] == "done"
    assert events[-1][1]["result"] == {"last": 2}
    again = get(client, f"/api/jobs/{job}/events", headers={"Last-Event-ID": str(len(events) - 1)})
    assert events_of(again.text) == events[-1:]
    frame = get(client, f"/api/jobs/{job}/frames/{events[-1][1]['frame']}")
    assert frame.headers["Content-Type"] == "image/jpeg"
    assert get(client, f"/api/jobs/{job}/frames/..%2f0001.jpg").status_code == 404


def test_a_run_is_cancelled(client, tab):
    job = post(client, "/api/jobs/pairs/count", {"to": 50, "wait": True}).json["job"]
    assert post(client, f"/api/jobs/{job}/cancel").status_code == 200
    tab.gate.set()
    last = events_of(get(client, f"/api/jobs/{job}/events").text)[-1][1]
    assert last["kind"] == "cancelled"
    assert last.get("step", 0) < 50


def test_results_are_sent(client, tmp_path):
    (tmp_path / "results" / "pairs_20_steps.csv").write_text("a,b\n")
    answer = get(client, "/api/results/pairs_20_steps.csv")
    assert (answer.text, answer.headers["Content-Type"]) == ("a,b\n", "text/csv; charset=utf-8")


def test_the_token_of_the_address_becomes_a_cookie(make_client):
    client = make_client(Guard(80, None, "secret"))
    assert client.get("/").status_code == 403
    first = client.get("/?token=secret")
    assert first.status_code == 200
    assert "tfgraphs_token_80=secret; HttpOnly; Path=/; SameSite=Strict" in first.headers["Set-Cookie"]
    assert client.get("/").status_code == 200


def test_the_page_is_told_to_those_who_wait_for_it(make_client):
    shown = []
    client = make_client(on_page=lambda: shown.append(1))
    get(client, "/static/page.js")
    assert not shown
    get(client, "/pairs")
    assert shown == [1]


def test_a_free_port_is_found_and_one_in_use_is_an_error(tmp_path):
    ports = []

    def make_application(port):
        ports.append(port)
        return server.Application([], Jobs(tmp_path / "h"), Uploads(tmp_path / "u"), tmp_path, Guard(port))

    opened = server.listen("127.0.0.1", 0, make_application)
    assert ports == [opened.port]
    with pytest.raises(OSError, match="in use"):
        server.listen("127.0.0.1", opened.port, make_application)
    opened.server_close()


def test_samples_are_listed_that_are_on_this_machine(client):
    answer = get(client, "/api/pictures").json
    assert answer["paintings"] == ["sample:swirls", "sample:embers", "sample:waves"]
    for key in answer["photographs"] + answer["paintings"]:
        assert get(client, f"/api/pictures/{key}").status_code == 200


@pytest.mark.parametrize(("name", "kind"), [("cjk.css", "text/css; charset=utf-8"), ("cjk.otf", "font/otf")])
def test_the_font_of_the_extra_is_sent_and_kept_by_the_browser(client, name, kind):
    answer = get(client, f"/fonts/{name}")
    assert (answer.status_code, answer.content_type) == (200, kind)
    assert answer.headers.getlist("Cache-Control") == ["private, max-age=86400"]


def test_there_is_no_other_font(client):
    assert get(client, "/fonts/..%2Fserver.py").status_code == get(client, "/fonts/cjk.ttc").status_code == 404


def test_the_page_asks_for_the_font_only_if_it_is_installed(make_client, monkeypatch):
    assert "/fonts/cjk.css" in get(make_client(), "/").text
    monkeypatch.setattr(fonts, "packaged_font", lambda: None)
    client = make_client()
    assert "/fonts/" not in get(client, "/").text
    assert get(client, "/fonts/cjk.css").status_code == 404
