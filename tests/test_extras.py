"""Tests of the commands that install what is missing."""

import ast
import configparser
import importlib.metadata
import importlib.util
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tfgraphs import extras
from tfgraphs.extras import install_extra, install_packages

CHECKOUT = Path(__file__).resolve().parents[1]


def test_a_checkout_is_installed_with_the_pip_beside_this_python():
    pip, verb, what = shlex.split(install_extra("video"))
    assert (pip, verb, what) == (str(Path(sys.executable).with_name("pip")), "install", f"{CHECKOUT}[video]")
    assert subprocess.run([pip, "--version"], capture_output=True, check=True).stdout.startswith(b"pip ")


def test_an_installed_package_names_the_packages_of_the_extra(monkeypatch, tmp_path):
    monkeypatch.setattr(extras, "_CHECKOUT", tmp_path)
    lines = ["numpy>=1.26", 'av<19,>=18.1; extra == "video"', "opencv>=4; extra == 'video'", 'scipy; extra == "lbfgs"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: lines)
    assert shlex.split(install_extra("video"))[-3:] == ["install", "av<19,>=18.1", "opencv>=4"]


@pytest.mark.parametrize(("module", "words"), [("pip", "-m pip install"), (None, "uv pip install --python")])
def test_an_environment_without_the_program_pip(monkeypatch, tmp_path, module, words):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my python"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: module)
    command = install_packages("av<19")
    assert words in command
    assert str(tmp_path / "my python") in shlex.split(command)


def test_every_extra_that_a_message_names_is_there():
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg")
    calls = [
        node
        for path in (CHECKOUT / "tfgraphs").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    places = {"install_extra": 0, "packaged_file": 3}  # of the name among the arguments
    named = {
        argument.value
        for node in calls
        for argument in node.args[places.get(getattr(node.func, "id", ""), len(node.args)) :]
        if isinstance(argument, ast.Constant)
    }
    assert named >= {"video", "plot", "zst", "vgg"}
    assert named <= set(setup["options.extras_require"])
