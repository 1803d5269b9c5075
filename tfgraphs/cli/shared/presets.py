"""Presets: named values of flags that were chosen by looking at many pictures."""

import itertools
from collections.abc import Mapping

from absl import flags

from tfgraphs.cli.shared.command import UsageError

Preset = Mapping[str, object]


def _sum(layer: str, *channels: int) -> str:
    return " + ".join(f"{layer}:{number}" for number in channels)


DREAMS: dict[str, dict[str, Preset]] = {
    "squeezenet": {
        "animals": {},  # the default
        "birds": {"objective": [_sum("fire9", 28, 82, 360, 377, 402, 474)], "step_size": 1.2},
        "neon": {  # of 2015
            **{"objective": ["fire7"], "steps": 40, "step_size": 1.5, "octaves": 4},
            **{"chroma": 1.0, "blur": 0.0, "chroma_blur": 0.0},
        },
        "palaces": {"objective": [_sum("fire9", 33, 120, 121, 261, 278, 355, 405)], "step_size": 1.2},
        "stones": {"objective": ["fire7:11"], "step_size": 1.2},
        "strokes": {"objective": ["fire3"]},
        "vortices": {"objective": ["fire5:38 + fire6:22"], "step_size": 1.0},
        "wicker": {"objective": ["fire7:17"], "step_size": 1.2},
    },
    "vgg16": {  # half as many steps, each of which takes many times as long
        name: {"objective": [objective], "steps": 60, "step_size": 1.0}
        for name, objective in {
            "animals": "conv5_1 + 3*conv5_2 + 3*conv5_3",
            "bells": _sum("conv5_2", 50, 90, 200, 266, 446, 469),
            "birds": _sum("conv5_3", 39, 43, 182, 239, 303, 501),
            "eyes": "conv5_1:104",
            "flowers": "conv5_1:419 + conv5_3:277",
            "houses": "conv5_1:239",
        }.items()
    },
}

PAINTINGS: dict[str, dict[str, Preset]] = {
    network: {"faithful": {"content_weight": faithful}, "balanced": {}, "wild": {"content_weight": wild}}
    for network, faithful, wild in (("squeezenet", 0.6, 0.15), ("vgg16", 0.5, 0.1), ("vgg19", 0.5, 0.1))
}


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
