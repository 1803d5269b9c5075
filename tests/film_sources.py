"""What commands that make films take in: a photograph, a folder of pictures, a film; and a world without PyAV."""

import numpy as np
from PIL import Image

from tfgraphs.pictures import films


def noise(size=(60, 80), seed=0):
    return np.random.default_rng(seed).integers(60, 200, (*size, 3), np.uint8)


def photograph(folder):
    """Soft enough for a film's compression."""
    rows, columns = np.mgrid[0:60, 0:80] / 6
    waves = [rows, columns, rows + columns]
    Image.fromarray(np.uint8(np.stack([90 * np.sin(wave) + 120 for wave in waves], -1))).save(folder / "photo.png")


def shots(folder):
    """Three pictures, of two sizes; one of them has holes."""
    folder = folder / "shots"
    folder.mkdir()
    Image.fromarray(noise()).save(folder / "a2.png")
    Image.fromarray(noise((64, 56))).save(folder / "a10.jpg")
    Image.fromarray(np.dstack([noise(seed=1), noise(seed=2)[..., 0]]), "RGBA").save(folder / "holes.png")


def film(folder):
    """Five frames, the picture of the first moving to the left by 4 pixels a frame."""
    wide = noise((60, 100)).astype(np.float32) / 255
    films.save(folder / "film.webp", [wide[:, 4 * number : 4 * number + 80] for number in range(5)], 12.5)


def no_pyav(folder):
    """A folder that comes first on the path and hides PyAV."""
    trap = folder / "trap"
    trap.mkdir()
    (trap / "av.py").write_text("raise ImportError")
    return trap
