"""Small models that are trained on pairs of words."""
