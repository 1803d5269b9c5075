"""How runs are told apart, and what is continued."""

import os

import pytest

from tfgraphs.cli.shared import inputs, run_state
from tfgraphs.cli.shared.run_state import ResumeError, RunState
from tfgraphs.files import locks

ORIGIN = {"command": "deepdream", "flags": {"layer": "fire7"}}


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photos" / "photo.png"
    path.parent.mkdir()
    path.write_bytes(b"a photograph")
    return path


@pytest.fixture(autouse=True)
def states(tmp_path, monkeypatch):
    monkeypatch.setattr(run_state.CHECKPOINT_DIR._flagvalues["checkpoint_dir"], "value", str(tmp_path / "states"))
    yield tmp_path / "states"
    locks.release_all()


def save_and_interrupt(state):
    with state.interruptible():
        state.write("step", "3")
        raise KeyboardInterrupt


def begin(origin, sources):
    """Begins a run that is interrupted when it has saved something."""
    state = RunState("dream", origin, sources)
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        save_and_interrupt(state)
    locks.release_all()
    return state.folder


@pytest.fixture
def resume(monkeypatch):
    def resume(origin, sources):
        monkeypatch.setattr(run_state.RESUME._flagvalues["resume"], "value", True)
        return RunState("dream", origin, sources)

    return resume


def test_the_same_flags_and_files_are_continued(photo, resume):
    folder = begin(ORIGIN, [photo])
    state = resume(dict(ORIGIN), [photo])
    assert (state.folder, state.read("step")) == (folder, "3")


def test_other_flags_are_another_run(photo, resume):
    begin(ORIGIN, [photo])
    with pytest.raises(ResumeError, match=r"no interrupted run with these flags is in .*states: start it without"):
        resume({"command": "deepdream", "flags": {"layer": "fire9"}}, [photo])


def test_the_same_name_in_another_folder_is_another_run(photo, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photo.png").write_bytes(b"a photograph")
    first, second = begin(ORIGIN, [photo]), begin(ORIGIN, [tmp_path / "other" / "photo.png"])
    assert first != second
    assert first.exists()


def change(path):
    path.write_bytes(b"b photograph")


@pytest.mark.parametrize(
    ("accident", "words"),
    [
        (change, "photo.png has changed"),
        (lambda path: path.write_bytes(b"another one"), "photo.png has changed"),
        (lambda path: path.unlink(), "photo.png is gone"),
        (lambda path: path.with_name("photo2.png").write_bytes(b""), "photo2.png is new"),
    ],
)
def test_a_changed_file_is_named_and_nothing_is_continued(photo, resume, accident, words):
    folder = begin(ORIGIN, [photo.parent])
    accident(photo)
    with pytest.raises(ResumeError, match=f"{words} since the interrupted run began: start it again without --resume"):
        resume(ORIGIN, [photo.parent])
    assert folder.exists()


def test_a_copy_with_another_time_is_the_same_file(photo, resume):
    begin(ORIGIN, [photo])
    os.utime(photo, ns=(1, 1))
    assert resume(ORIGIN, [photo]).read("step") == "3"


def test_the_time_alone_decides_for_large_files(photo, monkeypatch):
    monkeypatch.setattr(inputs, "_READ", photo.stat().st_size - 1)
    before = inputs.read_inputs([photo])
    assert not inputs.difference(before, [photo])
    os.utime(photo, ns=(1, 1))
    assert inputs.difference(before, [photo]) == f"{photo} has changed"


def test_a_damaged_list_of_files_is_one_line(photo, resume):
    (begin(ORIGIN, [photo]) / "inputs.json").write_text("[" * 100_000)
    with pytest.raises(ResumeError, match="the list of its files is damaged"):
        resume(ORIGIN, [photo])


def test_a_run_that_fails_before_it_has_saved_anything_leaves_nothing(photo, states):
    state = RunState("dream", ORIGIN, [photo])
    with pytest.raises(ZeroDivisionError), state.interruptible():
        1 / 0  # noqa: B018
    locks.release_all()
    assert not states.exists()


def test_two_runs_do_not_use_one_state(photo, states):
    RunState("dream", ORIGIN, [photo])
    held = locks._held.copy()
    locks._held.clear()  # as in another process
    with pytest.raises(locks.OutputError, match=r"is being written by process \d+ "):
        RunState("dream", ORIGIN, [photo])
    locks._held.update(held)
    locks.release_all()
    assert not states.exists()
