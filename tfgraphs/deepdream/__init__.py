"""DeepDream: objectives, octaves, gradients."""

from tfgraphs.deepdream.dream import DreamError, DreamSettings, dream
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

__all__ = [
    "DreamError",
    "DreamSettings",
    "Objective",
    "ObjectiveError",
    "channel",
    "class_logit",
    "diversity",
    "dream",
    "guided",
    "layer_l2",
    "neuron",
    "parse",
]
