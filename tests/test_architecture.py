"""The plan of the house: imports point down, techniques do not know each other, flags and printing are for commands."""

import ast
import importlib.metadata
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "tfgraphs"
TECHNIQUES = {"word2vec", "deepdream", "neural_style"}
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
    for path in PACKAGE.rglob("*.py")
}
LIBRARY = [name for name in MODULES if not name.startswith("tfgraphs.cli")]


def imported(name):
    """All modules that a module imports, anywhere in it."""
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name):
    """The part of the package to which a module belongs: "deepdream", "images", "cli"."""
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("name", LIBRARY)
def test_a_library_module_knows_no_command_and_no_flag(name):
    assert not {other for other in imported(name) if other.startswith(("tfgraphs.cli", "absl"))}


@pytest.mark.parametrize("name", LIBRARY)
def test_no_technique_is_imported_from_elsewhere(name):
    rooms = {room(other) for other in imported(name) if other.startswith("tfgraphs.")}
    assert rooms & TECHNIQUES <= {room(name)}


@pytest.mark.parametrize("name", [name for name in LIBRARY if name != "tfgraphs.pictures.paintings.draw"])
def test_a_library_module_neither_prints_nor_exits(name):
    calls = {ast.unparse(node.func) for node in ast.walk(MODULES[name]) if isinstance(node, ast.Call)}
    assert not calls & {"print", "exit", "quit", "sys.exit", "os._exit"}


@pytest.mark.parametrize("name", MODULES)
def test_a_file_has_at_most_four_hundred_lines(name):
    path = PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_rooms_do_not_import_each_other_in_circles():
    arrows = {}
    for name in MODULES:
        others = {room(other) for other in imported(name) if other.startswith("tfgraphs.")}
        arrows.setdefault(room(name), set()).update(others - {room(name)})
    while leaves := {name for name, others in arrows.items() if not others & arrows.keys()}:
        arrows = {name: others for name, others in arrows.items() if name not in leaves}
    assert not arrows


@pytest.mark.parametrize(
    "data", ["py.typed", "pictures/paintings/swirls.jpg", "pictures/paintings/embers.jpg", "cli/demo_page.html"]
)
def test_the_installed_package_has_its_data(data):
    try:
        files = importlib.metadata.files("tfgraphs")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("tfgraphs is not installed in this environment: bin/test installs it")
    assert f"tfgraphs/{data}" in {str(path) for path in files}
