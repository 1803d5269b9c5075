"""Neural style: losses and the optimisation of a picture under them."""

from tfgraphs.neural_style.losses import content_loss, gram_matrix, style_loss, total_variation
from tfgraphs.neural_style.transfer import StyleError, StyleSettings, paint

__all__ = ["StyleError", "StyleSettings", "content_loss", "gram_matrix", "paint", "style_loss", "total_variation"]
