import struct
import zipfile
import zlib

import numpy as np
import pytest
from damaged_files import at_most

from tfgraphs.backbones.readers.archive import Archive
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.trust import plausible_size

NOISE = np.random.default_rng(0).bytes(5000)


@pytest.fixture
def path(tmp_path):
    """An archive whose member `a` is stored and `b` deflated."""
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("a", NOISE)
        archive.writestr("b", NOISE + bytes(5000), zipfile.ZIP_DEFLATED)
    return tmp_path / "f.zip"


def forged(path, name, size=None, compressed=None):
    """Changes what the directory at the end says of a member: its size, and its size before it is inflated."""
    content = bytearray(path.read_bytes())
    start = content.rindex(b"PK\1\2", 0, content.rindex(name.encode() + b"PK"))
    if compressed is not None:
        content[start + 20 : start + 24] = struct.pack("<I", compressed)
    if size is not None:
        content[start + 24 : start + 28] = struct.pack("<I", size)
    path.write_bytes(content)


def test_members_are_read(path):
    with Archive(path) as archive:
        assert archive.names == ["a", "b"]
        assert archive.read("a") == NOISE
        assert archive.read("b") == NOISE + bytes(5000)


def test_compressed_members_are_refused_where_they_are_not_expected(path):
    with Archive(path, inflate=False) as archive:
        assert archive.read("a") == NOISE
        with pytest.raises(WeightsError, match="compressed"):
            archive.read("b")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "f.zip", "w", method) as archive:
        archive.writestr("a", NOISE)
    with Archive(tmp_path / "f.zip") as archive, pytest.raises(WeightsError, match="compressed"):
        archive.read("a")


def test_missing_member_is_named(path):
    with Archive(path) as archive, pytest.raises(WeightsError, match="'c' is missing"):
        archive.read("c")


def test_members_that_are_larger_than_wanted_are_refused(path):
    with Archive(path) as archive:
        assert archive.read("a", most=5000) == NOISE
        with pytest.raises(WeightsError, match="more bytes"):
            archive.read("b", most=9999)


def test_stored_members_are_together_no_larger_than_the_file(path):
    with Archive(path, inflate=False) as archive:
        archive.read("a")
        archive.read("a")
        with pytest.raises(WeightsError, match="more bytes"):
            archive.read("a")


def test_inflated_members_are_together_no_larger_than_plausible(tmp_path):
    size = plausible_size(0) // 2
    with zipfile.ZipFile(tmp_path / "f.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name in "abc":
            file.writestr(name, bytes(size))
    with Archive(tmp_path / "f.zip") as archive:
        archive.read("a")
        archive.read("b")
        with pytest.raises(WeightsError, match="more bytes"):
            archive.read("c")


def test_a_member_that_promises_too_much_takes_no_memory(path):
    forged(path, "b", size=2**32 - 2)
    with at_most(10**6), Archive(path) as archive, pytest.raises(WeightsError, match="more bytes"):
        archive.read("b")


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_member_that_is_said_to_be_stored_in_more_bytes_than_there_are_takes_no_memory(path, name):
    forged(path, name, compressed=2**32 - 2)
    with at_most(10**6), Archive(path) as archive, pytest.raises(WeightsError, match=r"more bytes|damaged"):
        archive.read(name)


def test_a_member_that_inflates_beyond_its_promise_takes_no_memory(tmp_path):
    with zipfile.ZipFile(tmp_path / "f.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb", bytes(100_000_000))
    forged(tmp_path / "f.zip", "bomb", size=1000)
    with at_most(10**6), Archive(tmp_path / "f.zip") as archive, pytest.raises(WeightsError, match="bomb"):
        archive.read("bomb")


@pytest.mark.parametrize("name", ["a", "b"])
def test_damage_within_a_member_is_found(path, name):
    content = bytearray(path.read_bytes())
    content[100 if name == "a" else 5200] ^= 1
    path.write_bytes(content)
    with Archive(path) as archive, pytest.raises(WeightsError, match=f"'{name}' is damaged"):
        archive.read(name)


@pytest.mark.parametrize("length", [0, 1, 4, 3000, -1, -30])
def test_a_truncated_archive_is_refused(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WeightsError, match="damaged or truncated"):
        Archive(path)


def test_two_members_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    with pytest.raises(WeightsError, match="two members"):
        Archive(tmp_path / "f.zip")


def test_names_that_lead_elsewhere_are_names_only(tmp_path):
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as file:
        file.writestr("../../outside", b"1")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    with Archive(tmp_path / "f.zip") as archive:
        assert [archive.read(name) for name in archive.names] == [b"1", b"/etc/passwd"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["f.zip"]
    assert not (tmp_path.parent.parent / "outside").exists()


def test_the_bound_allows_weights_of_zeros_and_refuses_bombs():
    zeros = len(zlib.compress(bytes(10**6)))
    assert plausible_size(zeros) > 10**6
    assert plausible_size(10**8) < 1000 * 10**8
