"""Text files: which are meant, what is in them, and how they fall into blocks."""

import gzip
import os
import re
import sys
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packers import COMPRESSED, PACKERS

from tfgraphs.extras import install_extra
from tfgraphs.word2vec.settings import CorpusError
from tfgraphs.word2vec.text import reading
from tfgraphs.word2vec.text.reading import find_files, read_blocks

LINES = b"".join(b"line %d of a text\n" % number for number in range(3000))


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read(*paths, size=reading.BLOCK):
    return b"".join(read_blocks(paths, size))


@pytest.fixture
def folder(tmp_path):
    for name in ("b.txt", "a.txt", "deep/er/c.md", ".hidden", ".git/config"):
        write(tmp_path / name, b"text\n")
    return tmp_path


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        (["b.txt", "a.txt"], ["b.txt", "a.txt"]),
        ([""], ["a.txt", "b.txt", "deep/er/c.md"]),
        (["*.txt"], ["a.txt", "b.txt"]),
        (["**/*.md"], ["deep/er/c.md"]),
        (["b.txt", "*.txt", "deep"], ["b.txt", "a.txt", "deep/er/c.md"]),
        ([".hidden"], [".hidden"]),
    ],
    ids=["files", "folder", "glob", "deep glob", "each once", "hidden if named"],
)
def test_files_folders_and_globs_stand_for_files_in_a_fixed_order(folder, sources, found):
    assert find_files([str(folder / source) for source in sources]) == [folder / name for name in found]


@pytest.mark.parametrize("marker", ["training.json", "corpus.json"])
def test_results_in_a_folder_of_texts_are_no_text(folder, marker):
    for name in (marker, "vectors.txt", "more/words.txt"):
        write(folder / "out" / name, b"text\n")
    assert find_files([str(folder)]) == [folder / name for name in ("a.txt", "b.txt", "deep/er/c.md")]
    assert find_files([str(folder / "out" / "vectors.txt")]) == [folder / "out" / "vectors.txt"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path):
    path = write(tmp_path / "text[1].txt", b"text\n")
    write(tmp_path / "text1.txt", b"text\n")
    assert find_files([str(path)]) == [path]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.txt", "missing.txt: no such file"),
        ("*.missing", r"no file matches .*\*\.missing"),
        ("hollow", "no file in the folder .*hollow"),
        ("empty.txt", "empty.txt is empty"),
    ],
)
def test_a_source_without_text_is_named_in_one_line(tmp_path, source, message):
    write(tmp_path / "empty.txt", b"")
    (tmp_path / "hollow").mkdir()
    with pytest.raises(CorpusError, match=rf"^[^\n]*{message}[^\n]*$"):
        find_files([str(tmp_path / source)])


@pytest.mark.parametrize("sources", [[], [""], ["a\0b"]], ids=["none", "empty name", "no name"])
def test_an_invalid_source_is_refused(sources):
    with pytest.raises(CorpusError):
        find_files(sources)


@pytest.mark.parametrize("packer", PACKERS)
def test_a_file_is_unpacked_by_its_content_whatever_its_name(tmp_path, packer):
    assert read(write(tmp_path / "text.bin", PACKERS[packer](LINES))) == LINES


@pytest.mark.parametrize("packer", COMPRESSED)
def test_concatenated_packed_files_are_one_text(tmp_path, packer):
    packed = PACKERS[packer](LINES) + PACKERS[packer](b"more\n")
    assert read(write(tmp_path / "text", packed)) == LINES + b"more\n"


@pytest.mark.parametrize("packer", COMPRESSED)
@pytest.mark.parametrize("left", [0.3, 0.9, -1])
def test_a_packed_file_that_is_cut_short_is_named(tmp_path, packer, left):
    packed = PACKERS[packer](LINES)
    path = write(tmp_path / "half", packed[: int(len(packed) * left) if left > 0 else left])
    with pytest.raises(CorpusError, match=r"^[^\n]*half: the file is damaged or cut short[^\n]*$"):
        read(path)


@pytest.mark.parametrize("packer", COMPRESSED)
def test_a_packed_file_with_wrong_bytes_is_named(tmp_path, packer):
    packed = bytearray(PACKERS[packer](np.random.default_rng(0).choice(list(b"abc \n"), 50_000).astype(np.uint8)))
    packed[len(packed) // 2 :: 50] = bytes(len(packed[len(packed) // 2 :: 50]))
    with pytest.raises(CorpusError, match=r"^[^\n]*wrong: the file is damaged[^\n]*$"):
        read(write(tmp_path / "wrong", bytes(packed)))


def test_text_that_begins_like_a_packed_file_is_text(tmp_path):
    assert read(write(tmp_path / "text", b"BZh is short for Bozen.\n")) == b"BZh is short for Bozen.\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\2\0\0\0", "a picture"),
        (b"text\0" * 100, "not a text"),
        (gzip.compress(bytes(1000), mtime=0), "not a text"),
        (b"text\n" * 500_000 + bytes(range(256)) * 5000, "not a text"),
        (b"PK\x03\x04" + b"text8" * 100, "archive"),
        ("text".encode("utf-16"), "UTF-16"),
        (b"name".ljust(257, b"\0") + b"ustar", "archive"),
        ("国王和王后住在一座古老的宫殿里。\n".encode("gb18030"), "GB18030.*iconv -f GB18030 -t UTF-8"),
    ],
    ids=["PNG", "NUL bytes", "packed", "after much text", "zip", "UTF-16", "tar", "GB18030"],
)
def test_a_file_that_is_no_text_is_named(tmp_path, content, message):
    with pytest.raises(CorpusError, match=rf"^[^\n]*binary[^\n]*{message}[^\n]*$"):
        read(write(tmp_path / "binary", content))


@pytest.mark.parametrize("content", [b"a\0b\n", b"\x1b[1mbold\x1b[0m\n", b"\xff\xfa\xe9 t\xe9xte\n", b"page\fpage\n"])
def test_a_few_odd_bytes_do_not_make_a_text_binary(tmp_path, content):
    assert read(write(tmp_path / "text", content)) == content


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    assert read(write(tmp_path / "text", b"\xef\xbb\xbfword\n")) == b"word\n"


def test_no_line_goes_from_one_file_to_the_next(tmp_path):
    files = [write(tmp_path / "1", b"one\ntwo"), write(tmp_path / "2", b""), write(tmp_path / "3", b"three")]
    assert read(*files) == b"one\ntwo\nthree\n"


def test_blocks_end_with_lines_and_are_as_long_as_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_PIECE", 100)
    *blocks, _ = read_blocks([write(tmp_path / "text", LINES)], 1000)
    assert {block[-1:] for block in blocks} == {b"\n"}
    assert all(1000 <= len(block) < 1000 + 100 + 30 for block in blocks)


def broken(tmp_path, content, piece, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "LONGEST_LINE", 20)
        patch.setattr(reading, "_PIECE", piece)
        return read(write(tmp_path / "text", content), size=size)


@given(
    st.lists(st.sampled_from(["word", "a", " ", " ", "\n", "é", "京", "many words here"]), min_size=1),
    st.integers(1, 60),
    st.integers(1, 100),
)
def test_where_long_lines_break_does_not_depend_on_blocks(tmp_path_factory, words, piece, size):
    content = "".join(words).encode()
    folder = tmp_path_factory.mktemp("text")
    assert broken(folder, content, piece, size) == broken(folder, content, 1 << 20, 1 << 20)


@given(st.text("ab é京\n", min_size=1))
def test_breaking_long_lines_only_puts_line_feeds_between_characters(tmp_path_factory, content):
    found = broken(tmp_path_factory.mktemp("text"), content.encode(), 7, 1).decode()
    assert found.replace("\n", "").replace(" ", "") == content.replace("\n", "").replace(" ", "")
    assert max(len(line.encode()) for line in found.split("\n")) <= 20


def test_a_long_line_breaks_at_a_space_if_it_has_any(tmp_path):
    content = b"many words in a very long line"
    assert broken(tmp_path, content, 100, 1).replace(b"\n", b" ") == content + b" "


def test_progress_is_the_share_of_packed_bytes_and_ends_at_one(tmp_path):
    files = [write(tmp_path / name, PACKERS[name](LINES * 5)) for name in PACKERS]
    shares = []
    list(read_blocks(files, on_progress=lambda stage, share: shares.append(share)))
    assert shares == sorted(shares)
    assert (shares[0] > 0, shares[-1]) == (True, 1)


class Input:
    """A standard input, which cannot be moved back."""

    def __init__(self, content):
        reader, writer = os.pipe()
        with open(writer, "wb") as file:
            file.write(content)
        self.buffer = open(reader, "rb")  # noqa: SIM115


@pytest.mark.parametrize("packer", PACKERS)
def test_the_standard_input_is_a_text_that_may_be_packed(tmp_path, monkeypatch, packer):
    monkeypatch.setattr(sys, "stdin", Input(PACKERS[packer](LINES)[:60_000]))
    file, stages = write(tmp_path / "more", b"more"), []
    found = find_files(["-", str(file), "-"])
    blocks = read_blocks(found, on_progress=lambda stage, share: stages.append((stage, share)))
    assert b"".join(blocks) == LINES + b"more\n"
    assert (stages[0], stages[-1]) == (("reading the standard input, 0 MB", 0), ("reading the text", 1))


def test_a_damaged_standard_input_is_named(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Input(gzip.compress(LINES)[:-9]))
    with pytest.raises(CorpusError, match="the standard input: the file is damaged"):
        read(*find_files(["-"]))


def test_a_missing_package_is_named_with_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(CorpusError, match=rf"text.*{re.escape(install_extra('zst'))}"):
        read(write(tmp_path / "text", PACKERS["zstandard"](LINES)))


@given(
    text=st.text("ab \n", max_size=300),
    size=st.integers(1, 100),
    piece=st.integers(1, 50),
    longest=st.sampled_from([20, 1 << 16]),
)
def test_the_parts_of_a_text_are_its_lines_each_once(tmp_path_factory, text, size, piece, longest):
    path = tmp_path_factory.mktemp("parts") / "text"
    path.write_text(text)
    with mock.patch.multiple(reading, _PIECE=piece, LONGEST_LINE=longest):
        whole = b"".join(reading.read_blocks([path]))
        parts = [b"".join(reading.read_blocks(part)) for part in reading.split_text([path], size)]
    assert b"".join(parts) == whole
    assert len(parts) == max(1, -(-len(text) // size))


def test_small_files_are_one_part_and_a_packed_one_is_not_cut(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}").write_bytes(b"a b\n")
    (tmp_path / "packed").write_bytes(gzip.compress(os.urandom(500).hex().encode()))
    files = [tmp_path / name for name in ("0", "1", "packed", "2")]
    parts = [[part.path.name for part in one] for one in reading.split_text(files, 100)]
    assert parts == [["0", "1", "packed"], ["2"]]
