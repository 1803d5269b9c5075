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
    flags.DEFINE_integer("steps", 120, "", flag_values=own)
    flags.DEFINE_float("step_size", 0.7, "", flag_values=own)
    flags.DEFINE_integer("octaves", 5, "", flag_values=own)
    flags.DEFINE_integer("jitter", 32, "", flag_values=own)
    for name, value in (("chroma", 0.3), ("blur", 0.7), ("chroma_blur", 3.0)):
        flags.DEFINE_float(name, value, "", flag_values=own)
    return own


@pytest.fixture
def apply(values, monkeypatch):
    def parse_and_apply(*arguments, preset="neon"):
        values(["deepdream", *arguments])
        monkeypatch.setattr(presets.flags, "FLAGS", values)
        presets.apply(presets.of_network(presets.DREAMS, preset), instead=("layer",))
        return values.flag_values_dict()

    return parse_and_apply


PRESETS = [(network, name) for network, named in presets.DREAMS.items() for name in named]


@pytest.mark.parametrize(("network", "preset"), PRESETS)
def test_a_preset_sets_what_it_names(apply, network, preset):
    chosen = apply(f"--backbone={network}", preset=preset)
    named = presets.DREAMS[network][preset]
    assert {name: chosen[name] for name in named} == named


def test_flags_given_by_hand_go_first(apply):
    chosen = apply("--steps=3", "--objective=fire9:1", "--chroma=0.5")
    assert (chosen["steps"], chosen["objective"], chosen["chroma"]) == (3, ["fire9:1"], 0.5)
    assert chosen["octaves"] == presets.DREAMS["squeezenet"]["neon"]["octaves"] != 5


def test_a_flag_that_says_what_to_dream_takes_the_place_of_the_objective(apply):
    chosen = apply("--layer=fire3")
    assert chosen["objective"] == []
    assert chosen["steps"] == presets.DREAMS["squeezenet"]["neon"]["steps"]


@pytest.mark.parametrize(
    ("network", "preset", "said"),
    [
        ("vgg16", "stones", r"--backbone=vgg16 has no preset stones: it has .*; stones is for --backbone=squeezenet$"),
        ("vgg19", "birds", r"--backbone=vgg19 has no preset birds: birds is for --backbone=squeezenet and --backbone="),
    ],
)
def test_a_network_without_the_preset_is_refused_with_those_that_have_it(apply, network, preset, said):
    with pytest.raises(UsageError, match=said):
        apply(f"--backbone={network}", preset=preset)


@pytest.mark.parametrize(("network", "preset"), PRESETS)
def test_objectives_of_presets_are_those_of_the_network(network, preset):
    from tfgraphs.backbones.loading import structure
    from tfgraphs.deepdream import parse

    for text in presets.DREAMS[network][preset].get("objective", ()):
        assert parse(text, structure(network)).layers
