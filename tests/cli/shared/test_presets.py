"""Presets: flags given by hand go first, and every preset makes sense."""

import pytest
from absl import flags

from tfgraphs.cli.shared import presets
from tfgraphs.cli.shared.command import UsageError


@pytest.fixture
def values():
    """The flags that presets set, as a command has them before it looks at its command line."""
    own = flags.FlagValues()
    flags.DEFINE_string("backbone", "squeezenet", "", flag_values=own)
    flags.DEFINE_multi_string("objective", [], "", flag_values=own)
    flags.DEFINE_string("layer", None, "", flag_values=own)
    flags.DEFINE_integer("steps", 40, "", flag_values=own)
    flags.DEFINE_float("step_size", 1.5, "", flag_values=own)
    flags.DEFINE_integer("octaves", 4, "", flag_values=own)
    flags.DEFINE_integer("jitter", 32, "", flag_values=own)
    flags.DEFINE_bool("preserve_color", False, "", flag_values=own)
    return own


@pytest.fixture
def apply(values, monkeypatch):
    def parse_and_apply(*arguments, preset="animals"):
        values(["deepdream", *arguments])
        monkeypatch.setattr(presets.flags, "FLAGS", values)
        presets.apply(presets.DREAMS[preset], "squeezenet", instead=("layer",))
        return values.flag_values_dict()

    return parse_and_apply


@pytest.mark.parametrize("preset", sorted(presets.DREAMS))
def test_a_preset_sets_what_it_names(apply, preset):
    chosen = apply(preset=preset)
    assert {name: chosen[name] for name in presets.DREAMS[preset]} == presets.DREAMS[preset]


def test_flags_given_by_hand_go_first(apply):
    chosen = apply("--steps=3", "--objective=fire9:1", "--nopreserve_color")
    assert (chosen["steps"], chosen["objective"], chosen["preserve_color"]) == (3, ["fire9:1"], False)
    assert chosen["octaves"] == presets.DREAMS["animals"]["octaves"]


def test_a_flag_that_says_what_to_dream_takes_the_place_of_the_objective(apply):
    chosen = apply("--layer=fire3")
    assert chosen["objective"] == []
    assert chosen["steps"] == presets.DREAMS["animals"]["steps"]


def test_a_preset_is_refused_for_another_network(apply):
    with pytest.raises(UsageError, match="--backbone=squeezenet"):
        apply("--backbone=vgg16")


@pytest.fixture(scope="module")
def squeezenet():
    from tfgraphs import backbones

    return backbones.load("squeezenet")


@pytest.mark.parametrize("preset", sorted(presets.DREAMS))
def test_objectives_of_presets_are_those_of_the_network(preset, squeezenet):
    from tfgraphs.deepdream import parse

    for text in presets.DREAMS[preset]["objective"]:
        assert parse(text, squeezenet).layers
