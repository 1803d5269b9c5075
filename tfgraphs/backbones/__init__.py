"""Pretrained networks by name."""

from tfgraphs.backbones.backbone import Backbone, BackboneError, LayerError, View
from tfgraphs.backbones.loading import BACKBONES, POOLINGS, has_only_trunk, load

__all__ = ["BACKBONES", "POOLINGS", "Backbone", "BackboneError", "LayerError", "View", "has_only_trunk", "load"]
