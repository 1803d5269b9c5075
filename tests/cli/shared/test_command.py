"""How commands end: exit codes and one line for each error."""

import logging
import signal
import subprocess
import sys
import warnings

import pytest
from absl import flags

from tfgraphs.cli.shared import command
from tfgraphs.errors import TfgraphsError


@pytest.fixture(autouse=True)
def process(monkeypatch):
    """What a command changes in its process is as before after each test."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.setattr(sys, "argv", ["paint"])
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(logging.getLogger("tfgraphs"), "handlers", [])
    monkeypatch.setattr(logging.getLogger("tfgraphs"), "propagate", True)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


class ResourceExhaustedError(Exception):
    """TensorFlow's error has this name."""


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (TfgraphsError("two\nlines \x1b[31m"), 2, r"two lines \x1b[31m"),
        (flags.Error("unknown flag"), 2, "unknown flag"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (KeyboardInterrupt("interrupted; continue it"), 130, "interrupted; continue it"),
        (PermissionError(13, "Permission denied", "out/a.png"), 2, "out/a.png: permission denied"),
        (OSError(28, "No space left on device"), 2, "cannot write the answer: no space left on device"),
        (MemoryError(), 2, "out of memory: try something smaller"),
        (ResourceExhaustedError("OOM when allocating"), 2, "out of memory: try something smaller"),
        (ResourceExhaustedError("/out: No space left on device"), 2, "no space left on device"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(capsys, error, code, line):
    def main(_):
        raise error

    with pytest.raises(SystemExit) as end:
        command.run("paint", main, "Paints.", [])
    assert (end.value.code, capsys.readouterr().err) == (code, f"paint: {line}\n")


def test_an_error_of_the_program_is_not_hidden():
    def main(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command.run("paint", main, "Paints.", [])


def test_a_warning_is_one_line(capsys):
    command.run("paint", lambda _: warnings.warn("too bright", stacklevel=1), "Paints.", [])
    assert capsys.readouterr().err == "paint: too bright\n"


@pytest.mark.parametrize(("number", "text"), [(1, "1 frame"), (2, "2 frames"), (0, "0 frames")])
def test_things_are_counted(number, text):
    assert command.counted(number, "frame") == text


def interrupted_within_a_block():
    try:
        raise KeyboardInterrupt("by hand")
    finally:
        raise AssertionError("Concurrent access?")


def test_an_error_that_an_interruption_causes_is_the_interruption():
    with pytest.raises(KeyboardInterrupt, match="by hand"), command.as_interruption():
        interrupted_within_a_block()


def test_another_error_stays_what_it_is():
    with pytest.raises(ZeroDivisionError), command.as_interruption():
        1 / 0  # noqa: B018


STARTING = """
import os, sys
from absl import flags
from tfgraphs.cli.shared import command
def start(*_):
    os.write(2, b"banner of C++\\n")
    {end}
command.start = start
flags.FLAGS.mark_as_parsed()
with command.starting_tensorflow():
    print("progress", file=sys.stderr)
print("after", file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("end", "code", "lines"),
    [("pass", 0, ["progress", "after"]), ("raise RuntimeError('no TensorFlow')", 1, ["progress", "banner of C++"])],
)
def test_banners_are_hidden_and_messages_shown_while_tensorflow_starts(end, code, lines):
    result = subprocess.run([sys.executable, "-c", STARTING.format(end=end)], capture_output=True, text=True)
    assert result.returncode == code
    assert result.stdout == ""
    assert result.stderr.splitlines()[:2] == lines
    assert ("no TensorFlow" in result.stderr) == bool(code)
