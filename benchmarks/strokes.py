"""Figures for brush strokes: how long they are, and whether the borders of a picture are painted like its middle.

    python benchmarks/strokes.py picture.png ...

prints both for each picture. At 640 px van Gogh's starry night has strokes of 9.6 px. It needs SciPy, which is part of
the extra `bench`.
"""

import sys

import numpy as np
from scipy import ndimage

from tfgraphs.pictures import images
from tfgraphs.pictures.colors import luma

FINE = 4.0  # px, standard deviation of the blur above which lightness is that of strokes
AROUND = 4.0  # px, standard deviation of the surroundings in which strokes have one direction
LEFT = 0.2  # correlation at which a stroke ends
LONGEST = 64  # px
BORDER = 16  # px


def stroke_length(picture: np.ndarray) -> float:
    """Returns how many pixels along strokes lightness stays alike: to where its correlation falls to `LEFT`.

    The direction of strokes is that in which lightness changes least: across the first eigenvector of the structure
    tensor [[Yx Yx, Yx Yy], [Yx Yy, Yy Yy]], blurred by `AROUND`. What is compared is Y - blur(Y), of `FINE` px.

    Args:
        picture: [height, width, 3], RGB in 0..1.
    """
    lightness = ndimage.gaussian_filter(luma(picture), 0.7)
    across, down = ndimage.sobel(lightness, 1), ndimage.sobel(lightness, 0)
    xx, xy, yy = (ndimage.gaussian_filter(one, AROUND) for one in (across * across, across * down, down * down))
    direction = np.arctan2(2 * xy, xx - yy) / 2 + np.pi / 2
    fine, (rows, columns) = _fine(lightness), np.indices(lightness.shape)
    before = 1.0
    for distance in range(1, LONGEST):
        places = rows + distance * np.sin(direction), columns + distance * np.cos(direction)
        correlation = np.mean(fine * ndimage.map_coordinates(fine, places, order=1, mode="mirror")) / np.mean(fine**2)
        if correlation <= LEFT:
            return float(distance - (LEFT - correlation) / (before - correlation))
        before = correlation
    return float(LONGEST)


def border_detail(picture: np.ndarray) -> float:
    """Returns the energy of fine lightness in the outermost `BORDER` px, relative to that in the rest of the picture.

    Args:
        picture: [height, width, 3], RGB in 0..1, of more than two borders a side.
    """
    energy = np.square(_fine(luma(picture)))
    inside = np.zeros(energy.shape, bool)
    inside[BORDER:-BORDER, BORDER:-BORDER] = True
    return float(energy[~inside].mean() / energy[inside].mean())


def _fine(lightness: np.ndarray) -> np.ndarray:
    """What changes over a few pixels."""
    return lightness - ndimage.gaussian_filter(lightness, FINE)


def main() -> None:
    for path in sys.argv[1:]:
        picture = images.load(path).over(1.0)
        print(f"{path}: strokes of {stroke_length(picture):.1f} px, detail at the borders {border_detail(picture):.2f}")


if __name__ == "__main__":
    main()
