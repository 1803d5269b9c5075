"""DeepDream and feature visualization: objectives, parameterizations, transforms, gradients."""

from tfgraphs.deepdream.dream import DreamError, DreamSettings, dream
from tfgraphs.deepdream.features import FeatureError, FeatureSettings, visualize_feature
from tfgraphs.deepdream.objectives import (
    Objective,
    ObjectiveError,
    channel,
    class_logit,
    diversity,
    guided,
    layer_l2,
    neuron,
    parse,
)
from tfgraphs.deepdream.parameterizations import Fourier, Maco, Pixels
from tfgraphs.deepdream.rendering import render

__all__ = [
    "DreamError",
    "DreamSettings",
    "FeatureError",
    "FeatureSettings",
    "Fourier",
    "Maco",
    "Objective",
    "ObjectiveError",
    "Pixels",
    "channel",
    "class_logit",
    "diversity",
    "dream",
    "guided",
    "layer_l2",
    "neuron",
    "parse",
    "render",
    "visualize_feature",
]
