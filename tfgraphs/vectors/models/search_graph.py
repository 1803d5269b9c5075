"""Nearest-neighbour search as TensorFlow operations; see `tfgraphs.vectors.search` for NumPy.

cosine similarity   cos(q, m) = q · m / (|q| |m|)
"""

import tensorflow as tf

_NO_ANSWER = float("-inf")


def nearest_rows(query: tf.Tensor, matrix: tf.Tensor, excluded: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the rows of a matrix with the highest cosine similarity, best first; of equal ones the upper row first.

    Args:
        query: float32 [dimensions].
        matrix: float32 [rows, dimensions].
        excluded: rows that are not answers, int32 [any number].
        k: maximal number of answers, int32 scalar.

    Returns:
        The rows, int32 [up to k], and their cosines, float32 [up to k], -1..1 except for rounding.

    Raises:
        tf.errors.InvalidArgumentError: the shapes do not fit, or an excluded row does not exist.
    """
    cosines = cosine_similarity(query, matrix)
    no_answer = tf.fill([tf.size(excluded)], _NO_ANSWER)
    cosines = tf.tensor_scatter_nd_update(cosines, excluded[:, tf.newaxis], no_answer)
    answers = tf.math.count_nonzero(cosines > _NO_ANSWER, dtype=tf.int32)
    best = tf.math.top_k(cosines, tf.clip_by_value(k, 0, answers))
    return best.indices, best.values


def cosine_similarity(query: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Returns the cosine of a query and each row, float32 [rows]; 0 if one of them is the zero vector."""
    return tf.linalg.matvec(matrix, units(query)) / norms(matrix)


def units(vectors: tf.Tensor) -> tf.Tensor:
    """Scales vectors to length 1, float32 [..., dimensions]; zero vectors stay zero."""
    return vectors / norms(vectors)[..., tf.newaxis]


def norms(vectors: tf.Tensor) -> tf.Tensor:
    """Returns the lengths of vectors, float32 [...]; 1 for the zero vector."""
    lengths = tf.math.reduce_euclidean_norm(vectors, axis=-1)  # unlike tf.norm, it does not square the matrix in memory
    return tf.where(lengths > 0, lengths, 1.0)
