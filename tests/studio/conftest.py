"""What tests of the page share."""

import pytest
from studio_works import blocks

from tfgraphs.studio.uploads import Uploads


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "uploads")


@pytest.fixture
def pixels():
    return blocks()
