"""The search for the nearest words as a TensorFlow graph.

    cosine(q, m) = q · m / (|q| |m|)

Everything here has a batch of queries in front, and speaks of words by their rows in the matrix.
"""

import tensorflow as tf

_QUERIES = tf.TensorSpec([None, None], tf.float32, name="queries")
_MATRIX = tf.TensorSpec([None, None], tf.float32, name="matrix")
_NORMS = tf.TensorSpec([None], tf.float32, name="norms")
_EXCLUDED = tf.TensorSpec([None, None], tf.int32, name="excluded")
_K = tf.TensorSpec([], tf.int32, name="k")

_EXCLUDED_COSINE = float("-inf")


@tf.function(input_signature=[_QUERIES, _MATRIX, _NORMS, _EXCLUDED, _K])
def nearest_rows(
    queries: tf.Tensor, matrix: tf.Tensor, norms: tf.Tensor, excluded: tf.Tensor, k: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The rows of a matrix that point most nearly where the queries point, best first; of equals the upper row first.

    Args:
        queries: float32 [batch, dimensions], of any length. The zero vector has the cosine 0 with every row.
        matrix: float32 [rows, dimensions].
        norms: lengths of its rows, see `lengths`, float32 [rows]; who asks often keeps them.
        excluded: rows that are no answer, int32 [batch, any number], or [1, any number] for all queries; -1 for none.
        k: how many rows are wanted, int32 scalar. Of more than are left, as many as are left; in a batch the query
            with the fewest left decides for all.

    Returns:
        The rows, int32 [batch, up to k], and their cosines, float32 of the same shape, -1..1 but for rounding.

    Raises:
        tf.errors.InvalidArgumentError: the shapes do not fit, or a row is excluded that there is not.
    """
    allowed = _without(cosines(queries, matrix, norms), excluded)
    best = tf.math.top_k(allowed, tf.clip_by_value(k, 0, _fewest_left(allowed)))
    return best.indices, best.values


def lengths(vectors: tf.Tensor) -> tf.Tensor:
    """Lengths of vectors, float32 [..., dimensions] -> [...]; 1 for the zero vector, which is similar to nothing."""
    norms = tf.math.reduce_euclidean_norm(vectors, axis=-1)  # unlike tf.norm, it does not square the matrix in memory
    return tf.where(norms > 0, norms, 1.0)


def units(vectors: tf.Tensor) -> tf.Tensor:
    """The vectors at length 1, float32 [..., dimensions]; the zero vector stays what it is."""
    return vectors / lengths(vectors)[..., tf.newaxis]


def cosines(queries: tf.Tensor, matrix: tf.Tensor, norms: tf.Tensor) -> tf.Tensor:
    """Cosine of each query with each row, float32 [batch, rows]; arguments as in `nearest_rows`."""
    return tf.matmul(units(queries), matrix, transpose_b=True) / norms


def _without(similarities: tf.Tensor, excluded: tf.Tensor) -> tf.Tensor:
    """Similarities [batch, rows], minus infinity where a row is excluded."""
    batch = tf.shape(similarities)[0]
    excluded = tf.broadcast_to(excluded, [batch, tf.shape(excluded)[1]])
    query = tf.range(batch)[:, tf.newaxis] + tf.zeros_like(excluded)
    places = tf.boolean_mask(tf.stack([query, excluded], axis=-1), excluded >= 0)
    return tf.tensor_scatter_nd_update(similarities, places, tf.fill([tf.shape(places)[0]], _EXCLUDED_COSINE))


def _fewest_left(allowed: tf.Tensor) -> tf.Tensor:
    """The number of rows that are not excluded, for the query with the fewest of them, int32 scalar."""
    left = tf.math.count_nonzero(allowed > _EXCLUDED_COSINE, axis=1, dtype=tf.int32)
    return tf.reduce_min(tf.concat([left, tf.shape(allowed)[1:]], axis=0))
