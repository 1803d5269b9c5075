"""Finished word vectors: loading, asking, exporting."""

from tfgraphs.expression import ExpressionError
from tfgraphs.vectors.files.formats import FormatError, load
from tfgraphs.vectors.word_vectors import Neighbour, WordError, WordVectors

__all__ = ["ExpressionError", "FormatError", "Neighbour", "WordError", "WordVectors", "load"]
