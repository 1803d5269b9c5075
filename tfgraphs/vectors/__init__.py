"""Finished word vectors: load, query and write them."""

from tfgraphs.expression import ExpressionError
from tfgraphs.vectors.files.blocks import FormatError
from tfgraphs.vectors.loading import load
from tfgraphs.vectors.word_vectors import Neighbour, WordError, WordVectors

__all__ = ["ExpressionError", "FormatError", "Neighbour", "WordError", "WordVectors", "load"]
