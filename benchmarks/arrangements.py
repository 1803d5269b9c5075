"""Pictures side by side, and pictures whose parts are in another order, for the drawings of the documentation."""

from collections.abc import Sequence

import numpy as np


def row(pictures: Sequence[np.ndarray], gap: int, white: float = 1.0) -> np.ndarray:
    """Places pictures, [height, width, 3] of one type, side by side on white, with their lower edges in one line.

    Args:
        pictures: of any sizes.
        gap: between two of them, in pixels.
        white: the value of white, 1 for floats and 255 for bytes.
    """
    height = max(picture.shape[0] for picture in pictures)
    columns = []
    for picture in pictures:
        above = np.full((height - picture.shape[0], picture.shape[1], 3), white, picture.dtype)
        columns += [np.concatenate([above, picture]), np.full((height, gap, 3), white, picture.dtype)]
    return np.concatenate(columns[:-1], axis=1)


def shuffled(picture: np.ndarray, tile: int) -> np.ndarray:
    """Puts the tiles of a square picture into a random order."""
    count = picture.shape[0] // tile
    tiles = picture.reshape(count, tile, count, tile, 3).swapaxes(1, 2).reshape(-1, tile, tile, 3)
    tiles = tiles[np.random.default_rng(0).permutation(len(tiles))]
    return tiles.reshape(count, count, tile, tile, 3).swapaxes(1, 2).reshape(picture.shape)
