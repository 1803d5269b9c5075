"""Which files are read as pictures: one limit for photographs, masks, guides, paintings and frames of films."""

import os.path
from pathlib import Path

from tfgraphs.errors import TfgraphsError
from tfgraphs.files.trust import check_regular_file

MAX_SIDE = 20_000
MAX_PIXELS = 100_000_000


def check_file(path: str | Path, kind: type[TfgraphsError]) -> None:
    """Raises an error of `kind` unless a path is a regular file that stores what it claims."""
    if not os.path.exists(path):
        raise kind(f"{path} does not exist")
    check_regular_file(path, kind)


def check_size(path: str | Path, width: int, height: int, kind: type[TfgraphsError]) -> None:
    """Raises an error of `kind` for pictures without pixels, or with more than MAX_SIDE a side or MAX_PIXELS in all."""
    if width < 1 or height < 1:
        raise kind(f"{path} is empty: {width} x {height} px")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise kind(
            f"{path} is too large ({width} x {height} px): at most {MAX_SIDE:,} px a side and {MAX_PIXELS:,} px in all"
        )
