"""The noise distribution, from which negative samples are drawn.

    unigram        P(y) ~ count(y)^exponent                            exponent 3/4 (Mikolov et al. 2013)
    log_uniform    P(y) = log((y + 2) / (y + 1)) / log(words + 1)      for the y-th most frequent word, from y = 0

TensorFlow's samplers default to `log_uniform`, which draws frequent words too often.
"""

import numpy as np

from tfgraphs.word2vec.text.vocabulary import Vocabulary

_TABLE = 1 << 20  # minimum size of the table


def noise_probabilities(vocabulary: Vocabulary, distribution: str, exponent: float) -> np.ndarray:
    """Return the probability of each word as a noise word, float64 [words].

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
    size = max(_TABLE, 8 * len(probabilities))
    cumulated = np.cumsum(probabilities)
    quantiles = (np.arange(size) + 0.5) / size * cumulated[-1]
    return np.searchsorted(cumulated, quantiles).astype(np.int32)
