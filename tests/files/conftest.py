"""What tests of exported models share."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from exported_models import export_small


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns the folder of an exported model of a kind, see `export_small`; each is made once."""
    base = tmp_path_factory.mktemp("models")
    return functools.cache(lambda model: export_small(model, base / model))
