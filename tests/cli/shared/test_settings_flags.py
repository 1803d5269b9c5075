"""Flags that are made of a dataclass."""

import dataclasses

import pytest
from absl import flags

from tfgraphs.cli.shared import common_flags


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is set.

    Attributes:
        number_of_legs: `2` or more; see `animals.legs`. Default:
            what suits.
        gait: `trot` or `walk`.
        happy: whether it is.
        name: of the animal.
    """

    number_of_legs: int | None = None
    gait: str = "walk"
    happy: bool = True
    name: object = "Bless"

    CHOICES = {"gait": ("trot", "walk")}  # noqa: RUF012


@pytest.fixture(scope="module")
def defined():
    common_flags.define_settings(Settings, "name")
    yield flags.FLAGS
    for name in ("number_of_legs", "gait", "happy"):
        delattr(flags.FLAGS, name)


def test_the_help_is_the_text_of_the_attribute_without_marks_and_references(defined):
    assert defined["number_of_legs"].help == "2 or more. Default: what suits."


def test_a_choice_is_checked(defined):
    with pytest.raises(flags.IllegalFlagValueError, match=r"trot|walk"):
        defined["gait"].parse("run")


def test_settings_are_read_from_flags_and_others(defined):
    defined["number_of_legs"].parse("4")
    expected = Settings(number_of_legs=4, gait="walk", happy=True, name="Incitatus")
    assert common_flags.read_settings(Settings, name="Incitatus") == expected
