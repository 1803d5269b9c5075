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

import numpy as np
import tensorflow as tf


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
    return tf.reduce_sum(weights * tf.nn.softplus(-scores)) + share * tf.reduce_sum(pairs * tf.nn.softplus(noise))


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
    return tf.reduce_sum(weights * tf.nn.softplus(others - (scores - log_chances)))


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
    return tf.reduce_sum(lefts * tf.nn.softplus(-decisions) + rights * tf.nn.softplus(decisions))


def weighted_turns(weights: tf.Tensor, turns: tf.Tensor) -> tf.Tensor:
    """Weight of the words to predict that turn a certain way at each shared node, [B, H, K].

    Args:
        weights: how much each pair counts, [B, H, P].
        turns: 1 where a word does, [B, words, K].
    """
    return weights * turns if weights.shape[-1] == 1 else tf.matmul(weights, turns)


def own_nodes(hidden: tf.Tensor, weights: tf.Tensor, nodes: tf.Tensor, signs: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
    """The rest of hierarchical softmax: sum of -log sigmoid(e_j v'_j . h) over the deep nodes j of each word's path.

    The nodes of all words to predict stand in one row, or in a row for each place.

    Args:
        hidden: h, [B, H, D].
        weights: how much each pair counts, [B, H, P].
        nodes: v'_j, [groups, C, D]; groups is B, in CBOW 1.
        signs: e_j, +1 left, -1 right, 0 no node, [groups, C].
        words: in CBOW, which of all words in the group the node is for; else, which of the place, [groups, C].
    """
    if weights.shape[-1] == 1:
        own = tf.gather(tf.reshape(hidden, [-1, hidden.shape[-1]]), words[0])
        decisions = tf.reduce_sum(own * nodes[0], axis=-1)[tf.newaxis]
        counted = tf.gather(tf.reshape(weights, [-1]), words)
    else:
        decisions = tf.matmul(nodes, hidden, transpose_b=True)
        counted = tf.gather(tf.linalg.matrix_transpose(weights), words, batch_dims=1)
        signs = signs[..., tf.newaxis]
    return tf.reduce_sum(counted * tf.abs(signs) * tf.nn.softplus(-signs * decisions))


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
