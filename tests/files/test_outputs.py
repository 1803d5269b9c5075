"""Results are whole or not there, and nothing good is lost on the way."""

import errno
import os
import re
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tfgraphs.files import outputs
from tfgraphs.files.outputs import OutputError, atomic_file, atomic_folder, check_folder, check_writable

FULL = OSError(errno.ENOSPC, "No space left on device")
FAILURES = [
    pytest.param(FULL, OutputError, id="disk full"),
    pytest.param(RuntimeError("loss is not finite"), RuntimeError, id="error"),
    pytest.param(KeyboardInterrupt(), KeyboardInterrupt, id="interrupt"),
]


def everything(folder: Path) -> dict[str, bytes | None]:
    """What a folder holds: contents by path, None for a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def begin_and_fail(path: Path, failure: BaseException) -> None:
    path.write_bytes(b"half of the ne")
    raise failure


# --- one file


@pytest.mark.parametrize("old", [None, b"old"])
def test_file_is_replaced_only_at_the_end(tmp_path, old):
    path = tmp_path / "result.bin"
    if old is not None:
        path.write_bytes(old)
    with atomic_file(path) as temporary:
        temporary.write_bytes(b"new")
        during = path.read_bytes() if path.exists() else None
    assert (during, everything(tmp_path)) == (old, {"result.bin": b"new"})


@pytest.mark.parametrize(("failure", "raised"), FAILURES)
@pytest.mark.parametrize("before", [{}, {"result.bin": b"old"}])
def test_failed_file_leaves_everything_as_it_was(tmp_path, before, failure, raised):
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(raised), atomic_file(tmp_path / "result.bin") as temporary:
        begin_and_fail(temporary, failure)
    assert everything(tmp_path) == before


def test_full_disk_is_told_in_one_line(tmp_path):
    with pytest.raises(OutputError) as caught, atomic_file(tmp_path / "result.bin"):
        raise FULL
    assert str(caught.value) == f"cannot write {tmp_path / 'result.bin'}: no space left on device"


def test_file_that_was_not_written_leaves_the_old_one(tmp_path):
    (tmp_path / "result.bin").write_bytes(b"old")
    with pytest.raises(OutputError, match=re.escape("result.bin")), atomic_file(tmp_path / "result.bin"):
        pass
    assert everything(tmp_path) == {"result.bin": b"old"}


def test_missing_folders_of_a_file_are_made(tmp_path):
    with atomic_file(tmp_path / "new" / "newer" / "result.bin") as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "new" / "newer" / "result.bin").read_bytes() == b"new"


@pytest.mark.parametrize("place", ["file/result.bin", "file/below/result.bin", "folder"])
def test_file_in_an_impossible_place_is_refused(tmp_path, place):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=re.escape(f"cannot write {tmp_path / place}: ")):
        with atomic_file(tmp_path / place) as temporary:
            temporary.write_bytes(b"new")
    assert everything(tmp_path) == {"file": b"content", "folder": None}


# --- the check before a long run


@pytest.mark.parametrize("place", ["new.png", "old.png", "missing/new.png", "missing/far/below/new.png"])
def test_writable_place_is_accepted_and_left_alone(tmp_path, place):
    (tmp_path / "old.png").write_bytes(b"old")
    check_writable(tmp_path / place)
    assert everything(tmp_path) == {"old.png": b"old"}


def test_relative_place_is_accepted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_writable("missing/new.png")


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("folder", "is a folder"),
        ("file/new.png", "not a directory"),
        ("file/far/below/new.png", "not a directory"),
        ("n" * 300 + ".png", "file name too long"),
        ("folder/" + "n" * 300 + "/new.png", "file name too long"),
    ],
)
def test_impossible_place_is_refused_in_one_line(tmp_path, place, reason):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError) as caught:
        check_writable(tmp_path / place)
    assert re.fullmatch(f".*{re.escape(str(tmp_path / place))}.*{reason}.*", str(caught.value))


@pytest.mark.parametrize("check", [check_writable, lambda path: check_folder(path, "marker")])
@pytest.mark.parametrize("address", ["s3://cats/dream.png", "https://example.com/dream.png"])
def test_nothing_is_written_to_an_address(check, address):
    with pytest.raises(OutputError, match=f"^{address} is an address, to which nothing is sent"):
        check(address)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_place_that_the_system_keeps_is_refused():
    with pytest.raises(OutputError, match=r"cannot write /proc/new\.png"):
        check_writable("/proc/new.png")


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder that the user of the test may not enter."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)


@pytest.mark.parametrize("place", ["new.png", "far/below/new.png"])
def test_locked_folder_is_refused(locked, place):
    with pytest.raises(OutputError, match="permission denied"):
        check_writable(locked / place)


# --- a folder

MARKER = "model.json"
EARLIER = {"result": None, "result/model.json": b"old", "result/weights": b"old", "result/assets": None}


def make(folder: Path, content: dict[str, bytes | None]) -> None:
    for name, data in content.items():
        if data is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(data)


@pytest.mark.parametrize("before", [{}, {"result": None}, EARLIER], ids=["nothing", "empty", "earlier result"])
def test_folder_is_replaced_only_at_the_end(tmp_path, before):
    make(tmp_path, before)
    with atomic_folder(tmp_path / "result", MARKER) as temporary:
        (temporary / MARKER).write_bytes(b"new")
        during = everything(tmp_path / "result")
    old = {name.removeprefix("result/"): data for name, data in before.items() if name != "result"}
    assert (during, everything(tmp_path)) == (old, {"result": None, "result/model.json": b"new"})


@pytest.mark.parametrize(("failure", "raised"), FAILURES)
@pytest.mark.parametrize("before", [{}, {"result": None}, EARLIER], ids=["nothing", "empty", "earlier result"])
def test_failed_folder_leaves_everything_as_it_was(tmp_path, before, failure, raised):
    make(tmp_path, before)
    with pytest.raises(raised), atomic_folder(tmp_path / "result", MARKER) as temporary:
        begin_and_fail(temporary / MARKER, failure)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "before",
    [{"result": None, "result/thesis.tex": b"years"}, {"result": None, "result/models": None}, {"result": b"years"}],
    ids=["foreign file", "foreign folder", "file in its place"],
)
def test_folder_with_something_else_is_refused_at_once(tmp_path, before):
    make(tmp_path, before)
    with pytest.raises(OutputError, match=rf"result exists and .*{MARKER}.*choose another"):
        with atomic_folder(tmp_path / "result", MARKER):
            pytest.fail("the work was begun")
    assert everything(tmp_path) == before


def test_earlier_folder_survives_a_failed_move(tmp_path):
    make(tmp_path, EARLIER)
    with pytest.raises(OutputError), atomic_folder(tmp_path / "result", MARKER) as temporary:
        shutil.rmtree(temporary)
    assert everything(tmp_path) == EARLIER


def test_folder_behind_a_link_is_replaced_without_leftovers(tmp_path):
    make(tmp_path, EARLIER)
    (tmp_path / "latest").symlink_to(tmp_path / "result")
    with atomic_folder(tmp_path / "latest", MARKER) as temporary:
        (temporary / MARKER).write_bytes(b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "result"]


def test_folder_below_a_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(OutputError) as caught, atomic_folder(tmp_path / "file" / "result", MARKER):
        pytest.fail("the work was begun")
    assert str(caught.value) == f"cannot write {tmp_path / 'file' / 'result'}: file exists"


# --- killed processes and power failures


@pytest.fixture(params=["exchange", "no exchange"])
def system(request, monkeypatch):
    """Systems that can exchange two names, and others."""
    if request.param == "no exchange":
        monkeypatch.setattr(outputs, "_exchange", lambda *_: False)
    return request.param


@pytest.mark.parametrize("moment", range(8))
def test_a_process_that_is_killed_anywhere_in_the_replacing_loses_nothing(tmp_path, system, monkeypatch, moment):
    make(tmp_path, EARLIER)
    calls = []

    def die_at_the_moment(call):
        def die_or_call(*arguments, **options):
            calls.append(call)
            if len(calls) == moment + 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return die_or_call

    child = os.fork()
    if not child:
        for owner, name in ((os, "rename"), (os, "fsync"), (outputs, "_exchange"), (shutil, "rmtree")):
            monkeypatch.setattr(owner, name, die_at_the_moment(getattr(owner, name)))
        with atomic_folder(tmp_path / "result", MARKER) as temporary:
            (temporary / MARKER).write_bytes(b"new")
        os._exit(0)
    os.waitpid(child, 0)

    shown = everything(tmp_path / "result") if (tmp_path / "result").exists() else None
    assert system == "no exchange" or shown in ({MARKER: b"new"}, {MARKER: b"old", "weights": b"old", "assets": None})
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "result", MARKER):
        raise RuntimeError  # the next one fails in another way
    assert everything(tmp_path / "result") in ({MARKER: b"new"}, {MARKER: b"old", "weights": b"old", "assets": None})
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_what_killed_processes_left_of_a_file_is_deleted_with_the_next_one(tmp_path):
    child = os.fork()
    if not child:
        with atomic_file(tmp_path / "result.bin") as temporary:
            temporary.write_bytes(b"half")
            os._exit(9)
    os.waitpid(child, 0)
    (tmp_path / ".other.bin.0123456789abcdef0123456789abcdef.part").write_bytes(b"of another output")
    assert len(list(tmp_path.iterdir())) == 3
    with atomic_file(tmp_path / "result.bin") as temporary:
        temporary.write_bytes(b"new")
    assert sorted(everything(tmp_path)) == [".other.bin.0123456789abcdef0123456789abcdef.part", "result.bin"]


def test_everything_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    happened = []

    def noted(call, *arguments):
        path = arguments[-1] if call.__name__ != "fsync" else os.readlink(f"/proc/self/fd/{arguments[0]}")
        happened.append((call.__name__, Path(path).name.partition(".")[0] or "temporary"))
        return call(*arguments)

    for name in ("fsync", "rename", "replace"):
        monkeypatch.setattr(os, name, partial(noted, getattr(os, name)))
    with atomic_file(tmp_path / "file") as temporary:
        temporary.write_bytes(b"new")
    assert happened == [("fsync", "temporary"), ("replace", "file"), ("fsync", tmp_path.name)]
    happened.clear()
    with atomic_folder(tmp_path / "folder", MARKER) as temporary:
        (temporary / "inside").mkdir()
        (temporary / "inside" / "model.json").write_bytes(b"new")
    synchronised = ["temporary", "model", "inside"]
    assert happened == [*(("fsync", name) for name in synchronised), ("rename", "folder"), ("fsync", tmp_path.name)]


@pytest.mark.parametrize("name", ["n" * 251 + ".png", "n" * 250])
def test_the_longest_names_can_be_written(tmp_path, name):
    with atomic_file(tmp_path / name) as temporary:
        temporary.write_bytes(b"new")
    assert everything(tmp_path) == {name: b"new"}
