"""Dreams that are worth looking at: settings by name, and the layer that a network dreams with if nobody says."""

from tfgraphs.backbones import Backbone
from tfgraphs.backbones.heat_maps import richest_places

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


def default_layer(backbone: Backbone) -> str:
    """A layer that dreams of things: not of strokes, nor of what fills the whole picture."""
    layer = LAYERS.get(backbone.name, "")
    return layer if layer in backbone.layers or layer in backbone.aliases else richest_places(backbone)
