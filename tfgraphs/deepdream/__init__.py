"""DeepDream: objectives, octaves, gradients."""

from tfgraphs.deepdream.dream import DreamError, DreamSettings, dream
from tfgraphs.deepdream.objectives import Objective, layer_l2

__all__ = ["DreamError", "DreamSettings", "Objective", "dream", "layer_l2"]
