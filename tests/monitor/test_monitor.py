"""What is seen of a run: lines, the bar of a terminal, and the files of TensorBoard."""

import contextlib
import dataclasses
import io
import re
import subprocess
import sys
from collections import defaultdict
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, relu
from tfgraphs.monitor.progress import Progress
from tfgraphs.monitor.terminal import Monitor
from tfgraphs.optimize.minimize import minimize


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """The variables by which a terminal says what it can do."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def shown(*states, stream=None):
    """What a monitor writes about some states of a run."""
    stream = stream or io.StringIO()
    with Monitor("dream", stream=stream) as monitor:
        for state in states:
            monitor(state)
    return stream.getvalue()


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("tfgraphs.monitor.terminal.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def progress(step, steps, picture=None, stage="octave 1 of 1"):
    return Progress(step, stage, step / steps, 1 / step, {"content": 2.0 * step, "style": 3.0 * step}, picture)


def logged(folder):
    """All that TensorBoard finds in a folder: {tag: {step: value}}, and the graphs."""
    values, graphs = defaultdict(dict), []
    for path in folder.glob("*tfevents*"):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                values[value.tag][event.step] = tf.make_ndarray(value.tensor)
            if event.graph_def:
                graphs.append(tf.compat.v1.GraphDef.FromString(event.graph_def))
    return values, graphs


def log_run(folder, *, steps=60, every=5, picture=None, **options):
    with Monitor("dream", logdir=folder, stream=io.StringIO(), **options) as monitor:
        for step in range(every, steps + 1, every):
            monitor(progress(step, steps, picture))
    return logged(folder)[0]


@pytest.mark.parametrize(
    ("tag", "value"),
    [("loss", lambda step: 1 / step), ("loss/content", lambda step: 2 * step), ("loss/style", lambda step: 3 * step)],
)
def test_each_term_of_the_loss_is_logged_with_its_step(tmp_path, tag, value):
    scalars = log_run(tmp_path, steps=15)[tag]
    assert scalars == {step: pytest.approx(value(step)) for step in (5, 10, 15)}


@pytest.mark.parametrize(
    ("picture_every", "steps"),
    [(20, [5, 25, 45, 60]), (30, [5, 35, 60]), (1000, [5, 60]), (5, range(5, 61, 5)), (1, range(5, 61, 5))],
)
def test_pictures_are_logged_every_few_steps_and_at_the_end(tmp_path, picture_every, steps):
    pictures = log_run(tmp_path, picture=np.zeros((2, 2, 3), np.float32), picture_every=picture_every)["picture"]
    assert list(pictures) == list(steps)


def test_the_logged_picture_is_the_picture(tmp_path):
    picture = np.random.default_rng(0).random((7, 5, 3)).astype(np.float32)
    _, _, png = log_run(tmp_path, steps=5, picture=picture)["picture"][5]
    np.testing.assert_allclose(tf.io.decode_png(png) / 255, picture, atol=1 / 255)


@pytest.mark.parametrize(("flag", "value"), [("layer", "fire7"), ("step_size", 1.5), ("logdir", None)])
def test_flags_are_logged_as_text(tmp_path, flag, value):
    texts = log_run(tmp_path, steps=5, flags={"layer": "fire7", "step_size": 1.5, "logdir": None})["flags"]
    assert re.search(rf"\b{flag}\W+{re.escape(str(value))}\b", texts[0].item().decode())


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """The graph in TensorBoard's files after a step of a network."""
    folder = tmp_path_factory.mktemp("graph")
    kernel, bias = np.ones((3, 3, 3, 3), np.float32), np.zeros(3, np.float32)
    layers = [
        convolution("conv1_pre_relu", "input", kernel, bias),
        relu("conv1", "conv1_pre_relu"),
        convolution("fire2", "conv1", kernel, bias),
    ]
    backbone = Backbone("small", layers, lambda pictures: pictures * 2 - 1)
    picture = tf.Variable(np.ones((1, 8, 8, 3), np.float32))

    def loss(step):
        return tf.reduce_mean(tf.square(backbone(picture, ["fire2"])["fire2"]))

    with Monitor("dream", logdir=folder, stream=io.StringIO()) as monitor:
        list(minimize(loss, [picture], keras.optimizers.SGD(0.1), 1, on_graph=monitor.graph))
    (graph,) = logged(folder)[1]
    return graph


@pytest.mark.parametrize("scope", ["loss", "gradients", "conv1", "conv1_pre_relu", "fire2"])
def test_the_logged_graph_of_a_step_names_its_parts_and_the_layers(graph, scope):
    assert scope in {part for node in graph.node for part in node.name.split("/")[:-1]}


def test_without_a_logdir_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Monitor("dream", stream=io.StringIO(), flags={"layer": "fire7"}) as monitor:
        monitor.graph(tf.Graph())
        monitor(progress(1, 1, np.zeros((2, 2, 3), np.float32)))
    assert list(tmp_path.iterdir()) == []


def test_off_a_terminal_lines_keep_their_distance_in_time(clock):
    stream = io.StringIO()
    with Monitor("dream", stream=stream) as monitor:
        monitor.line_seconds = 5
        for step in range(1, 20):
            clock.now += 1
            monitor(progress(step, 20))
    assert re.findall(r"\d+%", stream.getvalue()) == ["25%", "50%", "75%"]


def test_off_a_terminal_a_line_is_written_at_the_end(clock):
    assert re.findall(r"\d+%", shown(progress(1, 2), progress(2, 2))) == ["100%"]


def test_a_line_says_what_runs_how_far_it_is_and_how_long_it_takes(clock):
    stream = io.StringIO()
    with Monitor("dream", stream=stream) as monitor:
        monitor(Progress(0, "octave 1 of 2", 0.0, 2.0))
        clock.now += 30
        monitor(Progress(5, "octave 2 of 2", 0.25, 0.125))
    assert stream.getvalue() == "dream:  25%, 1 min 30 s left (octave 2 of 2, loss 0.125)\n"


def test_the_time_left_counts_only_the_work_of_this_run(clock):
    """A resumed run that has half of its work behind it at once is not twice as fast."""
    stream = io.StringIO()
    with Monitor("dream", stream=stream) as monitor:
        monitor(progress(50, 100))
        clock.now += 30
        monitor(progress(75, 100))
    assert " 30 s left" in stream.getvalue()


def test_off_a_terminal_no_escape_codes_are_written():
    assert "\x1b" not in shown(progress(1, 1))


@pytest.mark.parametrize("part", ["dream", "100%", "octave 1 of 1", "loss 0.5"])
def test_a_terminal_shows(part):
    assert part in shown(progress(2, 2), stream=Terminal())


def test_an_exception_passes_through():
    with pytest.raises(KeyError, match="reason"), Monitor("dream", stream=io.StringIO()):
        raise KeyError("reason")


def test_an_exception_gives_the_terminal_its_cursor_back():
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt), Monitor("dream", stream=stream):
        raise KeyboardInterrupt
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


def test_after_an_exception_all_that_was_logged_is_in_files_that_are_closed(tmp_path):
    with contextlib.suppress(KeyboardInterrupt), Monitor("dream", logdir=tmp_path, stream=io.StringIO()) as monitor:
        monitor(progress(7, 10))
        raise KeyboardInterrupt
    assert list(logged(tmp_path)[0]["loss"]) == [7]
    with pytest.raises(RuntimeError, match="closed"):
        monitor(progress(1, 1))


def test_a_run_that_fails_before_it_begins_leaves_no_files(tmp_path):
    logdir = tmp_path / "logs"
    with contextlib.suppress(ValueError), Monitor("dream", logdir=logdir, flags={"a": 1}, stream=io.StringIO()):
        raise ValueError
    assert not logdir.exists()


def test_a_message_stays_on_the_stream():
    stream = io.StringIO()
    with Monitor("dream", stream=stream) as monitor:
        monitor.say("[3] places")
    assert stream.getvalue() == "dream: [3] places\n"


@pytest.mark.parametrize("stream", [io.StringIO, Terminal], ids=["stream", "terminal"])
def test_what_names_of_files_contain_does_not_reach_the_terminal(stream):
    """Neither control characters nor rich's markup."""
    written, name = stream(), "\x1b]0;title\x07[/nothing]"
    with Monitor("dream", stream=written) as monitor:
        monitor.say(name)
        monitor.prepare(name, 0.5)
        monitor(progress(1, 1, stage=name))
    assert "\x1b]0" not in written.getvalue()
    assert "[/nothing]" in written.getvalue()


def test_rich_is_imported_with_the_first_monitor_only():
    program = "import sys, tfgraphs.monitor.terminal; print('rich' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"


def test_figures_are_logged_under_their_own_names(tmp_path):
    with Monitor("dream", logdir=tmp_path, stream=io.StringIO()) as monitor:
        monitor(dataclasses.replace(progress(1, 1), figures={"words per second": 5.0}))
    assert list(logged(tmp_path)[0]["words per second"]) == [1]


def test_a_stream_that_is_no_terminal_gets_lines_even_where_colour_is_forced(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "100%" in shown(progress(1, 1))


def test_work_without_a_loss_is_shown_and_logged_without_one(tmp_path):
    stream = io.StringIO()
    with Monitor("paint", logdir=tmp_path, stream=stream) as monitor:
        monitor(Progress(1, "in one pass", 1.0, float("nan"), picture=np.zeros((2, 2, 3), np.float32)))
    assert stream.getvalue() == "paint: 100%, 0 s left (in one pass)\n"
    values, _ = logged(tmp_path)
    assert set(values) == {"picture"}
