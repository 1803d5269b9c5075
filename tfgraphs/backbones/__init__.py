"""Pretrained networks by name."""

from tfgraphs.backbones import squeezenet
from tfgraphs.backbones.backbone import Backbone, LayerError, View
from tfgraphs.errors import TfgraphsError

__all__ = ["BACKBONES", "Backbone", "BackboneError", "LayerError", "View", "load"]

BACKBONES = {"squeezenet": squeezenet.load}
POOLINGS = ("max", "average")


class BackboneError(TfgraphsError):
    """No network has that name, or not with that kind of pooling."""


def load(name: str, pooling: str = "max") -> Backbone:
    """Loads a pretrained network.

    Args:
        name: one of `BACKBONES`.
        pooling: "max" or "average".

    Raises:
        BackboneError: there is no such network or pooling.
        PackageError, WeightsError: its weights are not there or not right.
    """
    if pooling not in POOLINGS:
        raise BackboneError(f"pooling is one of {', '.join(POOLINGS)}, not {pooling!r}")
    if name not in BACKBONES:
        raise BackboneError(f"no network is called {name!r}; there are: {', '.join(BACKBONES)}")
    return BACKBONES[name](pooling)
