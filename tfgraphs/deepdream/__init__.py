"""DeepDream and feature visualization: objectives, parameterizations, transforms, gradients."""

import importlib
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    """Imports a name when it is first used: commands read their settings before they import TensorFlow."""
    if name in __all__:
        for part in ("settings", "objectives", "parameterizations", "features", "dreamer"):
            module = importlib.import_module(f"{__name__}.{part}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
