"""The archives of a release: they are built without a warning, hold what belongs in them, and say what they are."""

import configparser
import re
import subprocess
import sys
import tarfile
import zipfile
from types import SimpleNamespace

import pytest
from checkout_copies import CHECKOUT, build, copy_of_checkout
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from trove_classifiers import classifiers, deprecated_classifiers

from tfgraphs.version import __version__

SETUP = configparser.ConfigParser()
SETUP.read(CHECKOUT / "setup.cfg", encoding="utf-8")
EXTRAS = SETUP["options.extras_require"]
CODE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
FILES = {
    f"tfgraphs/{path.relative_to(CHECKOUT / 'tfgraphs').as_posix()}"
    for path in (CHECKOUT / "tfgraphs").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """The source archive, the wheel that is built from it, and the one that is built from the checkout."""
    folder = tmp_path_factory.mktemp("archives")
    copy = copy_of_checkout(folder / "copy")
    printed = build(copy, folder / "dist") + build(copy, folder / "direct", "--wheel")
    (source,), (wheel,) = (folder / "dist").glob("*.tar.gz"), (folder / "dist").glob("*.whl")
    return SimpleNamespace(source=source, wheel=wheel, direct=folder / "direct" / wheel.name, printed=printed)


@pytest.fixture(scope="module")
def metadata(archives):
    """What the wheel says about itself, checked by the rules of package indexes."""
    with zipfile.ZipFile(archives.wheel) as wheel:
        return Metadata.from_email(wheel.read(f"tfgraphs-{__version__}.dist-info/METADATA"), validate=True)


def test_building_gives_no_warning(archives):
    assert re.findall(r"(?i).*(?:warning\b|deprecat).*", archives.printed) == []


def test_twine_finds_nothing(archives):
    files = [archives.source, archives.wheel]
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["source", "wheel"])
def test_an_archive_has_less_than_six_megabytes(archives, name):
    assert getattr(archives, name).stat().st_size < 6e6


def test_the_wheel_has_all_of_the_package_and_nothing_else(archives):
    names = set(zipfile.ZipFile(archives.wheel).namelist())
    assert {name for name in names if not name.startswith(f"tfgraphs-{__version__}.dist-info/")} == FILES
    assert f"tfgraphs-{__version__}.dist-info/licenses/LICENSE" in names


def test_the_source_archive_has_what_a_wheel_is_built_from(archives):
    with tarfile.open(archives.source) as source:
        names = {member.name.partition("/")[2] for member in source if member.isfile()}
    assert {name for name in names if not name.startswith("tfgraphs.egg-info/")} == FILES | {
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "setup.cfg",
        "setup.py",
    }


def test_the_source_archive_gives_the_wheel_of_the_checkout(archives):
    first, second = (
        {member.filename: member.CRC for member in zipfile.ZipFile(path).infolist()}
        for path in (archives.wheel, archives.direct)
    )
    assert first == second


def test_the_metadata_names_the_package(metadata):
    assert (metadata.name, str(metadata.version)) == ("tfgraphs", __version__)
    assert (metadata.author, metadata.license_expression) == ("The tfgraphs developers", "Apache-2.0")
    assert set(metadata.provides_extra) == set(EXTRAS)


def test_classifiers_are_those_of_the_package_index(metadata):
    given = metadata.classifiers
    assert set(given) <= set(classifiers) - set(deprecated_classifiers)
    assert len(given) == len(set(given))


def test_classifiers_name_the_versions_of_python_that_are_allowed(metadata):
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(metadata.classifiers))
    assert named == [f"3.{minor}" for minor in range(50) if metadata.requires_python.contains(f"3.{minor}")]


def test_there_is_an_address_for_each_question(metadata):
    addresses = metadata.project_urls
    assert set(addresses) == {"Source", "Documentation", "Changelog", "Issues"}
    assert all(address.startswith(addresses["Source"]) for address in addresses.values())
    assert (CHECKOUT / addresses["Changelog"].partition("/main/")[2]).is_file()


def test_links_of_the_description_lead_to_files_of_this_version(metadata):
    links = re.findall(r"\]\(([^)\s]+)", re.sub(CODE, "", metadata.description))
    assert [link for link in links if not re.match("https?://|#", link)] == []
    paths = [link.partition(f"/v{__version__}/")[2].partition("#")[0] for link in links if f"/v{__version__}/" in link]
    assert any(path.startswith("docs/pictures/") for path in paths)
    assert [path for path in paths if not (CHECKOUT / path).exists()] == []


def test_the_code_of_the_description_is_that_of_the_readme(metadata):
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert re.findall(CODE, metadata.description) == re.findall(CODE, readme) != []


@pytest.mark.parametrize("extra", ["", *sorted(set(EXTRAS) - {"bench"})])
def test_the_tested_versions_are_among_the_allowed_ones(extra):
    lines = (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    needed = [Requirement(line) for line in (EXTRAS[extra] if extra else SETUP["options"]["install_requires"]).split()]
    found = {str(one): tested.get(canonicalize_name(one.name), "none") for one in needed}
    assert [text for text, one in zip(found, needed, strict=True) if not one.specifier.contains(found[text])] == []


def test_the_changelog_begins_with_this_version():
    changelog = (CHECKOUT / "docs" / "changelog.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[?(?!Unreleased)([\w.]+)", changelog, re.MULTILINE)[1] == __version__


def test_each_extra_is_described():
    page = (CHECKOUT / "docs" / "how-to" / "install.md").read_text(encoding="utf-8")
    assert set(EXTRAS) <= set(re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE))
