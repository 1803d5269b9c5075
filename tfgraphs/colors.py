"""Lightness of one picture with the colours of another, and pictures with the colours of others altogether."""

import numpy as np

# Rows: lightness and two opponent colours of sRGB values, as television has them (ITU-R BT.601).
_TO_OPPONENT = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_FROM_OPPONENT = np.linalg.inv(_TO_OPPONENT)

_SMALL = 1e-6


def with_colors_of(pixels: np.ndarray, original: np.ndarray) -> np.ndarray:
    """The lightness of `pixels` and the colours of `original`, [height, width, 3] each, RGB in 0..1."""
    opponent = original @ _TO_OPPONENT.T
    opponent[..., 0] = pixels @ _TO_OPPONENT[0]
    return np.clip(opponent @ _FROM_OPPONENT.T, 0, 1).astype(np.float32)


def matched(pixels: np.ndarray, original: np.ndarray) -> np.ndarray:
    """`pixels` with the mean and covariance of the colours of `original`, but for what has to be clipped to 0..1.

    Of all linear maps x -> A (x - mean) + mean' that do so, the one that changes colours least: A is symmetric, the
    optimal transport between two normal distributions. Gatys et al. (arXiv 1606.05897) compare others.

    Args:
        pixels: float32 [height, width, 3], RGB in 0..1.
        original: the same kind of array, of any size.
    """
    values, wanted = (picture.reshape(-1, 3).astype(np.float64) for picture in (pixels, original))
    covariance, target = (np.cov(colors.T) + _SMALL * np.eye(3) for colors in (values, wanted))
    root = _root(covariance)
    inverse = np.linalg.inv(root)
    transform = inverse @ _root(root @ target @ root) @ inverse
    moved = (values - values.mean(axis=0)) @ transform.T + wanted.mean(axis=0)
    return np.clip(moved, 0, 1).reshape(pixels.shape).astype(np.float32)


def _root(matrix: np.ndarray) -> np.ndarray:
    """The square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
