"""What several tests of paintings share."""

import pytest
from small_networks import small_backbone


@pytest.fixture(scope="session")
def small():
    """The network of `small_backbone`."""
    return small_backbone()
