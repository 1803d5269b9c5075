"""Lightness of one picture with the colours of another."""

import numpy as np

# Rows: lightness and two opponent colours of sRGB values, as television has them (ITU-R BT.601).
_TO_OPPONENT = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_FROM_OPPONENT = np.linalg.inv(_TO_OPPONENT)


def with_colors_of(pixels: np.ndarray, original: np.ndarray) -> np.ndarray:
    """The lightness of `pixels` and the colours of `original`, [height, width, 3] each, RGB in 0..1."""
    opponent = original @ _TO_OPPONENT.T
    opponent[..., 0] = pixels @ _TO_OPPONENT[0]
    return np.clip(opponent @ _FROM_OPPONENT.T, 0, 1).astype(np.float32)
