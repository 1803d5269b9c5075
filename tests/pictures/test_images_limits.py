"""Files of any kind pass one limit: regular files only, and little memory for what small files claim."""

import os
import subprocess
import sys

import pytest
from PIL import Image

from tfgraphs.errors import TfgraphsError
from tfgraphs.pictures import films, images, masks

SIDE = 2500  # px
WHITE = {"RGBA": "white", "I;16": 65535, "P": 0}
_PROGRAM = """
import resource, sys
from tfgraphs.pictures import films, images, masks
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path = sys.argv[1]
{}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(
    ("mode", "read"),
    [
        ("RGBA", "images.load(path, 640)"),
        ("RGBA", "masks.load_mask(path, (640, 640))"),
        ("I;16", "masks.load_mask(path, (640, 640))"),
        ("P", "list(films.open_film(path).frames(size=(64, 64)))"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems measure memory in other units")
def test_a_small_file_of_many_pixels_takes_at_most_20_bytes_for_each(tmp_path, mode, read):
    path, blank = tmp_path / ("film.gif" if mode == "P" else "picture.png"), Image.new(mode, (SIDE, SIDE), WHITE[mode])
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
    "mask": lambda path: masks.load_mask(path, (4, 4)),
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
