"""Flags that several commands have."""

import functools
import sys
from types import ModuleType

import pytest
from absl import flags

from tfgraphs.cli.shared import command

_MODULE = """
from tfgraphs.cli.shared import common_flags
STEPS = common_flags.define("steps", 650, "At least 1.")
common_flags.former("iterations", "steps")
"""


@pytest.fixture
def some_command(monkeypatch):
    """A module that defines flags, among flags of its own."""
    values = flags.FlagValues()
    for function in (flags.DEFINE_integer, flags.DEFINE_alias):
        monkeypatch.setattr(flags, function.__name__, functools.partial(function, flag_values=values))
    monkeypatch.setattr(flags, "FLAGS", values)
    module = ModuleType("some_command")
    monkeypatch.setitem(sys.modules, "some_command", module)
    exec(_MODULE, module.__dict__)
    return module


def test_a_flag_belongs_to_the_module_that_asks_for_it(some_command):
    flags.FLAGS(["some_command", "--steps=7"])
    assert command.flag_values(["some_command"]) == {"steps": 7}
    assert "over all octaves or scales. At least 1." in flags.FLAGS.module_help("some_command")


def test_a_former_name_sets_the_flag_and_is_not_listed(some_command):
    flags.FLAGS(["some_command", "--iterations=9"])
    assert (some_command.STEPS.value, bool(some_command.STEPS.present)) == (9, True)
    assert command.flag_values(["some_command"]) == {"steps": 9}
    assert "iterations" not in flags.FLAGS.module_help("some_command")


def test_steps_are_at_least_one(some_command):
    with pytest.raises(flags.IllegalFlagValueError, match="steps=0"):
        flags.FLAGS(["some_command", "--steps=0"])
