import bz2
import itertools
import lzma
import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from vector_files import FORMATS, MATRIX, PACKINGS, attempt, encoded, joined, names_for, packed, read

from tfgraphs.vectors.files import vector_file
from tfgraphs.vectors.files.vector_file import Block, VectorFile, unique
from tfgraphs.vectors.word_vectors import FormatError

each_format = pytest.mark.parametrize("form", FORMATS)
each_packing = pytest.mark.parametrize("packing", PACKINGS)
at_some_places = pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.long)])
"""Damages every seventh place, or all of them."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vectors"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("vector_file") / "vectors"


@pytest.fixture
def small_blocks(monkeypatch):
    for name, value in {"_PIECE": 50, "_HEAD": 200}.items():
        monkeypatch.setattr(vector_file, name, value)


@each_packing
@each_format
@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
def test_the_format_is_recognised_in_pieces_of_any_size(path, monkeypatch, form, packing, size):
    names = names_for(form, 50)
    path.write_bytes(encoded(form, packing, names, MATRIX))
    monkeypatch.setattr(vector_file, "_PIECE", size)
    file = VectorFile(path)
    assert (file.path, file.dimensions, file.count) == (path, 3, None if "glove" in form else 50)
    blocks = list(file.blocks())
    assert joined(blocks) == (names, MATRIX.tobytes())
    assert (blocks[-1].matrix.dtype, blocks[-1].read) == (np.float32, 50)


@given(data=st.data(), form=st.sampled_from(list(FORMATS)), packing=st.sampled_from(list(PACKINGS)))
def test_round_trip_keeps_every_word_and_bit(scratch, data, form, packing):
    spaces = "" if "binary" in form else " "
    word = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(spaces or "ä")), min_size=1, max_size=5)
    word = word.filter(lambda word: word.strip(" ") == word and "\n" not in word and (spaces or " " not in word))
    numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
    names = data.draw(st.lists(word, min_size=1, max_size=6))
    rows = data.draw(st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=len(names), max_size=len(names)))
    # Lines tell how many numbers they hold by what most of the first ones have in common.
    matrix, names = np.float32([*rows, *[[0.5, 0.5]] * 7]), [*names, *"abcdefg"]
    scratch.write_bytes(encoded(form, packing, names, matrix))
    assert read(scratch) == (names, matrix.tobytes())


@each_packing
@each_format
def test_reading_can_go_on_after_each_block(path, small_blocks, form, packing):
    names = names_for(form, 50)
    path.write_bytes(encoded(form, packing, names, MATRIX))
    file = VectorFile(path)
    blocks = list(file.blocks())
    assert len(blocks) > 3
    assert [block.read for block in blocks] == list(itertools.accumulate(len(block.words) for block in blocks))
    for block in blocks:
        rest = names[block.read :], MATRIX[block.read :].tobytes()
        assert read(path, block.position, block.read) == rest
        for limit in (block.read - 1, block.read, block.read + 2):
            assert read(path, block.position, block.read, limit)[0] == names[block.read : limit]
    for limit in (0, 1, 6, 7, 8, 50, 51):
        assert read(path, limit=limit) == (names[:limit], MATRIX[:limit].tobytes())
    limited = list(file.blocks(limit=9))[-1]
    assert read(path, limited.position, 9)[0] == names[9:]


@each_packing
@each_format
def test_limit_reads_no_further(path, small_blocks, form, packing):
    content = encoded(form, packing, names_for(form, 50), MATRIX)
    path.write_bytes(content[: len(content) * 2 // 3] + b"\xff damage \xff")
    assert len(read(path, limit=15)[0]) == 15
    with pytest.raises(FormatError):
        read(path)


@at_some_places
@each_format
def test_file_that_is_cut_off_anywhere_is_refused_or_right(path, form, step):
    names, matrix = names_for(form, 15)[8:], MATRIX[8:15]
    content = FORMATS[form](names, matrix)
    first = content.index(b"\n") + 1 if "glove" in form else 0
    for length in reversed(range(len(content), first - 1, -step)):
        path.write_bytes(content[:length])
        if found := attempt(path):
            count = len(found[0])
            sure = count if "binary" in form else count - 1  # that the very last number was cut off cannot be known
            assert found[0][:sure] == names[:sure]
            assert found[1][: 12 * sure] == matrix[:sure].tobytes()
            assert count == len(names) or "glove" in form
    assert found


@at_some_places
@each_format
def test_packed_file_that_is_cut_off_anywhere_is_refused(path, form, step):
    content = encoded(form, "packed", names_for(form, 20), MATRIX[:20])
    for length in range(0, len(content), step):
        path.write_bytes(content[:length])
        begun = r"is empty|is a packed file|not 'words dimensions'"
        with pytest.raises(FormatError, match=begun if length < 3 else rf"breaks off at byte {length}\Z"):
            read(path)


@at_some_places
@each_packing
@each_format
def test_file_with_one_wrong_byte_is_refused_or_finite(path, form, packing, step):
    names, matrix = names_for(form, 15)[12:], MATRIX[12:15]
    content = encoded(form, packing, names, matrix)
    damages = itertools.product(range(len(content)), (b"\0", b"\n", b" ", b"7", b"\xff"))
    for place, byte in itertools.islice(damages, 0, None, step):
        path.write_bytes(content[:place] + byte + content[place + 1 :])
        if found := attempt(path):
            assert all(found[0])
            assert np.isfinite(np.frombuffer(found[1], np.float32)).all()
            # A checksum finds everything but changes of the time and of the system's name.
            assert packing == "plain" or found == (names, matrix.tobytes())


tokens = st.sampled_from([b"a", b"1", b"2", b"-0.5", b"1e9", b"nan", b"", b"\t", b"\r", b"\xff", b"\xc3\xa9", b"\n"])
nearly_files = st.lists(tokens, max_size=12).map(b" ".join)
begun_files = st.builds(
    bytes.__add__, st.sampled_from([b"2 1\n", b"a 1 2\n", b"\x1f\x8b\x08\0"]), st.binary(max_size=30)
)


@given(content=st.one_of(st.binary(max_size=60), nearly_files, begun_files), packing=st.sampled_from(list(PACKINGS)))
def test_any_file_is_finite_vectors_or_a_one_line_error(scratch, content, packing):
    scratch.write_bytes(PACKINGS[packing](content))
    for decide in (vector_file.is_text, lambda *_: False, lambda *_: True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vector_file, "is_text", decide)
            found = attempt(scratch)
        if found:
            values = np.frombuffer(found[1], np.float32)
            assert len(values) == len(found[0]) * VectorFile(scratch).dimensions
            assert np.isfinite(values).all()
            assert all(found[0])


@given(words=st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=6), form=st.sampled_from(["bin", "txt"]))
def test_words_that_are_not_unicode_are_replaced_one_by_one(scratch, words, form):
    words = [word for word in (word.translate(None, b" \n") for word in words) if word] or [b"\xe2\x82"]
    numbers = b" \x00\x00\x00?" if form == "bin" else b" 0.5\n"
    scratch.write_bytes(b"%d 1\n" % len(words) + b"".join(word + numbers for word in words))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_file, "is_text", lambda head, dimensions: form == "txt")
        found, _ = read(scratch)
    assert found == [word.decode(errors="replace") for word in words]


@pytest.mark.parametrize(
    ("content", "words", "dimensions"),
    [
        (b"a 1 2 3\n", ["a"], 3),
        (b"1 3\na 1 2 3", ["a"], 3),
        (b"1 2 3\n", ["1"], 2),
        (b"5 1 2\n6 3 4\n", ["5", "6"], 2),
        (b"at 5 1 2\nb 1 2\n", ["at 5", "b"], 2),
        (b". . . 1 2\nat 5 1 2\nb 1 2\nc 1 2\n", [". . .", "at 5", "b", "c"], 2),
        (b"a 1 2\nb 1 2\n9 9 1 2\n", ["a", "b", "9 9"], 2),
        (b"a 1\nb 2\n", ["a", "b"], 1),
        (b"2 2\nat 5 1 2\nNew York 1 2\n", ["at 5", "New York"], 2),
        (b"nan 1 2\ninf 1 2\n", ["nan", "inf"], 2),
        (b"king 1 2\nqueen 1 3", ["king", "queen"], 2),
        (b"a 1 2\n  3 4\nb 5 6\n", ["a", " ", "b"], 2),
        (b"a   1   2\n  bcd  -1  2\r\nNew York\t1\t 2\t\n", ["a", "bcd", "New York"], 2),
        (b"2 2\na  1 2\nb\t1 2", ["a", "b"], 2),
    ],
)
def test_words_like_numbers_and_words_with_spaces_are_told_from_numbers(path, content, words, dimensions):
    path.write_bytes(content)
    file = VectorFile(path)
    assert file.dimensions == dimensions
    assert joined(file.blocks())[0] == words


def test_a_word_of_a_binary_file_may_be_one_space(path):
    path.write_bytes(b"3 1\na \0\0\0?\n  \0\0\x80?\nb \0\0\0?\n")
    assert read(path) == (["a", " ", "b"], np.float32([0.5, 1, 0.5]).tobytes())


@pytest.mark.parametrize("form", ["gensim_binary", "word2vec_text", "glove"])
def test_vectors_that_are_not_finite_are_left_out_and_counted(path, form):
    matrix = MATRIX[:6].copy()
    matrix[1, 0], matrix[3, 2], matrix[4] = np.nan, -np.inf, 3e38
    path.write_bytes(FORMATS[form](list("abcdef"), matrix))
    (block,) = VectorFile(path).blocks()
    assert (block.words, block.read, block.skipped) == (["a", "c", "e", "f"], 6, 2)
    np.testing.assert_array_equal(block.matrix, matrix[[0, 2, 4, 5]])


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, zstandard.compress])
def test_files_may_be_packed_in_any_usual_way(path, pack):
    names, content = names_for("glove", 50), FORMATS["glove"](names_for("glove", 50), MATRIX)
    path.write_bytes(pack(content))
    assert read(path) == (names, MATRIX.tobytes())
    assert read(path, len(content.split(b"\n")[0]) + 1, 1) == (names[1:], MATRIX[1:].tobytes())
    path.write_bytes(pack(content)[:-9])
    with pytest.raises(FormatError, match="is cut off: its packed data breaks off"):
        read(path)


def test_dimensions_are_found_in_lines_longer_than_the_sample(path, small_blocks):
    matrix = np.random.default_rng(0).normal(size=(2, 500)).astype(np.float32)
    path.write_bytes(FORMATS["glove"](["a", "b"], matrix))
    assert VectorFile(path).dimensions == 500
    assert read(path) == (["a", "b"], matrix.tobytes())


@pytest.mark.parametrize("header", ["", "2 2\n"])
def test_a_byte_order_mark_is_skipped(path, header):
    path.write_text(f"\ufeff{header}a 1 2\nb 3 4\n", encoding="utf-8")
    assert read(path) == (["a", "b"], np.array([[1, 2], [3, 4]], np.float32).tobytes())


def test_first_wrong_line_of_many_is_named(path, small_blocks):
    content = FORMATS["glove"](names_for("glove", 50), MATRIX).split(b"\n")
    content[30] += b"x"
    content[33] += b"x"
    path.write_bytes(b"\n".join(content))
    blocks = VectorFile(path).blocks()
    with pytest.raises(FormatError, match="line 31 is not"):
        list(blocks)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (packed(b"a 1 2\n") + b"rest", "packed data is wrong before byte"),
        (packed(b"a 1 2\n")[:-5] + b"\0" * 5, "packed data is wrong before byte"),
        (packed(b"")[:10] + b"\7", "packed data is wrong before byte 11"),
        (packed(b""), "is empty"),
        (packed(packed(b"a 1 2\n")), "is a packed file: unpack it first"),
        (b"PK\x03\x04 1 2\n", "is a zip archive: unpack it first"),
        (packed(b"vectors.txt".ljust(257, b"\0") + b"ustar" + b"\0" * 250 + b"a 1 2\n"), "is a tar archive: unpack it"),
        (
            pickle.dumps({"vectors": 1}, protocol=2),
            "is a Python pickle, such as gensim's .kv and .model, which could run",
        ),
        (
            pickle.dumps({"vectors": 1}, protocol=5),
            "load it with gensim, if you trust it, and write it by save_word2vec",
        ),
        (packed(b"\xba\x16\x4f\x2f\x0c\0\0\0"), "is a fastText model that is packed or comes through a pipe"),
        (b"\x93NUMPY\x01\0v\0{'descr': '<f4'", "is an array of NumPy, without words"),
        ("a 1 2\n".encode("utf-16"), "is text in UTF-16: convert it to UTF-8 first"),
        (b"\n<!DOCTYPE html><html>", "is a web page: its download went wrong"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "is a pointer of Git LFS in place of the file"),
        (b'{"king": [1, 2]}\n', "is JSON: write it as text"),
        (b"king,1.5,-2e3\nqueen,1,2\n", "is a table with commas: separate the word and its numbers by spaces"),
        (b"3 2\na 1 2\nb 3 4\n", "it announces 3 words and contains 2; a limit of 2 words reads them"),
        (b"a 1 2\nb 1 2\nc 1\n", "is damaged: line 3 is not a word and 2 numbers"),
        (b"a 1 2\nb 1 2\nc 1", "is cut off: line 3 is not a word and 2 numbers"),
        (b"a nan 2\nb 1 inf\n", "is damaged: none of its vectors is finite"),
        (b"\0" * 10_000, "its first line is not 'words dimensions', and not every line is a word and numbers"),
    ],
)
def test_wrong_file_is_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(FormatError, match=re.escape(message)):
        read(path)


def test_gzip_files_may_have_several_members_and_trailing_zeros(path, small_blocks):
    content = FORMATS["glove"](names_for("glove", 50), MATRIX)
    parts = [packed(content[place : place + 33]) for place in range(0, len(content), 33)]
    path.write_bytes(b"".join(parts) + b"\0" * 500)
    assert read(path) == (names_for("glove", 50), MATRIX.tobytes())


def block(words, *values, position=0, read=0):
    return Block(words.split(), np.float32(values)[:, None], position, read)


def test_unique_keeps_the_first_vector_of_a_word():
    seen = {"z"}
    twice = block("c b c d z", 3, 4, 5, 6, 7, position=9, read=7)
    kept = list(unique([block("a b", 1, 2), twice, block("a d", 8, 9), block("e", 0)], seen))
    assert [block.words for block in kept] == [["a", "b"], ["c", "d"], [], ["e"]]
    assert [block.matrix.tolist() for block in kept] == [[[1], [2]], [[3], [6]], [], [[0]]]
    assert (kept[1].position, kept[1].read) == (9, 7)
    assert kept[2].matrix.shape == (0, 1)
    assert seen == set("abcdez")


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


@each_packing
@each_format
def test_pipe_is_read_once(pipe, form, packing):
    names = names_for(form, 50)
    os.write(pipe[1], encoded(form, packing, names, MATRIX))
    os.close(pipe[1])
    file = VectorFile(Path(f"/dev/fd/{pipe[0]}"))
    refusal = pytest.raises(FormatError, match="is a pipe: it can be read only once, and only from its beginning")
    with refusal:
        next(file.blocks(4, 0))
    blocks = list(file.blocks())
    assert joined(blocks) == (names, MATRIX.tobytes())
    assert blocks[-1].share == (0 if "glove" in form else 1)
    with refusal:
        next(file.blocks())


@each_packing
@each_format
def test_the_share_of_the_source_grows_to_one(path, monkeypatch, form, packing):
    monkeypatch.setattr(vector_file, "_PIECE", 20_000)
    matrix = np.random.default_rng(0).normal(size=(300, 500)).astype(np.float32)
    path.write_bytes(encoded(form, packing, names_for(form, 300), matrix))
    shares = [block.share for block in VectorFile(path).blocks()]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5
    assert shares[-1] == pytest.approx(1, abs=0.02)  # of packed bytes: a checksum is behind the last block


@each_packing
def test_file_that_has_become_shorter_is_refused(path, packing):
    path.write_bytes(encoded("glove", packing, names_for("glove", 50), MATRIX))
    with pytest.raises(FormatError, match="has become shorter"):
        read(path, 10_000, 40)


def test_file_that_vanishes_is_refused(path):
    path.write_bytes(b"1 1\na 1\n")
    file = VectorFile(path)
    path.unlink()
    with pytest.raises(FormatError, match=r"cannot read .*: no such file"):
        list(file.blocks())


@pytest.mark.parametrize("name", ["missing", "", "\0"])
def test_file_that_cannot_be_opened_is_refused(tmp_path, name):
    with pytest.raises(FormatError, match="cannot read"):
        VectorFile(tmp_path / name)


@each_format
def test_gensim_reads_the_same(path, form):
    peers = pytest.importorskip("gensim.models", reason="gensim, which is compared with, is in the extra 'test'")
    names = [f"wört{row}" for row in range(50)]
    path.write_bytes(FORMATS[form](names, MATRIX))
    theirs = peers.KeyedVectors.load_word2vec_format(path, binary="binary" in form, no_header="glove" in form)
    assert read(path) == (theirs.index_to_key, theirs.vectors.tobytes())
