"""Subsampling: the formula, at its limits too."""

import numpy as np
import pytest

from tfgraphs.word2vec.text.subsampling import keep_probabilities


@pytest.mark.parametrize(
    ("counts", "threshold", "kept"),
    [
        ((100, 900), 0.001, [0.11, np.sqrt(1 / 900) + 1 / 900]),
        ((10, 90), 0.09, [1, np.sqrt(0.1) + 0.1]),
        ((1, 1), 0.5, [1, 1]),
        ((1, 10**9), 0, [1, 1]),
    ],
)
def test_words_are_kept_with_the_probability_of_the_formula(counts, threshold, kept):
    np.testing.assert_allclose(keep_probabilities(np.array(counts), threshold), kept, rtol=1e-12)
