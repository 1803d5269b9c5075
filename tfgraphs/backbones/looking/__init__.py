"""What a network sees: classes, heat maps, kernels."""
