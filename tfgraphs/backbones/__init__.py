"""Pretrained networks: pictures and layer names in, activations out."""

from tfgraphs.backbones.backbone import Backbone, BackboneError, LayerError, View
from tfgraphs.backbones.loading import BACKBONES, POOLINGS, installed, load, structure

__all__ = ["BACKBONES", "POOLINGS", "Backbone", "BackboneError", "LayerError", "View", "installed", "load", "structure"]
