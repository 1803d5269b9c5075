"""The command `studio`: the page is there at once, says where, ends by Ctrl-C, and does not share its folder."""

import json
import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest


class Studio:
    """A running command, and requests to it."""

    def __init__(self, forked, folder, *flags):
        self.run = forked.start("studio", "--no_browser", "--port=0", *flags, cwd=folder)
        deadline = time.monotonic() + 60
        while "\n" not in (printed := self.run.printed()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.line = printed
        self.address = re.search(r"http://\S+", printed)[0]

    def get(self, path="", headers=None):
        request = urllib.request.Request(self.address.partition("?")[0] + path, headers=headers or {})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def ask(self, path, state):
        origin = {"Origin": self.address.partition("?")[0].rstrip("/"), "Content-Type": "application/json"}
        request = urllib.request.Request(self.address + path, json.dumps(state).encode(), origin)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read())

    def end(self):
        os.kill(self.run.pid, signal.SIGINT)
        return self.run.wait()


@pytest.fixture
def studio(forked, tmp_path):
    opened = Studio(forked, tmp_path)
    yield opened
    opened.end()


def test_the_page_is_there_and_ends_by_an_interruption(forked, tmp_path):
    studio = Studio(forked, tmp_path)
    assert studio.line == f"studio: {studio.address}   Ctrl-C ends it\n"
    assert b"tfgraphs <span>studio</span>" in studio.get()
    ended = studio.end()
    assert (ended.returncode, ended.stderr) == (0, "")


def test_it_listens_on_this_machine_only(studio):
    port = int(studio.address.rstrip("/").rpartition(":")[2])
    assert studio.address == f"http://127.0.0.1:{port}/"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        studio.get(headers={"Host": "evil.example"})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        try:
            outside.connect(("192.0.2.1", 9))  # sends nothing, and tells this machine's address in its network
        except OSError:
            return
        other = outside.getsockname()[0]
    with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
        socket.create_connection((other, port), timeout=2)


def test_pairs_are_trained(studio):
    shown = studio.ask("api/pairs/draw", {"step": 100})
    assert shown["step"] == 100
    assert shown["loss"] < 2


def test_what_is_exported_is_in_the_folder(studio, tmp_path):
    name = studio.ask("api/pairs/export", {"step": 12})["result"]
    assert (tmp_path / "out" / "studio" / name).read_bytes() == studio.get(f"api/results/{name}")


def test_other_addresses_need_the_token_that_is_printed(forked, tmp_path):
    studio = Studio(forked, tmp_path, "--host=0.0.0.0")
    try:
        with pytest.raises(urllib.error.HTTPError, match="403"):
            studio.get()
        token = studio.address.rstrip("/").partition("?token=")[2]
        assert len(token) >= 32
        assert b"studio" in studio.get(f"?token={token}")
    finally:
        studio.end()


def test_a_second_one_in_the_same_folder_is_refused(studio, forked, tmp_path):
    done = forked("studio", "--no_browser", "--port=0", cwd=tmp_path)
    assert done.returncode == 2
    assert ".studio" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_one_clear_error(forked, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = forked("studio", "--no_browser", f"--port={port}", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"studio: cannot listen on 127.0.0.1:{port}, address already in use: try --port=0\n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["photo.jpg"], "'photo.jpg' is not a flag"),
        (["--port=70000"], "port"),
        (["--host=no.such.host.invalid"], "cannot listen on no.such.host.invalid"),
    ],
)
def test_a_mistake_is_one_line(forked, tmp_path, flags, message):
    done = forked("studio", "--no_browser", *flags, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr
