"""Sample pictures: `sample:cat` names a photograph of the extra `offline` or a painting of this project.

The photographs are shipped by scikit-image: cat (Stefan van der Walt), coffee (Rachel Michetti) and rocket (SpaceX)
are CC0, astronaut (NASA) is in the public domain. The paintings are drawn by `benchmarks/draw_paintings.py`.
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from tfgraphs.errors import TfgraphsError
from tfgraphs.files.packaged import PackageError, packaged_file

PREFIX = "sample:"
PHOTOGRAPHS = {"astronaut": "astronaut.png", "cat": "chelsea.png", "coffee": "coffee.png", "rocket": "rocket.jpg"}
PAINTINGS = {"swirls": "swirls.jpg", "embers": "embers.jpg", "waves": "waves.jpg"}


class SampleError(TfgraphsError):
    """There is no sample picture of that name."""


def installed(names: Iterable[str]) -> list[str]:
    """Returns the paths `sample:NAME` of those samples that are on this machine."""
    found = []
    for name in names:
        with contextlib.suppress(PackageError):
            resolve(PREFIX + name)
            found.append(PREFIX + name)
    return found


def resolve(path: str) -> Path:
    """Returns the path of the picture that `sample:NAME` names; any other path is returned unchanged.

    Raises:
        SampleError: no sample has that name.
        PackageError: scikit-image, which has the photographs, is not installed.
    """
    if not path.startswith(PREFIX):
        return Path(path)
    name = path.removeprefix(PREFIX)
    if name in PAINTINGS:
        return Path(__file__).parent / "paintings" / PAINTINGS[name]
    if name in PHOTOGRAPHS:
        return packaged_file("skimage", f"data/{PHOTOGRAPHS[name]}", "scikit-image")
    known = ", ".join(sorted(PHOTOGRAPHS | PAINTINGS))
    raise SampleError(f"no sample picture is called {name!r}; there are: {known}")
