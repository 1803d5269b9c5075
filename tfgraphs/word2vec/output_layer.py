"""The interface of output layers: what predicts a word from a hidden vector."""

from abc import ABC, abstractmethod

import numpy as np
import tensorflow as tf

from tfgraphs.word2vec.scores import Tensors


class OutputLayer(ABC):
    """The output side of a model.

    A layer says which rows of the output matrix a step needs, and what the loss of these rows is. TensorFlow's own
    kernels look the rows up; the loss is compiled.

    Attributes:
        rows: number of rows of the output matrix.
        predicts_centre: whether skip-gram predicts the centre from each neighbour, or each neighbour from the centre.
            Windows are symmetric, so the pairs are the same.
        pulls: how many terms of the loss of a pair contain each row, on average, float64 [rows].
    """

    rows: int
    predicts_centre = False
    pulls: np.ndarray

    @abstractmethod
    def lookup(self, words: tf.Tensor, seed: Tensors) -> tuple[Tensors, Tensors]:
        """Return the numbers of the rows that a step needs, int32 tensors of any shape, and other constants.

        Args:
            words: to predict, int32 [B, P].
            seed: of draws, two integers.
        """

    @abstractmethod
    def loss(self, hidden: tf.Tensor, weights: tf.Tensor, rows: Tensors, constants: Tensors) -> tf.Tensor:
        """Return the loss, summed over all pairs.

        Args:
            hidden: h, [B, H, D].
            weights: how much each pair counts, [B, H, P].
            rows: of the output matrix, for the numbers of `lookup`.
            constants: of `lookup`.
        """
