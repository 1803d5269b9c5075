"""Classes, heat maps and kernels of a network."""
