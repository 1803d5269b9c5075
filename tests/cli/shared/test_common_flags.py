"""Flags that several commands have."""

import functools
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from absl import flags

from tfgraphs.cli.shared import command

_MODULE = """
from tfgraphs.cli.shared import common_flags
STEPS = common_flags.define("steps", 650, "At least 1.")
common_flags.former("iterations", "steps")
INPUT = common_flags.define_path("input", None, "What goes in.")
STYLE = common_flags.define_paths("style", None, "The paintings.")
"""


@pytest.fixture
def some_command(monkeypatch):
    """A module that defines flags, among flags of its own."""
    values = flags.FlagValues()
    for function in (flags.DEFINE, flags.DEFINE_multi, flags.DEFINE_integer, flags.DEFINE_alias):
        monkeypatch.setattr(flags, function.__name__, functools.partial(function, flag_values=values))
    monkeypatch.setattr(flags, "FLAGS", values)
    module = ModuleType("some_command")
    monkeypatch.setitem(sys.modules, "some_command", module)
    exec(_MODULE, module.__dict__)
    monkeypatch.setenv("HOME", "/home/somebody")
    return module


def test_a_flag_belongs_to_the_module_that_asks_for_it(some_command):
    flags.FLAGS(["some_command", "--steps=7"])
    assert command.flag_values(["some_command"])["steps"] == 7
    assert "over all octaves or scales. At least 1." in flags.FLAGS.module_help("some_command")


def test_a_former_name_sets_the_flag_and_is_not_listed(some_command):
    flags.FLAGS(["some_command", "--iterations=9"])
    assert (some_command.STEPS.value, bool(some_command.STEPS.present)) == (9, True)
    assert command.flag_values(["some_command"])["steps"] == 9
    assert "iterations" not in flags.FLAGS.module_help("some_command")


def test_steps_are_at_least_one(some_command):
    with pytest.raises(flags.IllegalFlagValueError, match="steps=0"):
        flags.FLAGS(["some_command", "--steps=0"])


@pytest.mark.parametrize(
    ("typed", "path"),
    [("~/b.png", "/home/somebody/b.png"), ("~", "/home/somebody"), ("b~.png", "b~.png"), ("sample:cat", "sample:cat")],
)
def test_a_path_may_begin_with_the_home_folder(some_command, typed, path):
    flags.FLAGS(["some_command", f"--input={typed}", f"--style={typed}", "--style=c.png"])
    assert (some_command.INPUT.value, some_command.STYLE.value) == (path, [path, "c.png"])


def test_no_flag_for_a_path_is_a_plain_text():
    """Texts that are no paths; a new one belongs here, or is defined by `define_path`."""
    texts = {"channels", "cluster", "config", "host", "layer", "objective", "probe", "scheduler", "shift"}
    files = Path(command.__file__).parents[1].rglob("*.py")
    found = [re.findall(r'flags\.DEFINE_(?:multi_)?string\(\s*"(\w+)"', file.read_text()) for file in files]
    assert {name for names in found for name in names} == texts
