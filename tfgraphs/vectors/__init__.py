"""Finished word vectors: load, query and write them."""

from tfgraphs.expression import ExpressionError
from tfgraphs.vectors.loading import load
from tfgraphs.vectors.neighbours import Neighbour, Neighbours
from tfgraphs.vectors.word_vectors import FormatError, WordError, WordVectors

__all__ = ["ExpressionError", "FormatError", "Neighbour", "Neighbours", "WordError", "WordVectors", "load"]
