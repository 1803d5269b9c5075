"""Only one process writes an output: others wait or are told who does; the dead are no obstacle; nothing is left."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tfgraphs.files import locks
from tfgraphs.files.locks import OutputError, hold, locked, release_all

CHECKOUT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys, time
from tfgraphs.files import locks
locks.hold(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
locks.release_all()
"""


@pytest.fixture(autouse=True)
def _released():
    yield
    release_all()


@pytest.fixture
def holder(tmp_path):
    """Another process that has the lock of `out`, until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "out")],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_lock_leaves_nothing(tmp_path):
    with locked(tmp_path / "new" / "far" / "out"):
        assert (tmp_path / "new" / "far" / ".out.lock").exists()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_used_stays(tmp_path):
    with locked(tmp_path / "new" / "out"):
        (tmp_path / "new" / "out").write_text("result")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


def test_the_thread_that_has_a_lock_may_take_it_again_and_others_may_not(tmp_path):
    refused = []

    def try_it():
        try:
            hold(tmp_path / "out")
        except OutputError as error:
            refused.append(str(error))

    with locked(tmp_path / "out"), locked(tmp_path / "out"):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert f"process {os.getpid()}" in refused[0]
    assert not list(tmp_path.iterdir())


def test_another_process_is_named_at_once(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(locks.time, "sleep", lambda seconds: pytest.fail(f"waits for {seconds} s"))
    with pytest.raises(OutputError) as caught, locked(tmp_path / "out"):
        pass
    year = time.strftime("%Y-")
    assert f"{tmp_path / 'out'} is being written by process {holder.pid} (-c {tmp_path / 'out'}) since {year}" in str(
        caught.value
    )


def test_another_process_is_waited_for(tmp_path, holder):
    def end(text):
        told.append(text)
        if len(told) == 2:
            holder.communicate("\n")

    told = []
    with locked(tmp_path / "out", wait=60, on_wait=end):
        assert f"process {holder.pid} " in told[0]
    assert not list(tmp_path.iterdir())


def test_a_killed_process_is_no_obstacle(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / ".out.lock").exists()
    with locked(tmp_path / "out"):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 5000, b'{"process": "\x1b", "since": 1e300}'])
def test_what_a_holder_says_is_not_trusted(tmp_path, holder, content):
    (tmp_path / ".out.lock").write_bytes(content)
    with pytest.raises(OutputError, match="out is being written by another process"):
        hold(tmp_path / "out")


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path):
    (tmp_path / "letter").write_text("dear")
    (tmp_path / ".out.lock").symlink_to(tmp_path / "letter")
    with pytest.raises(OSError, match="symbolic links"):
        hold(tmp_path / "out")
    assert (tmp_path / "letter").read_text() == "dear"


def test_without_locks_of_the_system_nothing_is_locked(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with locked(tmp_path / "out") as sure:
        assert not sure
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["n" * 255, "\u00e4" * 127, os.fsdecode(b"\xff\xfe")])
def test_any_name_can_be_locked(tmp_path, name):
    with locked(tmp_path / name):
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())


MANY = """
import sys
from pathlib import Path
from tfgraphs.files.locks import locked
counter = Path(sys.argv[1], "deep", "counter")
for _ in range(100):
    with locked(counter, wait=60):
        counter.write_text(str(int(counter.read_text() if counter.exists() else 0) + 1))
"""


def test_processes_take_turns(tmp_path):
    processes = [subprocess.Popen([sys.executable, "-c", MANY, str(tmp_path)], cwd=CHECKOUT) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert (tmp_path / "deep" / "counter").read_text() == "300"
    assert locks._held == {}
