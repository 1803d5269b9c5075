"""Small models that are trained on written pairs of words, as in the demo wevi."""
