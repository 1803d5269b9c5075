"""Pretrained networks by name."""

from tfgraphs.backbones.backbone import Backbone, LayerError, View
from tfgraphs.backbones.squeezenet import squeezenet
from tfgraphs.errors import TfgraphsError

__all__ = ["BACKBONES", "Backbone", "BackboneError", "LayerError", "View", "load"]

BACKBONES = {"squeezenet": squeezenet}


class BackboneError(TfgraphsError):
    """No network has that name."""


def load(name: str, pooling: str = "max") -> Backbone:
    """Loads a pretrained network.

    Args:
        name: one of `BACKBONES`.
        pooling: "max" or "average".
    """
    if name not in BACKBONES:
        raise BackboneError(f"no network is called {name!r}; there are: {', '.join(BACKBONES)}")
    return BACKBONES[name](pooling)
