"""A copy of the checkout for each page, in which its examples run one after the other."""

from pathlib import Path

import pytest
from documents import Example, copy_checkout


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {}


@pytest.fixture
def place(places: dict[str, Path], example: Example, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy of the example's page."""
    if example.page not in places:
        places[example.page] = copy_checkout(tmp_path_factory.mktemp("page"))
    return places[example.page]
