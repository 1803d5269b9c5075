"""The plan of the house: imports point down, techniques do not know each other, flags and printing are for commands."""

import ast
import importlib.metadata
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "tfgraphs"
PATHS = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
MODULES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}

FLOORS = [
    {"cli", "studio", "front_door"},
    {"word2vec", "deepdream", "neural_style"},
    {"optimize", "backbones", "vectors", "pictures", "cluster", "files", "monitor", "graphs"},
    {"errors", "expression", "extras", "lazy_names", "settings_checks", "version"},
]
"""The rooms of each floor, from the top."""

LIBRARY = [name for name in MODULES if not name.startswith("tfgraphs.cli")]


def imported(name):
    """All that a module imports, anywhere in it: modules, and names of modules."""
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules_imported(name):
    """The modules of this package that a module imports; a package is its __init__.py."""
    for other in imported(name):
        if other.startswith("tfgraphs"):
            yield other if other in MODULES else other.rpartition(".")[0]


ARROWS = {name: set(modules_imported(name)) - {name} for name in MODULES}


def room(name):
    """The part of the package to which a module belongs: "deepdream", "pictures", "cli"."""
    return name.split(".")[1] if "." in name else ""


def floor(name):
    return next(number for number, rooms in enumerate(FLOORS) if room(name) in rooms)


def circles(arrows):
    """What is left of a graph when all that leads nowhere is taken away, again and again."""
    while leaves := {name for name, others in arrows.items() if not others & arrows.keys()}:
        arrows = {name: others for name, others in arrows.items() if name not in leaves}
    return arrows


def test_no_file_is_part_of_a_circle_of_imports():
    assert not circles(ARROWS)


def test_no_room_is_part_of_a_circle_of_imports():
    rooms = {}
    for name, others in ARROWS.items():
        rooms.setdefault(room(name), set()).update({room(other) for other in others} - {room(name)})
    assert not circles(rooms)


@pytest.mark.parametrize("package", sorted({name for name, path in PATHS.items() if path.name == "__init__.py"}))
def test_the_parts_of_a_room_do_not_import_each_other_in_circles(package):
    def part(name):
        inside = name.removeprefix(f"{package}.")
        return None if inside == name else inside.partition(".")[0]

    parts = {}
    for name, others in ARROWS.items():
        if part(name):
            parts.setdefault(part(name), set()).update({part(other) for other in others} - {None, part(name)})
    assert not circles(parts)


@pytest.mark.parametrize("name", [name for name in MODULES if name != "tfgraphs"])
def test_arrows_point_down(name):
    assert not [other for other in ARROWS[name] if other == "tfgraphs" or floor(other) < floor(name)]


@pytest.mark.parametrize("name", LIBRARY)
def test_a_library_module_knows_no_command_and_no_flag(name):
    assert not {other for other in imported(name) if other.startswith(("tfgraphs.cli", "absl"))}


@pytest.mark.parametrize("technique", sorted(FLOORS[1]))
def test_a_technique_knows_no_other(technique):
    others = {room(other) for name in MODULES if room(name) == technique for other in ARROWS[name]}
    assert others & FLOORS[1] <= {technique}


@pytest.mark.parametrize("name", LIBRARY)
def test_a_library_module_neither_prints_nor_exits(name):
    calls = {ast.unparse(node.func) for node in ast.walk(MODULES[name]) if isinstance(node, ast.Call)}
    assert not calls & {"print", "exit", "quit", "sys.exit", "os._exit"}


@pytest.mark.parametrize("name", [name for name in LIBRARY if name != "tfgraphs.monitor.terminal"])
def test_only_the_terminal_and_the_commands_use_rich(name):
    assert not {other for other in imported(name) if other.partition(".")[0] == "rich"}


@pytest.mark.parametrize("name", MODULES)
def test_a_file_has_fewer_than_four_hundred_lines(name):
    assert len(PATHS[name].read_text(encoding="utf-8").splitlines()) < 400


@pytest.mark.parametrize(
    "data",
    [
        "py.typed",
        "pictures/paintings/swirls.jpg",
        "pictures/paintings/embers.jpg",
        "pictures/paintings/waves.jpg",
        "cli/demo.html",
        "backbones/looking/imagenet_classes.txt",
        "neural_style/one_pass/networks/embers/saved_model.pb",
        "neural_style/one_pass/networks/swirls/variables/variables.index",
    ],
)
def test_the_installed_package_has_its_data(data):
    try:
        files = importlib.metadata.files("tfgraphs")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("tfgraphs is not installed in this environment: bin/test installs it")
    assert f"tfgraphs/{data}" in {str(path) for path in files}
