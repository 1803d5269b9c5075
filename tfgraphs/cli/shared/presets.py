"""Presets as flags: named values that were chosen by looking at many pictures."""

import itertools
from collections.abc import Mapping

from absl import flags

from tfgraphs.cli.shared.command import UsageError
from tfgraphs.deepdream.preset_values import DREAMS as DREAMS
from tfgraphs.neural_style.preset_values import PAINTINGS as PAINTINGS

Preset = Mapping[str, object]


def names(presets: Mapping[str, Mapping[str, Preset]]) -> list[str]:
    """The names of the presets of all networks, each once."""
    return sorted({*itertools.chain(*presets.values())})


def of_network(presets: Mapping[str, Mapping[str, Preset]], name: str) -> Preset:
    """Returns the preset of a name for the network of --backbone; raises UsageError if it has none of that name."""
    network = flags.FLAGS["backbone"].value
    known = presets.get(network, {})
    if name not in known:
        others = [f"--backbone={other}" for other, names in presets.items() if name in names]
        theirs = f"it has {', '.join(known)}; " if known else ""
        raise UsageError(f"--backbone={network} has no preset {name}: {theirs}{name} is for {' and '.join(others)}")
    return known[name]


def apply(preset: Preset, instead: tuple[str, ...] = ()) -> None:
    """Sets those flags of a preset that were not given by hand; any of `instead`, if given, replaces --objective."""
    for name, value in preset.items():
        replaced = name == "objective" and any(flags.FLAGS[flag].present for flag in instead)
        if not flags.FLAGS[name].present and not replaced:
            flags.FLAGS[name].value = value
