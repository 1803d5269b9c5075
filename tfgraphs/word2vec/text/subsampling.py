"""Subsampling: very frequent words are dropped at random before training.

A word that makes up the share f of the corpus is kept with probability

    P(keep) = min(1, sqrt(t / f) + t / f)

where t is the threshold. This is the rule of word2vec.c; the paper (Mikolov et al. 2013, arXiv 1310.4546, section 2.3)
has sqrt(t / f) alone.
"""

import numpy as np


def keep_probabilities(counts: np.ndarray, threshold: float) -> np.ndarray:
    """Return the probability of each word to be kept, float64 [words].

    Args:
        counts: occurrences of each word, int64 [words].
        threshold: t; 0 keeps everything.
    """
    if threshold == 0:
        return np.ones(len(counts))
    ratio = threshold * counts.sum() / counts
    return np.minimum(1, np.sqrt(ratio) + ratio)
