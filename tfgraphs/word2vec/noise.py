"""Noise words: what the sampled losses set a word against."""

import numpy as np

from tfgraphs.word2vec.text.vocabulary import Vocabulary

DISTRIBUTIONS = ("unigram", "log_uniform")
_TABLE = 1 << 20  # places of the table, if the vocabulary is small


def noise_chances(vocabulary: Vocabulary, distribution: str, exponent: float) -> np.ndarray:
    """The probability of each word as a noise word, float64 [words].

    Args:
        vocabulary: words, most frequent first.
        distribution: "unigram", P(y) ~ count(y)^exponent (Mikolov et al. 2013: 3/4), or "log_uniform",
            P(y) = log((y + 2) / (y + 1)) / log(words + 1), TensorFlow's default for words in order of frequency. That
            one is too fond of frequent words.
        exponent: of the counts.
    """
    if distribution == "log_uniform":
        ranks = np.arange(len(vocabulary.words))
        return np.log1p(1 / (ranks + 1)) / np.log(len(ranks) + 1)
    logarithms = exponent * np.log(vocabulary.counts.astype(np.float64))
    powers = np.exp(logarithms - logarithms.max())  # not more than 1, whatever the exponent
    return powers / powers.sum()


def noise_table(chances: np.ndarray) -> np.ndarray:
    """Word numbers, int32 [size], in which words stand in proportion to their chances: a draw is a look-up."""
    size = max(_TABLE, 8 * len(chances))
    cumulated = np.cumsum(chances)
    quantiles = (np.arange(size) + 0.5) / size * cumulated[-1]
    return np.searchsorted(cumulated, quantiles).astype(np.int32)
