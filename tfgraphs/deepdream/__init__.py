"""DeepDream and feature visualization: objectives, parameterizations, transforms, gradients."""

from typing import TYPE_CHECKING

from tfgraphs.lazy_names import lazy_names

if TYPE_CHECKING:
    from tfgraphs.deepdream.dreamer import dream
    from tfgraphs.deepdream.features import render, visualize_feature
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
    from tfgraphs.deepdream.settings import DreamError, DreamSettings, FeatureError, FeatureSettings

__all__ = ["DreamError", "DreamSettings", "FeatureError", "FeatureSettings", "Fourier", "Maco", "Objective"]
__all__ += ["ObjectiveError", "Pixels", "channel", "class_logit", "diversity", "dream", "guided", "layer_l2", "neuron"]
__all__ += ["parse", "render", "visualize_feature"]

_OBJECTIVES = ("Objective", "ObjectiveError", "channel", "class_logit", "diversity", "guided", "layer_l2", "neuron")
_SETTINGS = ("DreamError", "DreamSettings", "FeatureError", "FeatureSettings")
__getattr__ = lazy_names(  # commands read their settings before they import TensorFlow
    __name__,
    {"dream": "dreamer", "parse": "objectives", "render": "features", "visualize_feature": "features"}
    | dict.fromkeys(_OBJECTIVES, "objectives")
    | dict.fromkeys(("Fourier", "Maco", "Pixels"), "parameterizations")
    | dict.fromkeys(_SETTINGS, "settings"),
)
