"""Runs watched where their programs run: as a line of a terminal, or in a cell of a notebook."""

import fcntl
import io
import os
import re
import struct
import sys
import termios
from pathlib import Path
from types import SimpleNamespace

import IPython.display
import numpy as np
import pytest
import tensorflow as tf
from html_parts import Parts

import tfgraphs
from tfgraphs.monitor import watch as module
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.terminal import Line, Monitor


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock of whole seconds, which goes on by hand."""
    clock = SimpleNamespace(now=1000.0)
    for name in ("terminal", "watch"):
        monkeypatch.setattr(f"tfgraphs.monitor.{name}.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def progress(done, picture=None, stage="octave 1 of 2"):
    return Progress(round(100 * done), stage, done, 2.5, {"style": 2.5}, picture)


def run(watch, clock, shares=(0.0, 0.25, 0.5, 0.75, 1.0), seconds=10):
    for share in shares:
        watch(progress(share))
        clock.now += seconds


def test_elsewhere_than_on_a_terminal_each_state_is_a_line(clock):
    stream = io.StringIO()
    run(Line("dream", stream), clock, (0.0, 0.5, 1.0))
    assert stream.getvalue() == (
        "dream:  50%, 10 s left (octave 1 of 2, loss 2.5)\ndream: 100%, 0 s left (octave 1 of 2, loss 2.5)\n"
    )


def test_lines_keep_their_distance_in_time(clock):
    stream = io.StringIO()
    run(Line("dream", stream), clock, [step / 20 for step in range(20)], seconds=1)
    assert re.findall(r"\d+%", stream.getvalue()) == ["25%", "50%", "75%"]


def test_on_a_terminal_one_line_is_updated_and_ends_with_the_run(clock):
    stream = Terminal()
    run(Line("dream", stream), clock)
    assert stream.getvalue().count("\n") == 1
    assert re.findall(r"\r.*?(\d+)%", stream.getvalue()) == ["0", "25", "50", "75", "100"]


def test_on_a_terminal_nothing_is_hidden_that_an_exception_would_leave_hidden(clock):
    stream = Terminal()
    run(Line("dream", stream), clock)
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("title", ["dream " * 40, "词向量" * 40], ids=["long", "wide"])
def test_a_line_is_no_wider_than_the_terminal(clock, title, monkeypatch):
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    run(Line(title, stream), clock)
    assert {cell_len(line) for line in stream.getvalue().strip("\r\n").split("\r")} == {59}


def test_a_line_fits_the_terminal_on_which_it_is_written(clock, monkeypatch):
    """The terminal of the standard error output, wherever the standard output goes."""
    monkeypatch.setenv("COLUMNS", "60")
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 47, 0, 0))
    with open(ours, "rb", buffering=0) as screen, open(theirs, "w") as stream:
        Line("dream " * 40, stream)(progress(0.5))
        assert len(screen.read(1000).strip(b"\r")) == 46


def test_a_terminal_without_a_size_gets_a_line_all_the_same(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    ours, theirs = os.openpty()  # 0 columns
    with open(ours, "rb", buffering=0) as screen, open(theirs, "w") as stream:
        Line("dream " * 40, stream)(progress(0.5))
        assert len(screen.read(1000).strip(b"\r")) == 59


def test_a_program_without_an_error_output_shows_nothing(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    run(tfgraphs.watch("dream"), clock)
    with Monitor("dream") as monitor:
        monitor.say("begins")
        run(monitor, clock)


@pytest.mark.parametrize("stream", [io.StringIO, Terminal], ids=["stream", "terminal"])
def test_states_after_the_end_are_not_all_shown(clock, stream):
    written = stream()
    run(Line("dream", written), clock, [0.5, *[1.0] * 15], seconds=0.01)
    assert written.getvalue().count("100%") == 1


def test_what_a_terminal_would_obey_is_escaped(clock):
    stream = Terminal()
    Line("dream", stream)(progress(1.0, stage="\x1b]0;title\x07"))
    assert "\x1b" not in stream.getvalue()


def test_without_a_notebook_watch_writes_lines(capsys):
    tfgraphs.watch("dream")(progress(1.0))
    assert capsys.readouterr().err == "dream: 100%, 0 s left (octave 1 of 2, loss 2.5)\n"


def test_an_interactive_shell_of_a_terminal_is_no_notebook(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))
    tfgraphs.watch("dream")(progress(1.0))
    assert "dream: 100%" in capsys.readouterr().err


@pytest.fixture
def cell(monkeypatch):
    """The states of the one display below a cell, as bundles of text and HTML."""
    states = []

    def display(bundle, raw, display_id):
        assert raw
        assert display_id
        assert not states
        states.append(bundle)
        return SimpleNamespace(update=lambda bundle, raw: states.append(bundle))

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(module, "_in_notebook", lambda: True)
    return states


def test_a_notebook_shows_at_once_that_the_run_is_being_prepared(cell):
    tfgraphs.watch("dream")
    assert cell[0]["text/plain"] == "dream: preparing"
    assert "progress" in Parts(cell[0]["text/html"]).names


def test_a_notebook_shows_the_time_left(cell, clock):
    run(tfgraphs.watch("dream"), clock, (0.0, 0.25))
    assert cell[-1]["text/plain"] == "dream: 25%, 30 s left"
    assert "dream: 25%, 30 s left" in Parts(cell[-1]["text/html"]).text


def test_a_notebook_shows_losses_and_the_picture(cell):
    picture = np.random.default_rng(0).random((5, 7, 3)).astype(np.float32)
    tfgraphs.watch("dream")(progress(0.5, picture))
    parts = Parts(cell[-1]["text/html"])
    assert parts.rows == [["Term", "Value"], ["loss", "2.5"], ["style", "2.5"]]
    np.testing.assert_array_equal(parts.picture, np.round(picture * 255))


def test_a_notebook_is_updated_twice_a_second_at_most(cell, clock):
    run(tfgraphs.watch("dream"), clock, [step / 100 for step in range(100)], seconds=0.1)
    assert 10 <= len(cell) <= 21


def test_at_the_end_a_line_stays_with_the_time_that_the_run_took(cell, clock):
    run(tfgraphs.watch("dream"), clock)
    assert cell[-1]["text/plain"] == "dream: done in 40 s (octave 1 of 2, loss 2.5)"
    assert Parts(cell[-1]["text/html"]).names == {"div"}


@pytest.mark.parametrize("title", ["<script>", "a & b"])
def test_a_title_stays_a_text(cell, title):
    tfgraphs.watch(title)(progress(0.5))
    assert "script" not in Parts(cell[-1]["text/html"]).names
    assert title in "".join(Parts(cell[-1]["text/html"]).text)


def logged(folder):
    """All events that TensorBoard finds in a folder."""
    return [
        tf.compat.v1.Event.FromString(record)
        for path in sorted(folder.glob("*tfevents*"))
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]


def losses(folder):
    """The steps of which a loss is logged; the order of files is that of their names."""
    return [event.step for event in logged(folder) if any(value.tag == "loss" for value in event.summary.value)]


def open_files(folder):
    """Descriptors of files in a folder that this process holds."""
    own = Path("/proc/self/fd")
    targets = [os.readlink(path) for path in own.iterdir() if path.is_symlink()]
    return [target for target in targets if Path(target).is_relative_to(folder)]


def test_a_logdir_gets_what_tensorboard_shows(tmp_path):
    watch = tfgraphs.watch("dream", logdir=tmp_path)
    watch(progress(0.5, np.zeros((2, 2, 3), np.float32)))
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(1.0, name="one")
    watch.graph(graph)
    events = logged(tmp_path)
    assert {value.tag for event in events for value in event.summary.value} == {"loss", "loss/style", "picture"}
    assert any(event.graph_def for event in events)


def test_the_files_of_a_log_are_closed_when_the_run_is_done(tmp_path, clock):
    watch = tfgraphs.watch("dream", logdir=tmp_path)
    run(watch, clock, (0.0, 0.5))
    assert open_files(tmp_path)
    watch(progress(1.0))
    assert not open_files(tmp_path)
    assert losses(tmp_path) == [0, 50, 100]


def test_states_after_the_end_are_logged_in_one_more_file(tmp_path, clock):
    run(tfgraphs.watch("dream", logdir=tmp_path), clock, (0.5, 1.0, 1.0, 1.0))
    assert sorted(losses(tmp_path)) == [50, 100, 100, 100]
    assert len(list(tmp_path.iterdir())) == 2


def test_another_run_is_logged_with_its_pictures_and_its_graph(tmp_path, clock):
    watch, picture = tfgraphs.watch("dream", logdir=tmp_path), np.zeros((2, 2, 3), np.float32)
    for _ in range(2):
        watch.graph(tf.Graph())
        for share in (0.0, 0.5, 1.0):
            watch(progress(share, picture))
    events = logged(tmp_path)
    pictures = [event.step for event in events if any(value.tag == "picture" for value in event.summary.value)]
    assert pictures == [0, 50, 100] * 2
    assert sum(bool(event.graph_def) for event in events) == 2
    assert not open_files(tmp_path)


def test_another_run_has_a_time_of_its_own(clock, capsys):
    watch = tfgraphs.watch("dream")
    run(watch, clock, (0.0, 0.5, 1.0))
    clock.now += 1000
    run(watch, clock, (0.0, 0.5, 1.0))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" (")[0] for line in lines] == ["dream:  50%, 10 s left", "dream: 100%, 0 s left"] * 2


def test_another_run_has_a_display_of_its_own(monkeypatch, clock):
    titles = []

    def display(bundle, raw, display_id):
        titles.append(bundle["text/plain"])
        return SimpleNamespace(update=lambda bundle, raw: None)

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(module, "_in_notebook", lambda: True)
    watch = tfgraphs.watch("dream")
    run(watch, clock, (0.0, 1.0, 1.0))
    assert len(titles) == 1
    run(watch, clock, (0.0, 1.0))
    assert titles == ["dream: preparing"] * 2
