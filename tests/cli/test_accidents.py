"""What may happen to a command: closed streams, full disks, odd names and environments, Ctrl-C at any moment."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgraphs.files.locks import locked

CHECKOUT = Path(__file__).resolve().parents[2]
WORDS = f"{sys.executable} {CHECKOUT}/bin/words --vectors=v.txt"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "v.txt").write_text("3 2\nking 1 2\nqueen 2 1\nman 3 4\n")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8)).save(tmp_path / "photo.png")
    return tmp_path


def shell(line, folder, **environment):
    result = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=os.environ | environment, capture_output=True, check=False
    )
    return result.returncode, result.stdout.decode(errors="surrogateescape"), result.stderr.decode()


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        (f"{WORDS} near king >&-", 0, ""),
        (f"{WORDS} near king 2>&-", 0, ""),
        (f"{WORDS} near king <&- >&- 2>&-", 0, ""),
        (f"{WORDS} near nothing 2>&-", 2, ""),
        (f"{WORDS} <&-", 0, ""),
        (f"{WORDS} near king | true; exit ${{PIPESTATUS[0]}}", 0, ""),
        (f"{WORDS} near king >/dev/full", 2, "words: cannot write the answer: no space left on device\n"),
        (
            f"{WORDS} plot king --output=/dev/null/p.png",
            2,
            "words: cannot write /dev/null/p.png: not a directory\n",
        ),
        (
            f"mkdir gone && cd gone && rmdir ../gone && {WORDS} near king",
            2,
            "words: the current folder was deleted: change to another one\n",
        ),
    ],
)
def test_streams_and_folders_that_are_not_there(folder, line, code, error):
    returncode, _, errors = shell(line, folder)
    assert (returncode, errors) == (code, error)


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
        {"TERM": "", "COLUMNS": "20", "LINES": "1"},
        {"TERM": "nonsense", "TZ": "Nowhere/Nothing", "HOME": "/nonexistent"},
    ],
)
def test_odd_environments_give_the_same_answer(folder, environment):
    code, printed, errors = shell(f"umask 077; {WORDS} near king", folder, **environment)
    assert (code, errors) == (0, "")
    assert re.search(r"man .*0\.9839", printed)


def test_names_need_not_be_utf8(folder):
    name = os.fsdecode(b"d\xff.png")
    line = f"{sys.executable} {CHECKOUT}/bin/deepdream --input=photo.png --layer=fire2 --iterations=1 --output={name}"
    code, printed, _ = shell(line, folder)
    assert (code, printed) == (0, f"{name}: 90 x 70 px\n")
    assert (folder / name).exists()


FULL = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.argv = ["deepdream", "--input=photo.png", "--layer=fire2", "--iterations=8", "--picture_every=1", "--output=d.png"]
sys.argv += {arguments}
resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, {bytes}))
runpy.run_module("tfgraphs.cli.deepdream", run_name="__main__")
"""


def test_a_log_on_a_full_disk_is_a_warning(folder, forked):
    program = FULL.format(arguments=["--logdir=logs", "--size=40"], bytes=30_000)
    result = forked("-c", program, cwd=folder)
    assert (result.returncode, result.stdout) == (0, "d.png: 40 x 31 px\n")
    warnings = [line for line in result.stderr.splitlines() if "%" not in line]
    assert len(warnings) == 1
    assert re.fullmatch("deepdream: cannot write logs: .*; the rest of the run is not logged", warnings[0])


@pytest.mark.parametrize(
    ("size", "error"),
    [
        (100, r"cannot write checkpoints/deepdream-\w+/inputs.json: file too large"),
        (10_000, r"cannot save the state of the run in checkpoints/deepdream-\w+/octave0: file too large"),
    ],
)
def test_a_full_disk_is_one_line_that_names_the_file(folder, forked, size, error):
    result = forked("-c", FULL.format(arguments=[], bytes=size), cwd=folder)
    assert result.returncode == 2
    assert re.fullmatch(f"deepdream: {error}", result.stderr.splitlines()[-1])
    assert not (folder / "d.png").exists()


@pytest.mark.parametrize("place", ["d.png", "logs"])
def test_a_second_run_is_told_who_writes_there_and_leaves_nothing(folder, forked, place):
    with locked(folder / place):
        line = ["deepdream", "--input=photo.png", "--layer=fire2", "--output=d.png", "--logdir=logs"]
        result = forked(*line, cwd=folder)
        assert result.returncode == 2
        assert f"deepdream: {place} is being written by process {os.getpid()} (" in result.stderr
    assert {path.name for path in folder.iterdir()} == {"photo.png", "v.txt"}


def processor_seconds(process):
    """What a process has computed until now: fields 14 and 15 of Linux' statistics, its own and the system's part."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


LINES = [
    "words --vectors=v.txt near king",
    "deepdream --input=photo.png --layer=fire2 --iterations=30 --output=d.png",
    "neural_style --input=photo.png --size=64 --steps=20 --output=p.png",
]


@pytest.mark.parametrize("moment", [0.12, *(pytest.param(number, marks=pytest.mark.long) for number in range(15))])
def test_an_interruption_at_any_moment_is_one_line_or_none(folder, moment):
    """The first ones are while modules are imported. Before 0.1 s Python itself is not ready.

    Seconds are those of the processor, which tell how far the command is on a busy machine too.
    """
    random_moments = random.Random(moment)
    name, *arguments = LINES[int(moment) % len(LINES)].split()
    program = [sys.executable, str(CHECKOUT / "bin" / name), *arguments]
    process = subprocess.Popen(
        program,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # background jobs of a shell ignore it
    )
    when = moment if moment < 1 else random_moments.uniform(0.1, 1) if moment < 8 else random_moments.uniform(1, 6)
    while process.poll() is None and processor_seconds(process) < when:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    said = [line for line in errors.splitlines() if "%" not in line]
    assert process.returncode in (130, -signal.SIGINT, 0), errors
    assert len(said) <= 1, errors
    assert not said or said[0].startswith(f"{name}: interrupted")
    pictures = list(folder.glob("?.png"))
    if process.returncode == 0:
        assert len(pictures) == (name != "words")
    if said or name == "words":
        assert not pictures
    for picture in pictures:  # it may be there if nothing is said: the command was done, and Python was ending
        Image.open(picture).load()


WHOLE = """
import atexit, sys
from tfgraphs.cli.shared import process

class Module:
    def __del__(self):
        print("taken apart")

module = Module()

def run():
    atexit.register(print, "exit function")
    {end}

process.run_and_exit(run)
"""


@pytest.mark.parametrize(
    ("end", "code", "error"),
    [
        ("print('done')", 0, ""),
        ("sys.exit(75)", 75, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit('no command')", 1, "no command"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_process_ends_before_python_takes_its_modules_apart(end, code, error):
    result = subprocess.run(
        [sys.executable, "-c", WHOLE.format(end=end)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    printed = ["done"] * ("done" in end) + ["exit function"]
    assert (result.returncode, result.stdout.splitlines()) == (code, printed)
    assert (result.stderr.splitlines() or [""])[-1] == error


def test_an_interruption_that_python_drops_is_repeated(folder, forked):
    program = """
import signal, sys, time
from tfgraphs.cli.shared import command

class Dropping:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def main(_):
    Dropping()
    time.sleep(60)

sys.argv = ["paint"]
command.run("paint", main, "Paints.", [])
"""
    begun = time.monotonic()
    result = forked("-c", program, cwd=folder)
    assert (result.returncode, result.stderr) == (130, "paint: interrupted\n")
    assert time.monotonic() - begun < 30
