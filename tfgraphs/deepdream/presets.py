"""Defaults for each network: what it dreams of, and channels with striking pictures."""

import contextlib
from collections.abc import Callable, Sequence

import numpy as np

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.loading import load
from tfgraphs.backbones.looking.heat_maps import richest_places
from tfgraphs.deepdream.objectives import Objective, ObjectiveError, guided, layer_l2, parse

LAYERS = {
    "squeezenet": "fire7",
    "alexnet": "conv4",
    "vgg16": "conv5_2",
    "vgg19": "conv5_2",
    "googlenet": "mixed4c",
    "inception5h": "mixed4c",
    "inception_v3": "mixed4",
    "resnet50": "conv4_block4_out",
    "resnet101": "conv4_block12_out",
    "resnet152": "conv4_block20_out",
}

MIXTURES = {  # animals with heads and legs; in towns, towers
    "squeezenet": "fire7 + 2*fire8 + 2*fire9",
    "vgg16": "conv5_1 + 3*conv5_2 + 3*conv5_3",
}

STRIKING = {
    "squeezenet": {
        "fire5": [3, 5, 13, 22, 38],
        "fire6": [1, 4, 8, 10, 13, 21, 22],
        "fire7": [2, 11, 14, 16, 17, 22],
        "fire8": [1, 8, 14, 18, 22, 26],
        "fire9": [3, 10, 22, 26, 218, 227],
    },
    "vgg16": {
        "conv4_3": [126, 335, 359, 418],
        "conv5_1": [104, 178, 198, 239, 419, 425],
        "conv5_2": [21, 73, 78, 138, 175, 192, 269, 358, 409, 450],
        "conv5_3": [118, 120, 161, 182, 277, 384, 427, 501],
    },
}


def default_layer(backbone: Backbone) -> str:
    """Returns a layer whose dreams show objects: neither strokes nor what fills the whole picture."""
    layer = LAYERS.get(backbone.name, "")
    return layer if layer in backbone else richest_places(backbone)


def default_objective(backbone: Backbone) -> Objective:
    """Returns what the network dreams of by default: a mixture of layers, or the default one."""
    layer = default_layer(backbone)
    if layer == LAYERS.get(backbone.name) and backbone.name in MIXTURES:
        return parse(MIXTURES[backbone.name], backbone)
    return layer_l2(layer)


def combined_objective(
    backbone: Backbone, texts: Sequence[str], layers: Sequence[str] = (), guide: np.ndarray | None = None
) -> Objective:
    """Returns the sum of some objectives, of some layers or of what a guide shows there; `default_objective` of none.

    Args:
        backbone: the network.
        texts: objectives, see `objectives.parse`.
        layers: whose activations are maximised, or that see the guide; by default, for a guide, `default_layer`.
        guide: float32 [height, width, 3] in 0..1.
    """
    objectives = [parse(text, backbone) for text in texts]
    seeing = layers or [default_layer(backbone)]
    for layer in seeing:
        backbone.check(layer)
    if guide is not None:
        seen = backbone(guide[None], seeing)
        objectives += [guided(layer, seen[layer][0].numpy()) for layer in seeing]
    elif layers:
        objectives += map(layer_l2, layers)
    elif not objectives:
        objectives = [default_objective(backbone)]
    return sum(objectives[1:], start=objectives[0])


def striking_channels(backbone: Backbone) -> list[tuple[str, int]]:
    """Returns layers and channels of a network whose visualizations are striking.

    Raises:
        ObjectiveError: there is no choice for this network.
    """
    if backbone.name not in STRIKING:
        raise ObjectiveError(f"no striking channels of {backbone.name} are known: give --layer or --objective")
    return [(layer, number) for layer, numbers in STRIKING[backbone.name].items() for number in numbers]


def load_objective(objective: Objective | str | None, backbone: Backbone | str) -> tuple[Objective, Backbone]:
    """Loads a network that is given by name, and parses an objective that is given as text.

    Args:
        objective: None for `default_objective`.
        backbone: the network or its name. Wrong layer names are refused before its weights are loaded.
    """

    def parsed(backbone: Backbone) -> Objective:
        if isinstance(objective, str):
            return parse(objective, backbone)
        return default_objective(backbone) if objective is None else objective

    if isinstance(backbone, str):
        backbone = load(backbone, check=check_of(parsed))
    return parsed(backbone), backbone


def check_of(make_objective: Callable[[Backbone], Objective]) -> Callable[[Backbone], None]:
    """Returns the `check` of `backbones.load` for an objective, which raises LayerError for unknown layers."""

    def check(structure: Backbone) -> None:
        with contextlib.suppress(ObjectiveError):  # the names of classes may come with the weights
            for layer in make_objective(structure).layers:
                structure.check(layer)

    return check
