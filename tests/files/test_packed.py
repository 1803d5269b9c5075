"""Texts that may be packed: read by their content, whatever their names, and never without bound."""

import gzip
import os
import sys

import pytest
from packers import PACKERS

from tfgraphs.errors import TfgraphsError
from tfgraphs.files.packed import read_text


@pytest.fixture
def path(tmp_path):
    return tmp_path / "text.txt"


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("text", ["", "a", "Käse\n" * 100])
def test_a_text_is_unpacked_by_its_content(path, packer, text):
    path.write_bytes(PACKERS[packer](text.encode()))
    assert read_text(path, TfgraphsError) == text


def test_a_byte_order_mark_is_no_part_of_the_text(path):
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfword"))
    assert read_text(path, TfgraphsError) == "word"


@pytest.mark.parametrize("packer", PACKERS)
def test_a_text_is_not_unpacked_beyond_a_limit(path, packer):
    path.write_bytes(PACKERS[packer](bytes(3 << 20)))
    with pytest.raises(TfgraphsError, match=r"text.txt: it has more than 2,000,000 bytes"):
        read_text(path, TfgraphsError, most=2_000_000)


@pytest.mark.parametrize(
    ("content", "message"),
    [(gzip.compress(b"word" * 100)[:-9], "damaged or cut short"), (b"\xff", "not a text in UTF-8")],
    ids=["cut off", "not UTF-8"],  # packed bytes hold the time: processes would not agree on their tests
)
def test_what_is_no_text_is_named(path, content, message):
    path.write_bytes(content)
    with pytest.raises(TfgraphsError, match=rf"text.txt.*{message}"):
        read_text(path, TfgraphsError)


@pytest.mark.parametrize(("name", "message"), [("none", "no such file"), ("", "folder"), ("fifo", "pipe")])
def test_only_regular_files_are_read(tmp_path, name, message):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(TfgraphsError, match=message):
        read_text(tmp_path / name, TfgraphsError)


def test_a_missing_package_is_named_with_what_installs_it(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path.write_bytes(PACKERS["zstandard"](b"word"))
    with pytest.raises(TfgraphsError, match=r"text.txt: .*install .*\[zst\]"):
        read_text(path, TfgraphsError)
