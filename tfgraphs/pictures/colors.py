"""Lightness of one picture with the colours of another, and pictures with the colours of others altogether."""

import numpy as np

LIGHTNESS = (0.299, 0.587, 0.114)  # of sRGB values, as television has it (ITU-R BT.601)

_SMALL = 1e-6


def with_colors_of(pixels: np.ndarray, original: np.ndarray) -> np.ndarray:
    """The lightness of `pixels` and the colours of `original`, [height, width, 3] each, RGB in 0..1.

    As lightness is one of the axes of BT.601, the differences between red, green and blue stay as they are. Where both
    are the same the result is, too, to the bit.
    """
    lighter = (pixels - original) @ np.array(LIGHTNESS, np.float32)
    return np.clip(original + lighter[..., None], 0, 1).astype(np.float32)


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
