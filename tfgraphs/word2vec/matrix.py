"""A matrix of vectors, which may be cut into blocks of columns."""

from typing import Any

import numpy as np
import tensorflow as tf


class Matrix:
    """A matrix [rows, dim] as one variable, or as several of a part of the columns each.

    An optimizer adds gradients to the rows of a variable one after the other. It changes several blocks side by side,
    to the same numbers; looking rows up takes longer then, as their parts have to be joined.

    Args:
        values: at the start, float [rows, dim].
        name: of the variable; of several blocks with their numbers.
        blocks: how many of these there are, at most one for each column.

    Attributes:
        blocks: the variables, [rows, columns] each.
        shape: (rows, dim).
    """

    def __init__(self, values: np.ndarray, name: str, blocks: int = 1) -> None:
        self.shape = values.shape
        parts = np.array_split(values, min(blocks, values.shape[1]), axis=1)
        names = [f"{name}_{number}" for number in range(len(parts))] if len(parts) > 1 else [name]
        self.blocks = [tf.Variable(part, name=one) for part, one in zip(parts, names, strict=True)]

    def rows(self, numbers: tf.Tensor) -> tf.Tensor:
        """Look up rows, [..., dim], for numbers of any shape."""
        return tf.concat([tf.gather(block, numbers) for block in self.blocks], axis=-1)

    def numpy(self) -> np.ndarray:
        """Return the values as they are now, [rows, dim]."""
        return np.concatenate([block.numpy() for block in self.blocks], axis=1)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.numpy().astype(dtype or self.blocks[0].dtype.as_numpy_dtype, copy=False)
