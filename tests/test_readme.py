"""Runs the README: each of its commands and programs, in its order, in a copy of the checkout."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from fasttext_files import model_file
from torch_files import resnet_arrays, whole, zip_file

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
SPECIAL = ("bin/test", "bin/studio", ".venv/bin/tensorboard")
LONG = (
    "bin/demo",
    "bin/neural_style sample:cat",
    "bin/neural_style --model",
    "bin/neural_style --train_style",
    "bin/visualize feature --size=64",
)


def long(command):
    """A command of minutes, which only bin/test --all runs."""
    return pytest.param(command, marks=pytest.mark.long)


BANNER = r"^(?:[IWE]\d{4} .*|WARNING: All log messages.*)"  # what TensorFlow writes when it is imported
PROGRAMS = [text for language, text in BLOCKS if language == "python"]
PARTS = [
    "setup.py",
    "setup.cfg",
    "constraints.txt",
    "LICENSE",
    "docs",
    "README.md",
    "ruff.toml",
    "tfgraphs",
    "benchmarks",
    "bin",
    "tests",
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the checkout with the environment that runs the tests, and a text to learn words from."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in PARTS:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "text.txt").write_text((README + (CHECKOUT / "LICENSE").read_text()) * 20, encoding="utf-8")
    (folder / "cc.en.300.bin").write_bytes(model_file(["friend", "likely"], np.ones((52, 3), np.float32)))
    (folder / "resnet18.pth").write_bytes(_saved(resnet_arrays("resnet18")))
    return folder


def _saved(arrays):
    """A state dict in a file as PyTorch saves it."""
    return zip_file({name: whole(array, str(number)) for number, (name, array) in enumerate(arrays.items())})


def run(copy, command, **environment):
    clean = {name: value for name, value in os.environ.items() if name != "TFGRAPHS_HOME"}
    return subprocess.run(
        command, cwd=copy, shell=isinstance(command, str), env=clean | environment, capture_output=True, text=True
    )


def first_of_their_names(commands):
    """The first line of each command, which is started as people start it; the others are forked."""
    return set({line.split()[0]: line for line in reversed(commands)}.values())


RUN = [line for line in COMMANDS if not line.startswith(SPECIAL)]
WHOLE = first_of_their_names(RUN) | {line for line in RUN if "|" in line or not line.startswith("bin/")}


@pytest.mark.parametrize("command", [long(line) if line.startswith(LONG) else line for line in RUN])
def test_a_command_of_the_readme_succeeds(copy, command, forked):
    if command in WHOLE:
        result = run(copy, command)
        assert re.findall(BANNER, result.stderr, re.MULTILINE) == []
    else:
        name, *arguments = shlex.split(command)
        result = forked(name.removeprefix("bin/"), *arguments, cwd=copy)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("bin/test")])
def test_the_test_command_checks_the_code_and_finds_the_tests(copy, command):
    result = run(copy, command, PYTEST_ADDOPTS="--collect-only --quiet")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "test_minimize.py" in result.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_of_the_readme_prints_what_its_comments_say(copy, program, forked):
    result = forked("-c", program, cwd=copy)
    assert result.returncode == 0, result.stderr
    for expected in re.findall(r"print\(.*\)  # (.*)", program):
        assert expected in result.stdout


@pytest.mark.long
def test_tensorboard_opens_on_the_logs_of_the_demo(copy):
    (command,) = (line for line in COMMANDS if line.startswith(".venv/bin/tensorboard"))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        f"exec {command} --port={port}", cwd=copy, shell=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        assert "dream" in _answer(f"http://localhost:{port}/data/runs", seconds=60)
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("bin/studio")])
def test_the_page_opens(copy, command):
    program = f"exec {command} --no_browser --port=0"
    server = subprocess.Popen(program, cwd=copy, shell=True, stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://\S+", server.stdout.readline())[0]
        assert "tfgraphs <span>studio</span>" in _answer(address, seconds=60)
    finally:
        server.send_signal(signal.SIGKILL)
        server.communicate()


@pytest.mark.parametrize("number", [number for number, (language, _) in enumerate(BLOCKS) if not language])
def test_a_printed_table_begins_what_the_command_above_it_prints(copy, number):
    (_, command), (_, shown) = BLOCKS[number - 1 : number + 1]
    printed = [line.rstrip() for line in run(copy, command).stdout.splitlines()]
    assert printed[: len(shown.splitlines())] == shown.splitlines()


@pytest.mark.long
def test_the_demo_left_its_page_and_all_that_it_shows(copy):
    demo = copy / "out" / "demo"
    page = (demo / "index.html").read_text(encoding="utf-8")
    assert {path.name for path in demo.iterdir()} == {"words.txt", "dream.png", "style.png", "index.html", "logs"}
    assert page.count("data:image/jpeg;base64,") == 5
    assert "queen" in page
    assert "bin/deepdream --input=sample:cat" in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    words = (demo / "words.txt").read_text(encoding="utf-8")
    assert words.count("$ bin/words --vectors=glove near") == 5
    assert words.count("$ bin/words --vectors=glove calc") == 3


def test_every_picture_of_the_readme_is_there():
    for path in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (CHECKOUT / path).is_file()


def _answer(address, seconds):
    """What a server that may still be starting answers in the end."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                text = answer.read().decode()
            if text.strip() != "[]" or time.monotonic() > until:
                return text
        except OSError:
            if time.monotonic() > until:
                raise
        time.sleep(0.5)
