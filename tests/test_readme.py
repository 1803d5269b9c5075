"""Runs the README: each of its commands and programs, in its order, in a copy of the checkout."""

import re
import signal
import subprocess
import time
import urllib.request

import pytest
from documents import CHECKOUT, DOCS, SPECIAL, blocks, check, copy_checkout, examples, run
from free_ports import free_ports
from same_output import assert_same_lines

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
EXAMPLES = examples(CHECKOUT / "README.md")
COMMANDS = [one.code for one in EXAMPLES if one.language == "sh"]
CONTRIBUTING = (DOCS / "contributing.md").read_text(encoding="utf-8")
SHOWN = "".join(block.text for block in blocks(CONTRIBUTING) if block.language == "console")
TESTS = [line for line in re.findall(r"^\$ (bin/test.*)", SHOWN, re.MULTILINE) if "--all" not in line]
BANNER = r"^(?:[IWE]\d{4} .*|WARNING: All log messages.*)"  # what TensorFlow writes when it is imported


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


def first_of_their_names(found):
    """The first line of each command, which is started as people start it; the others are forked."""
    return set({one.code.split()[0]: one for one in reversed(found)}.values())


RUN = [one for one in EXAMPLES if not one.code.startswith(SPECIAL)]
WHOLE = first_of_their_names([one for one in RUN if one.language == "sh"])


def readme_example(example):
    """A parameter; a painting takes minutes."""
    long = example.code.startswith("bin/neural_style")
    return pytest.param(example, id=str(example), marks=[pytest.mark.long] if long else [])


@pytest.mark.parametrize("example", [readme_example(one) for one in RUN])
def test_an_example_of_the_readme_succeeds_and_prints_what_it_shows(copy, example, forked):
    if example not in WHOLE:
        check(example, copy, forked)
        return
    result = run(copy, example.code)
    assert result.returncode == 0, result.stderr
    assert re.findall(BANNER, result.stderr, re.MULTILINE) == []
    expected = example.shown.rstrip().splitlines()
    assert_same_lines(result.stdout.rstrip().splitlines()[: len(expected)], expected)


@pytest.mark.long
def test_the_demo_runs(copy):
    result = run(copy, "bin/demo")
    assert result.returncode == 0, result.stderr
    assert re.findall(BANNER, result.stderr, re.MULTILINE) == []


@pytest.mark.parametrize("command", TESTS)
def test_a_command_of_the_page_for_contributors_checks_the_code_and_finds_its_tests(copy, command):
    result = run(copy, command, PYTEST_ADDOPTS="--collect-only --quiet")
    assert result.returncode == 0, result.stdout + result.stderr
    found = re.findall(r"^tests/.*::.*", result.stdout, re.MULTILINE)
    assert found
    _, *chosen = command.split()
    assert [name for name in found if chosen and chosen[-1] not in name] == []


def test_the_page_for_contributors_shows_the_test_command():
    assert "bin/test" in TESTS


@pytest.mark.long
def test_tensorboard_opens_on_the_logs_of_the_demo(copy):
    (command,) = (line for line in COMMANDS if line.startswith(".venv/bin/tensorboard"))
    (port,) = free_ports(1)
    server = subprocess.Popen(
        f"exec {command} --port={port}", cwd=copy, shell=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        assert "dream" in _answer(f"http://localhost:{port}/data/runs", "dream")
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("bin/studio")])
def test_the_page_opens(copy, command):
    program = f"exec {command} --no_browser --port=0"
    server = subprocess.Popen(program, cwd=copy, shell=True, stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://\S+", server.stdout.readline())[0]
        assert "tfgraphs <span>studio</span>" in _answer(address)
    finally:
        server.send_signal(signal.SIGKILL)
        server.communicate()


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


def _answer(address, expected=""):
    """What a server that may still be starting answers in the end: if possible, something in which a text occurs."""
    until = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                text = answer.read().decode()
            if expected in text or time.monotonic() > until:
                return text
        except OSError:
            if time.monotonic() > until:
                raise
        time.sleep(0.5)
