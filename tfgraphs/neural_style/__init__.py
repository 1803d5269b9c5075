"""Neural style: losses and the optimisation of a picture under them."""

from tfgraphs.neural_style.losses import total_variation
from tfgraphs.neural_style.regions import Style, StyleError
from tfgraphs.neural_style.settings import StyleSettings
from tfgraphs.neural_style.statistics import gram_matrix
from tfgraphs.neural_style.transfer import Painter, paint

__all__ = ["Painter", "Style", "StyleError", "StyleSettings", "gram_matrix", "paint", "total_variation"]
