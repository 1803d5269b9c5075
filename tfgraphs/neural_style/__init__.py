"""Neural style: losses and the optimisation of a picture under them."""

from typing import TYPE_CHECKING

from tfgraphs.lazy_names import lazy_names

if TYPE_CHECKING:
    from tfgraphs.neural_style.regions import Style, StyleError
    from tfgraphs.neural_style.settings import StyleSettings
    from tfgraphs.neural_style.statistics import gram_matrix
    from tfgraphs.neural_style.style_loss import total_variation
    from tfgraphs.neural_style.transfer import Painter, paint

__all__ = ["Painter", "Style", "StyleError", "StyleSettings", "gram_matrix", "paint", "total_variation"]

__getattr__ = lazy_names(  # the command reads its inputs before it imports TensorFlow
    __name__,
    {"Painter": "transfer", "Style": "regions", "StyleError": "regions", "StyleSettings": "settings"}
    | {"gram_matrix": "statistics", "paint": "transfer", "total_variation": "style_loss"},
)
