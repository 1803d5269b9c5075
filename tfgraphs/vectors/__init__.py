"""Finished word vectors: load, query and write them."""

from tfgraphs.expression import ExpressionError
from tfgraphs.vectors.loading import load
from tfgraphs.vectors.word_vectors import FormatError, Neighbour, WordError, WordVectors

__all__ = ["ExpressionError", "FormatError", "Neighbour", "WordError", "WordVectors", "load"]
