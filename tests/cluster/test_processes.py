"""Functions in other processes: order, errors, deaths."""

import contextlib
import functools
import math
import operator
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tfgraphs.cluster.processes import ProcessError, map_in_order

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("items", [0, 1, 20])
def test_results_come_in_the_order_of_the_items(processes, items):
    assert list(map_in_order(math.factorial, range(items), processes)) == [math.factorial(n) for n in range(items)]


def test_items_are_read_only_a_few_ahead():
    read = []
    with contextlib.closing(map_in_order(operator.neg, map(read.append, range(100)), 1)) as results:
        with contextlib.suppress(TypeError):
            next(results)
    assert len(read) == 2


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_the_function_is_raised_by_the_iterator(processes):
    with pytest.raises(ValueError, match="factorial"):
        list(map_in_order(math.factorial, [3, -1, 4], processes))


def test_an_error_of_the_items_is_raised_by_the_iterator():
    def items():
        yield from (1, 2, 3)
        raise ProcessError("no more")

    with pytest.raises(ProcessError, match="no more"):
        list(map_in_order(math.factorial, items(), 2))


@pytest.mark.parametrize(("end", "how"), [(os._exit, 3), (signal.raise_signal, 9)])
def test_a_process_that_ends_early_is_one_clear_error(end, how):
    with pytest.raises(ProcessError, match=r"^a process was ended[^\n]*memory[^\n]*$"):
        list(map_in_order(end, [how] * 3, 2))


def test_the_function_may_print():
    assert list(map_in_order(print, ["a", "b", "c"], 2)) == [None] * 3


class EndsWorker:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)


def test_a_process_that_ends_while_a_large_item_is_sent_is_an_error_and_no_deadlock():
    with pytest.raises(ProcessError, match="was ended"):
        list(map_in_order(len, [(EndsWorker(), bytes(1 << 22))] * 6, 2))


def children_of(parent):
    """Workers, alive, that a process has started; the standard library's tracker of semaphores is none."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = status.read_text().rpartition(")")[2].split()
            tracker = b"resource_tracker" in (status.parent / "cmdline").read_bytes()
            if int(fields[1]) == parent and fields[0] != "Z" and not tracker:
                found.append(int(status.parent.name))
    return found


def is_alive(process):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@needs_proc
def test_no_process_is_left_when_the_results_are_not_wanted_any_more():
    before = set(children_of(os.getpid()))
    with contextlib.closing(map_in_order(time.sleep, [0, 60, 60], 2)) as results:
        next(results)
        assert set(children_of(os.getpid())) - before
    assert set(children_of(os.getpid())) == before


SLEEP = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # as commands do: shells start jobs with SIGINT ignored
from tfgraphs.cluster.processes import map_in_order
list(map_in_order(time.sleep, [60] * 4, 2))
"""


@needs_proc
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_processes_end_in_the_middle_of_their_work_with_their_parent(end):
    """A terminal sends Ctrl-C to all processes of a group; only the parent may complain."""
    command = [sys.executable, "-c", SLEEP]
    parent = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(children := children_of(parent.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    os.killpg(parent.pid, end) if end == signal.SIGINT else parent.kill()
    _, errors = parent.communicate()
    while any(map(is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (len(children), [is_alive(child) for child in children]) == (2, [False, False])
    assert errors.count("Traceback") == (end == signal.SIGINT)


SCRIPT = """
from tfgraphs.cluster.processes import map_in_order
import math
print(list(map_in_order(math.factorial, [1, 2, 3, 4], 2)))
"""


@pytest.mark.parametrize("how", ["script", "command", "stdin"])
def test_scripts_need_no_main_guard(tmp_path, how):
    (tmp_path / "script.py").write_text(SCRIPT)
    arguments = {"script": [str(tmp_path / "script.py")], "command": ["-c", SCRIPT], "stdin": ["-"]}[how]
    if how != "script":  # beside a script, a module is meant to be found first
        (tmp_path / "random.py").write_text("raise SystemExit('the wrong module')")
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        input=SCRIPT if how == "stdin" else "",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[1, 2, 6, 24]\n", "")


def test_a_partial_of_a_function_can_be_applied():
    assert list(map_in_order(functools.partial(operator.add, 1), [1, 2, 3], 2)) == [2, 3, 4]
