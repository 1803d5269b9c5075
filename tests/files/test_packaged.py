"""Data files and sample pictures are found where pip put them, or the message says what brings them."""

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest

from tfgraphs.extras import install_extra
from tfgraphs.files.packaged import PackageError, packaged_file, read_known
from tfgraphs.pictures import images, samples

# FIPS 180-2, appendix B.1
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed package that cannot be imported, beside a module without a folder."""
    folder = tmp_path / "moon_rocks"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "data" / "basalt.bin").write_bytes(b"abc")
    (tmp_path / "moon_dust.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_data_file_is_found_without_importing_its_package(installed):
    assert packaged_file("moon_rocks", "data/basalt.bin", "moon-rocks") == installed / "data" / "basalt.bin"
    assert "moon_rocks" not in sys.modules


def test_data_file_is_found_in_any_part_of_a_namespace_package(tmp_path, monkeypatch):
    for part, name in (("one", "left.bin"), ("other", "right.bin")):
        (tmp_path / part / "moon_maps").mkdir(parents=True)
        (tmp_path / part / "moon_maps" / name).write_bytes(b"abc")
        monkeypatch.syspath_prepend(tmp_path / part)
    assert packaged_file("moon_maps", "left.bin", "moon-maps") == tmp_path / "one" / "moon_maps" / "left.bin"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("module", "relative"),
    [
        pytest.param("moon_landers", "data/basalt.bin", id="no package"),
        pytest.param("moon_rocks", "data/basalt.txt", id="no file"),
        pytest.param("moon_rocks", "data", id="folder"),
        pytest.param("moon_dust", "data/basalt.bin", id="module without a folder"),
    ],
)
def test_missing_data_file_names_package_and_extra(module, relative):
    with pytest.raises(PackageError) as caught:
        packaged_file(module, relative, "moon-rocks")
    message = str(caught.value)
    assert message.splitlines() == [message]
    for word in (Path(relative).name, "moon-rocks", install_extra("offline")):
        assert word in message


def test_known_file_is_read(installed):
    assert read_known(installed / "data" / "basalt.bin", ABC) == b"abc"


def test_changed_file_is_refused_with_both_digests(installed):
    path = installed / "data" / "basalt.bin"
    path.write_bytes(b"abd")
    with pytest.raises(PackageError) as caught:
        read_known(path, ABC)
    for word in (str(path), ABC, hashlib.sha256(b"abd").hexdigest()):
        assert word in str(caught.value)


# --- samples

needs_scikit_image = pytest.mark.skipif(not importlib.util.find_spec("skimage"), reason="scikit-image is not installed")


@pytest.mark.parametrize(
    "name", [*(pytest.param(name, marks=needs_scikit_image) for name in samples.PHOTOGRAPHS), *samples.PAINTINGS]
)
def test_sample_is_a_picture_to_work_with(name):
    picture = images.load(samples.resolve(f"sample:{name}"), size=32)
    assert (max(picture.size), picture.alpha) == (32, None)
    assert picture.pixels.std() > 0.1


@pytest.mark.parametrize("path", ["photo.jpg", "a folder/sample:cat", "Sample:cat", "/absolute/photo.jpg", "sample"])
def test_other_paths_stay_as_they_are(path):
    assert samples.resolve(path) == Path(path)


@pytest.mark.parametrize("name", ["dog", "", "cat.png", "../cat", "Cat"])
def test_unknown_sample_lists_the_known_ones(name):
    with pytest.raises(samples.SampleError) as caught:
        samples.resolve(f"sample:{name}")
    asked, listed = str(caught.value).split("; there are: ")
    assert repr(name) in asked
    assert sorted(listed.split(", ")) == sorted([*samples.PHOTOGRAPHS, *samples.PAINTINGS])


@pytest.mark.parametrize("name", samples.PHOTOGRAPHS)
def test_photograph_without_its_package_names_the_extra(monkeypatch, name):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(PackageError, match=r"scikit-image.*pip install .*\[offline\]"):
        samples.resolve(f"sample:{name}")


@pytest.mark.parametrize("name", samples.PAINTINGS)
def test_painting_needs_no_package(monkeypatch, name):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert samples.resolve(f"sample:{name}").is_file()
