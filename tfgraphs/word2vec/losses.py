"""The losses of word vectors, over many words of running text at once.

No pair of words is ever written down. A step reads T consecutive words from each of B places of the text with w words
on either side. What predicts is a hidden vector h, one for each of H words of a place: in skip-gram the vector of a
word, in CBOW the mean of the vectors around it. What is predicted are P words of the same place, and a weight says for
each h how much each of them counts, [B, H, P]. In skip-gram P is T + 2w, the weights are a band, and the scores
v' . h are one product of matrices; in CBOW P is 1.

All losses are sums over pairs. Formulas: Mikolov et al. 2013 (arXiv 1310.4546); Morin, Bengio 2005 (hierarchical
softmax); Gutmann, Hyvärinen 2010, Mnih, Teh 2012 (NCE); Jean et al. 2015 (sampled softmax).
"""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfgraphs.graphs.own_gradients import custom_gradient


def window_weights(length: int, window: int, expected: bool = True) -> np.ndarray:
    """How much each neighbour counts: float64 [length, length + 2 * window], rows are centres.

    Word2vec draws the reach of each window evenly from 1..window. A word at distance d is then inside with probability
    (window + 1 - d) / window, and that expectation stands here in place of the draw; or 1, if not `expected`.
    """
    distance = window_distances(length, window)
    weights = (window + 1 - distance) / window if expected else 1
    return np.where((distance > 0) & (distance <= window), weights, 0.0)


def window_distances(length: int, window: int) -> np.ndarray:
    """How far each of length + 2 * window words is from each of the inner ones: int32 [length, length + 2 * window]."""
    centres = np.arange(length, dtype=np.int32)[:, None] + window
    return np.abs(np.arange(length + 2 * window, dtype=np.int32)[None, :] - centres)


def scores(hidden: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """v' . h for the pairs of `weights`.

    Args:
        hidden: h, [B, H, D].
        outputs: v' of the words to predict, [B, P, D]; if P is 1 in `weights`, [B, H, D], one for each h.
        weights: [B, H, P].

    Returns:
        [B, H, P].
    """
    if weights.shape[-1] == 1:
        return tf.reduce_sum(hidden * outputs, axis=-1, keepdims=True)
    return tf.matmul(hidden, outputs, transpose_b=True)


def group_scores(hidden: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """v'_y . h for words y that groups of hidden vectors share, [groups, B * H / groups, S].

    Args:
        hidden: h, [B, H, D].
        outputs: v' of the words, [groups, S, D].
    """
    return tf.matmul(tf.reshape(hidden, [outputs.shape[0], -1, hidden.shape[-1]]), outputs, transpose_b=True)


def for_pairs(words: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Something of each word to predict, [B, words], in a shape that goes with pairs, [B, H, P]."""
    return words[..., tf.newaxis] if weights.shape[-1] == 1 else words[:, tf.newaxis]


def negative_sampling(scores: tf.Tensor, weights: tf.Tensor, noise: tf.Tensor, negatives: float) -> tf.Tensor:
    """Sum of -( log sigmoid(v'_O . h) + negatives * mean over noise words y of log sigmoid(-v'_y . h) ).

    Args:
        scores: v'_O . h, [B, H, P].
        weights: how much each pair counts, [B, H, P].
        noise: v'_y . h, [groups, B * H / groups, S]: each group of hidden vectors shares S noise words.
        negatives: how many noise words a pair stands against.
    """
    pairs = tf.reshape(tf.reduce_sum(weights, axis=-1), [*noise.shape[:-1], 1])
    share = negatives / noise.shape[-1]
    return total(weights * softplus(-scores)) + share * total(pairs * softplus(noise))


def nce(
    scores: tf.Tensor,
    weights: tf.Tensor,
    noise: tf.Tensor,
    negatives: float,
    log_chances: tf.Tensor,
    noise_log_chances: tf.Tensor,
) -> tf.Tensor:
    """Noise-contrastive estimation: negative sampling with v'_y . h - log(negatives * P(y)) in place of v'_y . h.

    Args:
        scores, weights, noise, negatives: as for `negative_sampling`.
        log_chances: log P of the words to predict under the noise distribution, to be added to [B, H, P].
        noise_log_chances: log P of the noise words, to be added to [groups, B * H / groups, S].
    """
    expected = math.log(negatives)
    return negative_sampling(scores - expected - log_chances, weights, noise - expected - noise_log_chances, negatives)


def sampled_softmax(
    scores: tf.Tensor, weights: tf.Tensor, noise: tf.Tensor, log_chances: tf.Tensor, noise_log_chances: tf.Tensor
) -> tf.Tensor:
    """Sum of -log of a softmax over the word to predict and S noise words, each score less log(S * P(word)).

    log S is in every score and so in none. Arguments as for `nce`.
    """
    corrected = tf.reduce_logsumexp(noise - noise_log_chances, axis=-1)
    others = tf.reshape(corrected, [*scores.shape[:-1], 1])
    return total(weights * softplus(others - (scores - log_chances)))


def softmax(scores: tf.Tensor, weights: tf.Tensor, all_scores: tf.Tensor) -> tf.Tensor:
    """Sum of -log( exp(v'_O . h) / sum over all words y of exp(v'_y . h) ).

    Args:
        scores, weights: as for `negative_sampling`.
        all_scores: v'_y . h, [B, H, V].
    """
    everything = tf.reduce_logsumexp(all_scores, axis=-1, keepdims=True)
    return tf.reduce_sum(weights * (everything - scores))


def shared_nodes(decisions: tf.Tensor, lefts: tf.Tensor, rights: tf.Tensor) -> tf.Tensor:
    """Part of hierarchical softmax: nodes near the root, which are on the paths of very many words.

    All words that part to the same side at a node have the same loss there, so it is enough to know how many they are.

    Args:
        decisions: v'_j . h for each of K inner nodes j, [B, H, K].
        lefts: weight of the words to predict whose path goes left there, [B, H, K].
        rights: of those whose path goes right.
    """
    return total(lefts * softplus(-decisions) + rights * softplus(decisions))


def weighted_turns(weights: tf.Tensor, turns: tf.Tensor) -> tf.Tensor:
    """Weight of the words to predict that turn a certain way at each shared node, [B, H, K].

    Args:
        weights: how much each pair counts, [B, H, P].
        turns: 1 where a word does, [B, words, K].
    """
    return weights * turns if weights.shape[-1] == 1 else tf.matmul(weights, turns)


def chunks(hidden: tf.Tensor, weights: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts the words to predict into chunks of W consecutive ones, each with those hidden vectors that predict them.

    Args:
        hidden: h, [B, H, D].
        weights: how much each pair counts, [B, H, P].
        count: of chunks.

    Returns:
        Hidden vectors, [count, N, D], and weights, [count, N, W]. In CBOW N is W, else what W words have around them.
    """
    places, length, dim = hidden.shape
    if weights.shape[-1] == 1:
        size = places * length // count
        own = tf.eye(size, dtype=hidden.dtype) * tf.reshape(weights, [count, size, 1])
        return tf.reshape(hidden, [count, size, dim]), own
    size = places * weights.shape[-1] // count
    near = length - weights.shape[-1] + size
    begins = range(0, weights.shape[-1], size)
    parts = [hidden[:, begin : begin + near] for begin in begins]
    cut = [weights[:, begin : begin + near, begin : begin + size] for begin in begins]
    return tf.reshape(tf.stack(parts, axis=1), [count, near, dim]), tf.reshape(
        tf.stack(cut, axis=1), [count, near, size]
    )


def deep_nodes(
    hidden: tf.Tensor, weights: tf.Tensor, nodes: tf.Tensor, signs: tf.Tensor, words: tf.Tensor
) -> tf.Tensor:
    """The rest of hierarchical softmax: sum of -log sigmoid(e_j v'_j . h) over deep nodes j on the paths of words.

    Args:
        hidden: h, [chunks, N, D].
        weights: how much each pair counts, [chunks, N, W].
        nodes: v'_j, [chunks, K, D].
        signs: how much each node counts times e_j: +1 left, -1 right, 0 no node; [chunks, K].
        words: which of the W words the node is for, [chunks, K].
    """
    counts = tf.abs(signs)[:, tf.newaxis] * tf.one_hot(words, weights.shape[-1], axis=1, dtype=weights.dtype)
    decisions = tf.sign(signs)[:, tf.newaxis] * tf.matmul(hidden, nodes, transpose_b=True)
    return total(tf.matmul(weights, counts) * softplus(-decisions))


def softplus(x: tf.Tensor) -> tf.Tensor:
    """log(1 + exp(x)), which is -log sigmoid(-x). Value and gradient share the exponential, the dearest part."""

    @custom_gradient
    def shared(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        power = tf.exp(tf.minimum(x, 60))  # beyond, 1 is nothing beside it
        return tf.maximum(x, tf.math.log(1 + power)), lambda gradient: gradient * (power / (1 + power))

    return shared(x)


def total(values: tf.Tensor) -> tf.Tensor:
    """The sum of all values, as a product with ones: XLA adds up one by one else, which takes twice as long."""
    ones = tf.ones([values.shape[-1], 1], values.dtype)
    return tf.reduce_sum(tf.matmul(tf.reshape(values, [-1, values.shape[-1]]), ones))


def context_mean(vectors: tf.Tensor, weights: tf.Tensor, exact: bool) -> tf.Tensor:
    """The hidden vectors of CBOW: weighted means, float [B, T, D], 0 where there is no neighbour.

    Args:
        vectors: of all words, [B, T + 2w, D].
        weights: how much each counts for each centre, [B, T, T + 2w].
        exact: whether the gradient is that of the mean. Otherwise it is that of the sum, as in word2vec and its
            successors: each neighbour moves as far as if it stood alone.
    """
    total = tf.matmul(weights, vectors)
    mean = tf.math.divide_no_nan(total, tf.reduce_sum(weights, axis=-1, keepdims=True))
    return mean if exact else total + tf.stop_gradient(mean - total)
