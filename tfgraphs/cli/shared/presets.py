"""Presets: named values of flags that were chosen by looking at many pictures."""

from collections.abc import Mapping

from absl import flags

from tfgraphs.cli.shared.command import UsageError

Preset = Mapping[str, object]

# For SqueezeNet. All keep the colours of the photograph: what dreams do to colours looks alike whatever they dream of.
_DREAMS: dict[str, Preset] = {
    "animals": {"objective": ["fire7"], "steps": 100, "step_size": 1.4, "octaves": 5, "jitter": 16},
    "stones": {"objective": ["fire7:11"], "steps": 56, "step_size": 1.8},
    "strokes": {"objective": ["fire3"], "steps": 40, "step_size": 1.5},
    "vortices": {"objective": ["fire5:38 + fire6:22"], "steps": 40, "step_size": 1.4},
    "wicker": {"objective": ["fire7:17"], "steps": 56, "step_size": 1.8},
}
DREAMS: dict[str, Preset] = {name: {**preset, "preserve_color": True} for name, preset in _DREAMS.items()}

PAINTINGS: dict[str, Preset] = {"faithful": {"content_weight": 0.5}, "balanced": {}, "wild": {"content_weight": 0.04}}


def apply(preset: Preset, network: str, instead: tuple[str, ...] = ()) -> None:
    """Sets those flags of a preset that were not given by hand; raises UsageError for another --backbone.

    Any of the flags `instead`, if given, takes the place of --objective.
    """
    if flags.FLAGS["backbone"].value != network:
        raise UsageError(f"presets are for --backbone={network}: leave one of the two out")
    for name, value in preset.items():
        replaced = name == "objective" and any(flags.FLAGS[flag].present for flag in instead)
        if not flags.FLAGS[name].present and not replaced:
            flags.FLAGS[name].value = value
