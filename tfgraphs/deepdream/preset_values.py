"""Presets of dreams, chosen by looking at many: values of flags, by network and name. `step_size` is on 0..255."""

from collections.abc import Mapping


def _sum(layer: str, *channels: int) -> str:
    return " + ".join(f"{layer}:{number}" for number in channels)


DREAMS: dict[str, dict[str, Mapping[str, object]]] = {
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
