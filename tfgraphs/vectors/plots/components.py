"""Principal component analysis."""

import numpy as np


def principal_components(matrix: np.ndarray, count: int = 2) -> np.ndarray:
    """Projects points on the directions of largest variance (Pearson 1901), float64 [points, count].

    With the singular value decomposition of the centered points, U S V^T, the directions are V and the projections
    U S. The sign of each direction is chosen so that its largest component is positive, the first one of several.

    Args:
        matrix: finite numbers, [points, dimensions], neither of them 0.
        count: number of directions. Projections are 0 on directions without variance.
    """
    matrix = np.asarray(matrix, np.float64)
    centered = matrix - matrix.mean(axis=0)
    left, scales, directions = np.linalg.svd(centered, full_matrices=False)
    scales[scales <= max(matrix.shape) * np.finfo(np.float64).eps * np.linalg.norm(matrix)] = 0  # rounding errors
    sizes = np.abs(directions)
    largest = np.argmax(sizes >= (1 - 1e-9) * sizes.max(axis=1, keepdims=True), axis=1)
    scales *= np.sign(directions[np.arange(len(directions)), largest])
    projections = (left * scales)[:, :count]
    return np.pad(projections, ((0, 0), (0, count - projections.shape[1])))
