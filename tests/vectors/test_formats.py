import contextlib
import itertools
import math
import re
import resource
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tfgraphs.outputs import OutputError
from tfgraphs.vectors.formats import FormatError, load, load_text, save_text
from tfgraphs.vectors.word_vectors import WordVectors

words = st.text(st.characters(codec="utf-8", exclude_characters=" \n"), min_size=1, max_size=6)
matrices = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=4),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=True),
)
tokens = st.sampled_from(
    [b"a", b"1", b"2", b"3", b"-0.5", b"1e9", b"nan", b"-inf", b"", b"\t", b"\r", b"\xff", b"\xc3\xa9"]
)
nearly_files = st.lists(st.lists(tokens, max_size=4).map(b" ".join), max_size=4).map(b"\n".join)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("formats") / "vectors.txt"


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrix=matrices, data=st.data())
def test_round_trip_keeps_every_bit(scratch, matrix, data):
    names = data.draw(st.lists(words, min_size=len(matrix), max_size=len(matrix), unique=True))
    save_text(scratch, WordVectors(names, matrix))
    loaded = load_text(scratch)
    assert loaded.words == names
    assert loaded.matrix.dtype == np.float32
    np.testing.assert_array_equal(loaded.matrix.view(np.uint32), matrix.view(np.uint32))


@pytest.mark.parametrize("value", [-0.0, 1e-45, -1.1754942e-38, 3.4028235e38, 0.1, 16777217, 1 / 3])
def test_round_trip_keeps_difficult_values(tmp_path, value):
    matrix = np.float32([[value]])
    save_text(tmp_path / "v.txt", WordVectors(["a"], matrix))
    assert load_text(tmp_path / "v.txt").matrix.tobytes() == matrix.tobytes()


@pytest.mark.parametrize(
    "word", ["北京", "Москва", "a\u00a0b", "a\u2028b", "a\u0085b", "a\tb", "😀", "\ufeffa", "\r", "1", "-"]
)
def test_round_trip_keeps_words_with_unusual_letters(tmp_path, word):
    save_text(tmp_path / "v.txt", WordVectors([word, "b"], np.ones((2, 3), np.float32)))
    assert load_text(tmp_path / "v.txt").words == [word, "b"]


@pytest.mark.parametrize("ending", ["\n", " \n", "\r\n", " \r\n"])
def test_line_endings_of_other_programs_are_read(tmp_path, ending):
    path = tmp_path / "v.txt"
    path.write_bytes("".join(line + ending for line in ["2 2", "a 1 2", "b 3 4"]).encode())
    loaded = load_text(path)
    assert (loaded.words, loaded.matrix.tolist()) == (["a", "b"], [[1, 2], [3, 4]])


def test_last_line_needs_no_ending(tmp_path):
    (tmp_path / "v.txt").write_bytes(b"1 2\na 1 2")
    assert load_text(tmp_path / "v.txt").matrix.tolist() == [[1, 2]]


def test_load_reads_a_path(tmp_path):
    (tmp_path / "v.txt").write_bytes(b"1 2\na 1 2\n")
    assert load(str(tmp_path / "v.txt")).words == ["a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "its first line is not 'words dimensions'"),
        (b"\n", "its first line is not 'words dimensions'"),
        (b"a 1 2\nb 3 4\n", "its first line is not 'words dimensions'"),
        (b"2\na 1\nb 2\n", "its first line is not 'words dimensions'"),
        (b"1 2 3\na 1 2\n", "its first line is not 'words dimensions'"),
        (b"0 2\n", "its first line is not 'words dimensions'"),
        (b"1 0\na\n", "its first line is not 'words dimensions'"),
        (b"-1 2\na 1 2\n", "its first line is not 'words dimensions'"),
        (b"1.0 2\na 1 2\n", "its first line is not 'words dimensions'"),
        (b"9" * 5000 + b" 2\na 1 2\n", "its first line is not 'words dimensions'"),
        (b"2 2\na 1 2\n", "announces 2 words and holds 1"),
        (b"2 2\n", "announces 2 words and holds 0"),
        (b"1 2\na 1 2\nb 3 4\n", "announces 1 words and holds 2"),
        (b"1000000000000 2\na 1 2\n", "announces 1,000,000,000,000 words and holds 1"),
        (b"1 1000000000000\na 1 2\n", "line 2 does not hold a word and 1000000000000 numbers"),
        (b"2 2\na 1\nb 3 4\n", "line 2 does not hold a word and 2 numbers"),
        (b"2 2\na 1 2\nb 3 4 5\n", "line 3 does not hold a word and 2 numbers"),
        (b"2 2\na 1 2\n\nb 3 4\n", "line 3 does not hold a word and 2 numbers"),
        (b"2 2\na 1 2\nb 3 4\n\n", "line 4 does not hold a word and 2 numbers"),
        (b"1 2\nNew York 1 2\n", "line 2 does not hold a word and 2 numbers"),
        (b"1 2\na 1 two\n", "line 2 does not hold a word and 2 numbers"),
        (b"2 2\na 1 2\nb nan 1\n", "line 3 does not hold a word and 2 numbers"),
        (b"2 2\na 1 2\nb 1 -inf\n", "line 3 does not hold a word and 2 numbers"),
        (b"2 2\na 1 2\nb 1 1e999\n", "line 3 does not hold a word and 2 numbers"),
        (b"2 2\na 1 2\nb 1 1\x00\n", "line 3 does not hold a word and 2 numbers"),
        (b"1 2\n\xff 1 2\n", "it holds bytes that are not UTF-8"),
        (b"\x80\x04\x95", "it holds bytes that are not UTF-8"),
    ],
)
def test_wrong_file_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "v.txt"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=rf"\A[^\n]*{re.escape(message)}[^\n]*\Z"):
        load_text(path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"cannot read .*: no such file"):
        load(str(tmp_path / "missing.txt"))


def test_folder_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"cannot read .*: is a directory"):
        load(str(tmp_path))


@pytest.mark.parametrize("header", [b"1000000000000 2\n", b"2 1000000000000\n", b"1000000000000 1000000000000\n"])
def test_promised_size_reserves_no_memory(tmp_path, header):
    (tmp_path / "v.txt").write_bytes(header + b"a 1 2\n")
    tracemalloc.start()
    try:
        with pytest.raises(FormatError):
            load_text(tmp_path / "v.txt")
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.one_of(st.binary(max_size=60), nearly_files, nearly_files.map(b"1 1\n".__add__)))
def test_garbage_is_refused_or_holds_what_its_header_says(scratch, content):
    scratch.write_bytes(content)
    try:
        loaded = load_text(scratch)
    except FormatError:
        return
    header, *lines = content.decode().removesuffix("\n").split("\n")
    assert loaded.matrix.shape == tuple(int(number) for number in header.split())
    assert loaded.words == [line.split(" ")[0] for line in lines]
    assert all(math.isfinite(value) for value in itertools.chain(*loaded.matrix.tolist()))


@contextlib.contextmanager
def full_disk():
    """Lets no file grow beyond a kilobyte, as a full disk would; pytest's own output must not be written inside."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def large_vectors() -> WordVectors:
    return WordVectors([f"word{number}" for number in range(10_000)], np.ones((10_000, 3), np.float32))


def test_failed_write_leaves_nothing(tmp_path, large_vectors):
    with pytest.raises(OutputError, match=r"cannot write .*v\.txt: "), full_disk():
        save_text(tmp_path / "v.txt", large_vectors)
    assert list(tmp_path.iterdir()) == []


def test_failed_write_keeps_the_earlier_file(tmp_path, large_vectors):
    (tmp_path / "v.txt").write_text("earlier")
    with pytest.raises(OutputError), full_disk():
        save_text(tmp_path / "v.txt", large_vectors)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"v.txt": "earlier"}


def test_interrupted_write_leaves_nothing(tmp_path):
    class Interrupted(list):
        def __iter__(self):
            yield self[0]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_text(tmp_path / "v.txt", WordVectors(Interrupted("abc"), np.ones((3, 2), np.float32)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["", "New York", "line\nbreak", "\ud800"])
def test_word_that_cannot_be_read_back_is_not_written(tmp_path, word):
    with pytest.raises(FormatError, match="cannot be written"):
        save_text(tmp_path / "vectors.txt", WordVectors(["a", word], np.eye(2, dtype=np.float32)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_not_written(tmp_path, value):
    with pytest.raises(FormatError, match="not finite"):
        save_text(tmp_path / "vectors.txt", WordVectors(["a"], np.float32([[value]])))


def test_of_a_word_that_stands_twice_the_first_counts(tmp_path):
    (tmp_path / "vectors.txt").write_text("3 1\na 1\nb 2\na 3\n")
    vectors = load_text(tmp_path / "vectors.txt")
    assert vectors.words == ["a", "b"]
    assert vectors.matrix.tolist() == [[1], [2]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("line", ["a 1e39", " 1"])
def test_value_out_of_range_and_empty_word_are_refused(tmp_path, line):
    (tmp_path / "vectors.txt").write_text(f"1 1\n{line}\n")
    with pytest.raises(FormatError, match="line 2"):
        load_text(tmp_path / "vectors.txt")
