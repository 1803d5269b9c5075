"""Sets the tests up: flags count as parsed, TensorFlow keeps quiet, shared data is found or skipped."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: a thread for each, in the commands, too
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
from absl import flags
from forked_commands import ForkedCommands

from tfgraphs.graphs.start import set_environment, start

set_environment()  # before any test module imports TensorFlow

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also run the tests marked long, and fuzz with more examples")


def pytest_configure(config: pytest.Config) -> None:
    flags.FLAGS.mark_as_parsed()
    for name, examples in (("short", 25), ("long", 300)):
        hypothesis.settings.register_profile(
            name, max_examples=examples, deadline=None, derandomize=True, database=None
        )
    hypothesis.settings.load_profile("long" if config.getoption("--all") else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves long tests out, and begins with the README and the commands, so that no process ends alone with them."""
    if not config.getoption("--all"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    items.sort(key=lambda item: (item.path.name != "test_readme.py", item.path.parent.name != "cli"))


@pytest.fixture(scope="session", autouse=True)
def _as_commands() -> None:
    """Starts TensorFlow as the commands do, if a test module has imported it."""
    if "tensorflow" in sys.modules:
        start()


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedCommands]:
    """Runs a command in a fork of a process that has TensorFlow: `forked("words", "near", "king", cwd=folder)`."""
    commands = ForkedCommands(tmp_path_factory.mktemp("printed"))
    yield commands
    commands.close()


@pytest.fixture(scope="session")
def shared_images() -> Path:
    """Folder of the larger test photographs, which are not part of the project."""
    folder = SHARED / "images"
    if not folder.is_dir():
        pytest.skip(f"the photographs for development are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def shared_corpus() -> Path:
    """Half a million words of an encyclopedia, which are not part of the project."""
    path = SHARED / "corpus" / "wiki-500k.txt"
    if not path.is_file():
        pytest.skip(f"the text for development is not at {path}")
    return path


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    """Folder of real weights of networks, which are not part of the project."""
    folder = SHARED / "weights"
    if not folder.is_dir():
        pytest.skip(f"the weights for development are not at {folder}")
    return folder
