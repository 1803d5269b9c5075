"""Neural style: losses and the optimisation of a picture under them."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfgraphs.neural_style.losses import total_variation
    from tfgraphs.neural_style.regions import Style, StyleError
    from tfgraphs.neural_style.settings import StyleSettings
    from tfgraphs.neural_style.statistics import gram_matrix
    from tfgraphs.neural_style.transfer import Painter, paint

__all__ = ["Painter", "Style", "StyleError", "StyleSettings", "gram_matrix", "paint", "total_variation"]

_MODULES = {"total_variation": "losses", "Style": "regions", "StyleError": "regions"}
_MODULES |= {"StyleSettings": "settings", "gram_matrix": "statistics", "Painter": "transfer", "paint": "transfer"}


def __getattr__(name: str) -> Any:
    """Imports a name when it is first used: the command reads its inputs before it imports TensorFlow."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
