"""Skip-gram and CBOW: which words of a text predict which.

With v_i the input vector of the word at position i, and c the neighbours of i, at most `window` words away and in the
same sentence:

    skip-gram    h = v_i predicts each neighbour                                  (one pair for each neighbour)
    CBOW         h = mean over c of v_c predicts the word at i                    (one pair)

Source: Mikolov et al. 2013 (arXiv 1301.3781). word2vec.c draws the reach of each window evenly from 1..window
(`dynamic`). A neighbour at distance d is then inside with probability (window + 1 - d) / window, which is its weight if
the sampling is `expected`.
"""

import numpy as np
import tensorflow as tf

from tfgraphs.word2vec.settings import TrainingSettings


def pair_weights(sentences: tf.Tensor, reach: tf.Tensor | None, settings: TrainingSettings) -> tf.Tensor:
    """Compute how much each word counts for each centre, [B, T, T + 2w].

    Args:
        sentences: sentence numbers, -1 for no word, int32 [B, T + 2w].
        reach: of the window of each centre, int32 [B, T], if it is drawn.
        settings: `window`, `window_sampling` and `dtype` are used here.
    """
    window = settings.window
    length = sentences.shape[1] - 2 * window
    centres = sentences[:, window:-window, tf.newaxis]
    inside = (centres == sentences[:, tf.newaxis]) & (centres >= 0)
    if reach is not None:
        inside &= window_distances(length, window) <= reach[..., tf.newaxis]
    weights = window_weights(length, window, settings.sampling == "expected")
    return tf.constant(weights, settings.dtype) * tf.cast(inside, settings.dtype)


def draw_reach(centres: tf.Tensor, window: int, seed: list[tf.Tensor]) -> tf.Tensor:
    """Draw the reach of the window of each centre from 1..window, int32 [B, T]."""
    return tf.random.stateless_uniform(centres.shape, seed, 1, window + 1, tf.int32)


def window_weights(length: int, window: int, expected: bool = True) -> np.ndarray:
    """Return how much each neighbour counts, float64 [length, length + 2 * window]; rows are centres.

    Args:
        length: number of centres.
        window: words on either side.
        expected: whether the weight is (window + 1 - distance) / window instead of 1.
    """
    distance = window_distances(length, window)
    weights = (window + 1 - distance) / window if expected else 1
    return np.where((distance > 0) & (distance <= window), weights, 0.0)


def window_distances(length: int, window: int) -> np.ndarray:
    """Return how far each word is from each centre, int32 [length, length + 2 * window]."""
    centres = np.arange(length, dtype=np.int32)[:, None] + window
    return np.abs(np.arange(length + 2 * window, dtype=np.int32)[None, :] - centres)


def context_mean(vectors: tf.Tensor, weights: tf.Tensor, exact: bool) -> tf.Tensor:
    """Compute the hidden vectors of CBOW: weighted means, [B, T, D], 0 where there is no neighbour.

    Args:
        vectors: of all words, [B, T + 2w, D].
        weights: how much each counts for each centre, [B, T, T + 2w].
        exact: whether the gradient is that of the mean. If not, it is that of the sum, as in word2vec.c, gensim and
            fastText: each neighbour moves as far as if it were the only one.
    """
    total = tf.matmul(weights, vectors)
    mean = tf.math.divide_no_nan(total, tf.reduce_sum(weights, axis=-1, keepdims=True))
    return mean if exact else total + tf.stop_gradient(mean - total)
