"""Files of any kind pass one limit: regular files only, and little memory for what small files claim."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures import films, images

SIDE = 2500  # px
_PROGRAM = """
import resource, sys
from tfgraphs.pictures import films, images
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path = sys.argv[1]
{}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(
    ("mode", "read"),
    [
        ("RGBA", "images.load(path, 640)"),
        ("RGBA", "images.load_mask(path, (640, 640))"),
        ("I;16", "images.load_mask(path, (640, 640))"),
        ("P", "list(films.open_film(path).frames(size=(64, 64)))"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems measure memory in other units")
def test_a_small_file_of_many_pixels_takes_at_most_20_bytes_for_each(tmp_path, mode, read):
    path, blank = tmp_path / ("film.gif" if mode == "P" else "picture.png"), Image.new(mode, (SIDE, SIDE))
    if mode == "P":
        blank.putpalette([0, 0, 0, 255, 255, 255])
        changed = blank.copy()
        changed.paste(1, (0, 0, 9, 9))
        blank.save(path, save_all=True, append_images=[changed])
    else:
        blank.save(path)
    assert path.stat().st_size < 50_000
    kilobytes = subprocess.check_output([sys.executable, "-c", _PROGRAM.format(read), path], text=True)
    assert int(kilobytes) * 1024 < 20 * SIDE**2


READERS = {
    "picture": images.load,
    "origin": images.read_origin,
    "mask": lambda path: images.load_mask(path, (4, 4)),
    "film": films.open_film,
    "origin of a film": films.read_origin,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_pipe_is_refused_at_once(tmp_path, read):
    os.mkfifo(tmp_path / "pipe.gif")
    with pytest.raises(TfgraphsError, match=r"pipe\.gif: it is a pipe"):
        read(tmp_path / "pipe.gif")


@pytest.mark.parametrize("name", ["missing.gif", "a" * 300 + ".gif", "nul\0.gif"])
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_path_that_leads_nowhere_is_refused(tmp_path, read, name):
    with pytest.raises(TfgraphsError):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["pipe.gif", "pipe.png"])
def test_a_pipe_is_no_film(tmp_path, name):
    os.mkfifo(tmp_path / name)
    assert not films.is_film(tmp_path / name)


@pytest.mark.parametrize("name", ["missing.gif", "a" * 300 + ".gif", "nul\0.gif"])
def test_a_path_that_leads_nowhere_is_no_film(tmp_path, name):
    assert not films.is_film(tmp_path / name)


@pytest.mark.parametrize("alpha", [None, 128])
def test_a_mask_is_the_mean_of_the_colours_times_alpha(tmp_path, alpha):
    colour = (30, 60, 240) if alpha is None else (30, 60, 240, alpha)
    Image.new("RGB" if alpha is None else "RGBA", (40, 30), colour).save(tmp_path / "mask.png")
    mask = images.load_mask(tmp_path / "mask.png", (15, 20))
    assert (mask.dtype, mask.shape) == (np.float32, (15, 20))
    np.testing.assert_allclose(mask, 110 / 255 * (alpha or 255) / 255, atol=2e-3)


def test_a_mask_of_other_proportions_is_refused(tmp_path):
    Image.new("L", (40, 30)).save(tmp_path / "mask.png")
    with pytest.raises(images.MaskError, match="40 x 30 px and the picture 30 x 30 px"):
        images.load_mask(tmp_path / "mask.png", (30, 30))
