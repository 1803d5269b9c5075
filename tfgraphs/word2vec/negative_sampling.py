"""Negative sampling, NCE and sampled softmax: a word is told from noise words.

With O the word to predict from h, K the number of negatives, y noise words drawn from P, and s_y = v'_y . h:

    negative sampling    -log sigmoid(s_O) - sum over K words y of log sigmoid(-s_y)
    NCE                  the same with s_y - log(K P(y)) in place of s_y
    sampled softmax      -log( exp(c_O) / (exp(c_O) + sum over S words y of exp(c_y)) ),   c_y = s_y - log(S P(y))

Sources: Mikolov et al. 2013 (arXiv 1310.4546); Gutmann, Hyvärinen 2010 and Mnih, Teh 2012 (NCE); Jean et al. 2015
(sampled softmax). The papers draw K words for each pair. By default, groups of neighbouring hidden vectors share S
noise words here, each of which counts K / S times in negative sampling and NCE: the expected loss is the same, and all
scores are products of matrices. `TrainingSettings.shared_negatives` says how many, and switches this off.
"""

import math

import numpy as np
import tensorflow as tf

from tfgraphs.graphs.scopes import scope
from tfgraphs.word2vec.output_layer import (
    Draw,
    OutputLayer,
    Tensors,
    for_pairs,
    group_scores,
    pair_scores,
    softplus,
    total,
)
from tfgraphs.word2vec.settings import TrainingSettings
from tfgraphs.word2vec.text.vocabulary import Vocabulary

GROUPED = {"skipgram": 4, "cbow": 8}  # places whose hidden vectors share their noise words
FEWEST, MOST = 48, 1024  # noise words of a group, by default
TABLE = 1 << 20  # minimum size of the table of noise words
NOISE_PULL = 3.1  # learning rate times pairs against which a shared noise word stands in a step; 4.5 diverges


class Sampled(OutputLayer):
    """Tells a word from noise words.

    Args:
        vocabulary: words.
        settings: of the loss and the noise words.
        chances: probability of each word to be the one to predict, float64 [words].
        pairs: average number of pairs in a place.
    """

    def __init__(self, vocabulary: Vocabulary, settings: TrainingSettings, chances: np.ndarray, pairs: int) -> None:
        noise = noise_probabilities(vocabulary, settings.noise, settings.noise_exponent)
        self.rows = len(noise)
        self.pulls = chances + settings.negatives * noise
        self._settings = settings
        self._skipgram = settings.architecture == "skipgram"
        self._grouped = GROUPED[settings.architecture]
        self._drawn = settings.shared_negatives
        if self._drawn is None:
            pull = settings.rates[0] * settings.negatives * pairs * self._grouped
            self._drawn = max(FEWEST, min(MOST, 16 * math.ceil(pull / NOISE_PULL / 16)))
        self._table = tf.constant(noise_table(noise))
        self._log_chances = tf.constant(np.log(noise), settings.dtype)

    def lookup(self, words: tf.Tensor, draw: Draw) -> tuple[Tensors, Tensors]:
        with scope("noise"):
            return self._look_up_noise(words, draw)

    def _look_up_noise(self, words: tf.Tensor, draw: Draw) -> tuple[Tensors, Tensors]:
        noise = self._draw(words, draw)
        if self._settings.loss != "negative_sampling":
            return [words, noise], [tf.gather(self._log_chances, numbers) for numbers in (words, noise)]
        if self._drawn:
            return [words, noise], []
        targets = tf.gather(words, self._neighbours(words.shape[1]), axis=1) if self._skipgram else words[..., None]
        hits = noise == tf.reshape(tf.repeat(targets, self._settings.negatives, axis=-1), noise.shape)
        return [words, noise], [tf.cast(~hits, self._settings.dtype)]  # noise words that are the target are skipped

    def loss(self, hidden: tf.Tensor, weights: tf.Tensor, rows: Tensors, constants: Tensors) -> tf.Tensor:
        targets, noise = rows
        settings = self._settings
        with scope("scores"):
            scores, noise_scores = pair_scores(hidden, targets, weights), group_scores(hidden, noise)
        if settings.loss == "sampled_softmax":
            log_chances, noise_log_chances = for_pairs(constants[0], weights), constants[1][:, tf.newaxis]
            return sampled_softmax(scores - log_chances, weights, noise_scores - noise_log_chances)
        if settings.loss == "nce":
            expected = math.log(settings.negatives)
            scores = scores - expected - for_pairs(constants[0], weights)
            noise_scores = noise_scores - expected - constants[1][:, tf.newaxis]
        if self._drawn:
            noise_weights = tf.reshape(tf.reduce_sum(weights, axis=-1), [*noise_scores.shape[:-1], 1])
            return negative_sampling(scores, weights, noise_scores, noise_weights, settings.negatives / self._drawn)
        of_pairs = weights  # each noise word counts as much as the pair for which it is drawn
        if self._skipgram:
            neighbours = self._neighbours(weights.shape[2])
            neighbours = np.broadcast_to(neighbours, [weights.shape[0], *neighbours.shape])
            of_pairs = tf.gather(weights, neighbours, axis=2, batch_dims=2)
        noise_weights = tf.reshape(tf.repeat(of_pairs, settings.negatives, axis=-1), noise_scores.shape)
        if settings.loss == "negative_sampling":
            noise_weights *= constants[0][:, tf.newaxis]
        return negative_sampling(scores, weights, noise_scores, noise_weights)

    def _draw(self, words: tf.Tensor, draw: Draw) -> tf.Tensor:
        """Draw noise words, int32 [groups, S]; not shared, a hidden vector has K for each pair of a whole window."""
        if self._drawn:
            groups = max(1, words.shape[0] // self._grouped)
            return tf.gather(self._table, self._spread_places(groups, self._drawn, draw))
        centres, pairs = self._neighbours(words.shape[1]).shape if self._skipgram else (words.shape[1], 1)
        pairs = 1 if self._settings.loss == "sampled_softmax" else pairs
        shape = [words.shape[0] * centres, pairs * self._settings.negatives]
        return tf.gather(self._table, tf.random.stateless_uniform(shape, draw.key(), 0, self._table.shape[0], tf.int32))

    def _spread_places(self, groups: int, count: int, draw: Draw) -> tf.Tensor:
        """Draw places in the table, int32 [groups, count], which all groups of a step spread evenly over the table.

        Each is as likely as any other. Drawn by themselves, some noise words would be drawn several times more often
        than on average, and overshoot.
        """
        group, number = np.arange(groups)[:, None] * draw.parts + draw.part, np.arange(count)
        strata_count = groups * draw.parts * count
        first = tf.random.stateless_uniform([], draw.key_of_step(), 0, strata_count, tf.int32)
        strata = (first + (number * groups * draw.parts + group)) % strata_count
        inside = tf.random.stateless_uniform([groups, count], draw.key(2), dtype=tf.float64)
        return tf.cast((tf.cast(strata, tf.float64) + inside) / strata_count * self._table.shape[0], tf.int32)

    def _neighbours(self, words: int) -> np.ndarray:
        """Return the positions of the neighbours of each centre of a place, int [words - 2 * window, 2 * window]."""
        window = self._settings.window
        distances = np.array([*range(-window, 0), *range(1, window + 1)])
        return np.arange(window, words - window)[:, None] + distances


def noise_probabilities(vocabulary: Vocabulary, distribution: str, exponent: float) -> np.ndarray:
    """Compute the probability of each word as a noise word, float64 [words].

        unigram        P(y) ~ count(y)^exponent                            exponent 3/4 (Mikolov et al. 2013)
        log_uniform    P(y) = log((y + 2) / (y + 1)) / log(words + 1)      for the y-th most frequent word, from y = 0

    TensorFlow's samplers default to `log_uniform`, which draws frequent words too often.

    Args:
        vocabulary: words, most frequent first.
        distribution: "unigram" or "log_uniform".
        exponent: of the counts in "unigram".
    """
    if distribution == "log_uniform":
        ranks = np.arange(len(vocabulary.words))
        return np.log1p(1 / (ranks + 1)) / np.log(len(ranks) + 1)
    logarithms = exponent * np.log(vocabulary.counts.astype(np.float64))
    powers = np.exp(logarithms - logarithms.max())  # at most 1, whatever the exponent
    return powers / powers.sum()


def noise_table(probabilities: np.ndarray) -> np.ndarray:
    """Return word numbers in proportion to their probabilities, int32 [size]: a draw is a look-up in this table."""
    size = max(TABLE, 8 * len(probabilities))
    cumulated = np.cumsum(probabilities)
    quantiles = (np.arange(size) + 0.5) / size * cumulated[-1]
    return np.searchsorted(cumulated, quantiles).astype(np.int32)


def negative_sampling(
    scores: tf.Tensor, weights: tf.Tensor, noise: tf.Tensor, noise_weights: tf.Tensor, share: float = 1.0
) -> tf.Tensor:
    """Compute the loss of negative sampling, summed over all pairs; that of NCE with its scores.

    Args:
        scores: s_O, [B, H, P].
        weights: how much each pair counts, [B, H, P].
        noise: s_y, [groups, B * H / groups, S].
        noise_weights: how much each noise word counts, [groups, B * H / groups, S or 1].
        share: factor of all noise words.
    """
    with scope("positive"):
        positive = total(weights * softplus(-scores))
    with scope("negative"):
        negative = share * total(noise_weights * softplus(noise))
    return positive + negative


def sampled_softmax(scores: tf.Tensor, weights: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Compute the loss of sampled softmax, summed over all pairs.

    Args:
        scores: c_O, [B, H, P]. log S is in all scores and cancels out: it may be left out.
        weights: how much each pair counts, [B, H, P].
        noise: c_y, [groups, B * H / groups, S].
    """
    with scope("normalizer"):
        others = tf.reshape(tf.reduce_logsumexp(noise, axis=-1), [*scores.shape[:-1], 1])
    return total(weights * softplus(others - scores))
