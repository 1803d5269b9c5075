"""What is worth looking at in a network: the layer that it dreams with if nobody says, and its striking channels."""

from tfgraphs.backbones import Backbone
from tfgraphs.backbones.looking.heat_maps import richest_places
from tfgraphs.deepdream.objectives import ObjectiveError

LAYERS = {
    "squeezenet": "fire7",
    "alexnet": "conv4",
    "vgg16": "conv5_1",
    "vgg19": "conv5_2",
    "googlenet": "mixed4c",
    "inception5h": "mixed4c",
    "inception_v3": "mixed4",
    "resnet50": "conv4_block4_out",
    "resnet101": "conv4_block12_out",
    "resnet152": "conv4_block20_out",
}

STRIKING = {
    "squeezenet": {
        "fire5": [3, 5, 13, 22, 38],
        "fire6": [1, 4, 8, 10, 13, 21, 22],
        "fire7": [2, 11, 14, 16, 17, 22],
        "fire8": [1, 8, 14, 18, 22, 26],
        "fire9": [3, 10, 22, 26, 218, 227],
    },
}


def default_layer(backbone: Backbone) -> str:
    """A layer that dreams of things: not of strokes, nor of what fills the whole picture."""
    layer = LAYERS.get(backbone.name, "")
    return layer if layer in backbone.layers or layer in backbone.aliases else richest_places(backbone)


def striking_channels(backbone: Backbone) -> list[tuple[str, int]]:
    """Layers and channels of a network whose pictures are worth a page.

    Raises:
        ObjectiveError: nobody has looked for them.
    """
    if backbone.name not in STRIKING:
        raise ObjectiveError(
            f"there is no choice of striking channels of {backbone.name}: say what to show, a --layer or an --objective"
        )
    return [(layer, number) for layer, numbers in STRIKING[backbone.name].items() for number in numbers]
