import contextlib
import re
import resource

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tfgraphs.files.outputs import OutputError
from tfgraphs.vectors.files.writers import save_binary, save_text
from tfgraphs.vectors.loading import load, load_file
from tfgraphs.vectors.word_vectors import FormatError, WordVectors

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
SAVERS = [save_text, save_binary]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("formats") / "vectors.txt"


@pytest.mark.parametrize("save", SAVERS)
@given(matrix=matrices, data=st.data())
def test_round_trip_keeps_every_bit(scratch, save, matrix, data):
    names = data.draw(st.lists(words, min_size=len(matrix), max_size=len(matrix), unique=True))
    save(scratch, WordVectors(names, matrix))
    loaded = load_file(scratch)
    assert loaded.words == names
    assert loaded.matrix.dtype == np.float32
    np.testing.assert_array_equal(loaded.matrix.view(np.uint32), matrix.view(np.uint32))


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize("value", [-0.0, 1e-45, -1.1754942e-38, 3.4028235e38, 0.1, 16777217, 1 / 3])
def test_round_trip_keeps_difficult_values(tmp_path, save, value):
    matrix = np.float32([[value]])
    save(tmp_path / "v", WordVectors(["a"], matrix))
    assert load_file(tmp_path / "v").matrix.tobytes() == matrix.tobytes()


def test_round_trip_through_text_keeps_floats_of_all_kinds(tmp_path):
    bits = np.random.default_rng(0).integers(2**32, size=(1000, 50), dtype=np.uint32).view(np.float32)
    matrix = np.where(np.isfinite(bits), bits, 1)
    save_text(tmp_path / "v.txt", WordVectors([f"w{number}" for number in range(1000)], matrix))
    assert load_file(tmp_path / "v.txt").matrix.tobytes() == matrix.tobytes()


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize(
    "word",
    ["北京", "Москва", "a\u00a0b", "a\u2028b", "a\u0085b", "a\tb", "😀", "\ufeffa", "\r", "1", "-", "%s", "\x00"],
)
def test_round_trip_keeps_words_with_unusual_letters(tmp_path, save, word):
    save(tmp_path / "v", WordVectors([word, "b"], np.ones((2, 3), np.float32)))
    assert load_file(tmp_path / "v").words == [word, "b"]


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_matrix_of_another_type_is_written_as_float32(tmp_path, save, dtype):
    save(tmp_path / "v", WordVectors(["a", "b"], np.array([[0.5, -2], [3, 4]], dtype)))
    assert load_file(tmp_path / "v").matrix.tolist() == [[0.5, -2], [3, 4]]


@pytest.mark.parametrize("save", SAVERS)
@given(matrix=matrices)
def test_the_format_is_recognised_by_the_content(scratch, save, matrix):
    names = [f"word{row}" for row in range(len(matrix))]
    save(scratch, WordVectors(names, matrix))
    loaded = load(str(scratch))
    assert (loaded.words, loaded.matrix.tobytes()) == (names, matrix.tobytes())


@pytest.mark.parametrize("save", SAVERS)
def test_a_large_file_is_recognised_by_its_beginning(tmp_path, save):
    vectors = WordVectors([f"w{row}" for row in range(3)], np.random.default_rng(0).normal(size=(3, 200_000)))
    save(tmp_path / "v", vectors)
    np.testing.assert_array_equal(load(str(tmp_path / "v")).matrix, vectors.matrix.astype(np.float32))


def test_the_damaged_line_of_a_text_is_named(tmp_path):
    (tmp_path / "v.txt").write_bytes("2 12\nä{0} and\nb{0}\n".format(" 0.12345" * 11).encode())
    with pytest.raises(FormatError, match="line 2 is not a word and 12 numbers"):
        load(str(tmp_path / "v.txt"))


def test_last_line_needs_no_ending(tmp_path):
    (tmp_path / "v.txt").write_bytes(b"1 2\na 1 2")
    assert load_file(tmp_path / "v.txt").matrix.tolist() == [[1, 2]]


@pytest.mark.parametrize("name", ["vectors.bin", "vectors.txt"])
def test_load_reads_a_folder(tmp_path, name):
    (tmp_path / name).write_bytes(b"1 2\na 1 2\n")
    assert load(str(tmp_path)).words == ["a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n", "its first line is not 'words dimensions'"),
        (b"word\nnot a file of vectors 1\n", "its first line is not 'words dimensions'"),
        (b"2\na 1\nb 2\n", "its first line is not 'words dimensions'"),
        (b"a 1 2\nb 3 4\nc 5\n", "line 3 is not a word and 2 numbers"),
        (b"0 2\n", "its first line is not 'words dimensions'"),
        (b"1 0\na\n", "its first line is not 'words dimensions'"),
        (b"-1 2\na 1 2\n", "its first line is not 'words dimensions'"),
        (b"1.0 2\na 1 2\n", "its first line is not 'words dimensions'"),
        (b"9" * 5000 + b" 2\na 1 2\n", "its first line is not 'words dimensions'"),
        (b"2 2\na 1 2\n", "announces 2 words and contains 1"),
        (b"2 2\n", "it ends at byte 4, in word 1 of 2"),
        (b"1 2\na 1 2\nb 3 4\n", "announces 1 words and contains 2"),
        (b"1000000000000 2\na 1 2\n", "announces 1,000,000,000,000 words and contains 1"),
        (b"1 1000000000000\na" + b" 1" * 40, "line 2 is not a word and 1000000000000 numbers"),
        (b"2 2\n" + b"a" * 64 + b" 1\nb 3 4\n", "line 2 is not a word and 2 numbers"),
        (b"2 2\na 1 2\n\nb 3 4\n", "line 3 is not a word and 2 numbers"),
        (b"2 2\na 1 2\nb 3 4\n\n", "line 4 is not a word and 2 numbers"),
        (b"1 2\n" + b"a" * 64 + b" 1 two\n", "line 2 is not a word and 2 numbers"),
        (b"1 1\n 1\n", "line 2 is not a word and 1 numbers"),
        (b"a 1 2\nb 3 4\nc 3", "is cut off: line 3 is not a word and 2 numbers"),
        (b"1 2\n" + b"a" * 64 + b"\xff 1 \xff\n", "line 2 is not a word and 2 numbers"),
        (b"\x80\x04\x95", "is a Python pickle"),
    ],
)
def test_wrong_file_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "v.txt"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=rf"\A[^\n]*{re.escape(message)}[^\n]*\Z"):
        load_file(path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"cannot read .*: no such file"):
        load(str(tmp_path / "missing.txt"))


def test_folder_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"is a folder without word vectors, with none of .*: name the file itself"):
        load(str(tmp_path))


@given(st.one_of(st.binary(max_size=60), nearly_files, nearly_files.map(b"1 1\n".__add__)))
def test_random_text_is_refused_or_parsed_as_its_lines_say(scratch, content):
    scratch.write_bytes(content)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tfgraphs.vectors.files.vector_file.is_text", lambda head, dimensions: True)
            loaded = load_file(scratch)
    except FormatError:
        return
    header, *lines = content.removesuffix(b"\n").split(b"\n")
    if re.fullmatch(rb"\s*\d+\s+\d+\s*", header):
        assert [len(lines), loaded.matrix.shape[1]] == [int(number) for number in header.split()]
    else:
        lines = [header, *lines]
    rows: dict[str, list[float]] = {}
    for line in lines:
        fields = line.rstrip(b" \r").split(b" ")
        word = b" ".join(fields[: -loaded.matrix.shape[1]])
        rows.setdefault(word.decode(errors="replace"), [float(value) for value in fields[word.count(b" ") + 1 :]])
    assert loaded.words == list(rows)
    assert loaded.matrix.tolist() == np.float32(list(rows.values())).tolist()
    assert np.isfinite(loaded.matrix).all()


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


@pytest.mark.parametrize("save", SAVERS)
def test_failed_write_leaves_nothing(tmp_path, large_vectors, save):
    with pytest.raises(OutputError, match=r"cannot write .*v\.txt: "), full_disk():
        save(tmp_path / "v.txt", large_vectors)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("save", SAVERS)
def test_failed_write_keeps_the_earlier_file(tmp_path, large_vectors, save):
    (tmp_path / "v.txt").write_text("earlier")
    with pytest.raises(OutputError), full_disk():
        save(tmp_path / "v.txt", large_vectors)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"v.txt": "earlier"}


@pytest.mark.parametrize("save", SAVERS)
def test_interrupted_write_leaves_nothing(tmp_path, save):
    class Interrupted(list):
        def __iter__(self):
            yield self[0]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "v.txt", WordVectors(Interrupted("abc"), np.ones((3, 2), np.float32)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize("word", ["", "New York", "line\nbreak", "\nb", "\ud800"])
def test_word_that_cannot_be_read_back_is_not_written(tmp_path, save, word):
    with pytest.raises(FormatError, match="cannot be written"):
        save(tmp_path / "vectors.txt", WordVectors(["a", word], np.eye(2, dtype=np.float32)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("save", SAVERS)
def test_a_repeated_word_is_not_written(tmp_path, save):
    with pytest.raises(FormatError, match="occurs twice"):
        save(tmp_path / "vectors.txt", WordVectors(["a", "a"], np.eye(2, dtype=np.float32)))
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_vectors_that_are_not_finite_are_not_written(tmp_path, save, value):
    with pytest.raises(FormatError, match="not finite"):
        save(tmp_path / "vectors.txt", WordVectors(["a"], np.array([[value]])))
    assert not list(tmp_path.iterdir())


def test_the_first_vector_of_a_repeated_word_counts(tmp_path):
    (tmp_path / "vectors.txt").write_text("3 1\na 1\nb 2\na 3\n")
    vectors = load_file(tmp_path / "vectors.txt")
    assert vectors.words == ["a", "b"]
    assert vectors.matrix.tolist() == [[1], [2]]


number = st.one_of(
    st.floats(-1e30, 1e30).map(repr),
    st.builds("{:.{}{}}".format, st.floats(-1e9, 1e9), st.integers(0, 25), st.sampled_from("efg")),
    st.from_regex(r"\A[-+]?([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,9})([eE][-+]?[0-9])?\Z"),
)


LARGEST = float(np.finfo(np.float32).max)


@given(st.lists(number.filter(lambda text: abs(float(text)) <= LARGEST), min_size=1, max_size=8))
def test_numbers_are_read_as_python_reads_them(scratch, numbers):
    scratch.write_bytes(b"1 %d\na %b\n" % (len(numbers), " ".join(numbers).encode()))
    assert load_file(scratch).matrix.tolist() == np.float32([[float(number) for number in numbers]]).tolist()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "number",
    ["0x1", "1_0", "１", "1e+", "--1", ".", "-", "1.2.3", "1,5", "1-2", "1\r2", "1\0", "infant", "nan(ind)"],
)
def test_other_numbers_are_refused(tmp_path, number):
    (tmp_path / "v.txt").write_bytes(f"3 2\na 1 2\nb 1 {number}\nc 1 2\n".encode())
    with pytest.raises(FormatError, match="line 3 is not a word and 2 numbers"):
        load_file(tmp_path / "v.txt")


@pytest.mark.parametrize("number", ["nan", "-inf", "Infinity", "1e39", "1e999"])
def test_words_whose_vectors_are_not_finite_are_left_out_and_counted(tmp_path, number):
    (tmp_path / "v.txt").write_bytes(f"4 2\na 1 2\nb 1 {number}\nc {number} 2\nd 3 4\n".encode())
    with pytest.warns(UserWarning, match=r"v.txt: words that are left out because their vectors are not finite: 2$"):
        vectors = load_file(tmp_path / "v.txt")
    assert (vectors.words, vectors.matrix.tolist()) == (["a", "d"], [[1, 2], [3, 4]])


def test_an_aligned_table_is_read(tmp_path):
    (tmp_path / "v.txt").write_bytes(b"    king   1.5    2\n New York  -1     0.25\t\nqueen\t1 3")
    vectors = load_file(tmp_path / "v.txt")
    assert (vectors.words, vectors.matrix.tolist()) == (["king", "New York", "queen"], [[1.5, 2], [-1, 0.25], [1, 3]])


def record(word: bytes, *values: float) -> bytes:
    return word + b" " + np.array(values, "<f4").tobytes()


def test_binary_format_is_that_of_word2vec(tmp_path):
    save_binary(tmp_path / "v.bin", WordVectors(["a", "ß"], np.float32([[1, 2], [3, -4]])))
    content = b"2 2\n" + record(b"a", 1, 2) + b"\n" + record("ß".encode(), 3, -4) + b"\n"
    assert (tmp_path / "v.bin").read_bytes() == content


def test_vectors_may_contain_the_bytes_of_separators(tmp_path):
    matrix = np.frombuffer(b" \n \n    \n\n\n\n a b", np.float32).reshape(2, 2)
    save_binary(tmp_path / "v.bin", WordVectors(["a", "b"], matrix))
    assert load_file(tmp_path / "v.bin").matrix.tobytes() == matrix.tobytes()


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 100])
def test_limit_reads_the_first_words(tmp_path, save, limit):
    save(tmp_path / "v", WordVectors(list("abcd"), np.eye(4, dtype=np.float32)))
    for loaded in (load_file(tmp_path / "v", limit), load(str(tmp_path / "v"), limit)):
        assert (loaded.words, loaded.matrix.tolist()) == (list("abcd")[:limit], np.eye(4)[:limit].tolist())


def test_limit_holds_for_the_packaged_vectors(monkeypatch):
    packaged = WordVectors(list("abcd"), np.eye(4, dtype=np.float32))
    monkeypatch.setattr("tfgraphs.vectors.loading.load_glove", lambda: packaged)
    assert [load("glove", limit).words for limit in (2, None)] == [["a", "b"], ["a", "b", "c", "d"]]


def test_limit_reads_no_further(tmp_path):
    (tmp_path / "v.bin").write_bytes(b"3 1\n" + record(b"a", 1) + record(b"b", np.nan)[:-1])
    assert load_file(tmp_path / "v.bin", limit=1).words == ["a"]


def test_binary_file_that_is_cut_off_anywhere_is_refused(tmp_path):
    save_binary(tmp_path / "v.bin", WordVectors(["first", "second"], np.float32([[1, 2], [3, 4]])))
    content = (tmp_path / "v.bin").read_bytes()
    messages = []
    for length in range(len(content) - 1):  # only the last line break may be missing
        (tmp_path / "v.bin").write_bytes(content[:length])
        with pytest.raises(
            FormatError, match=rf"is empty|its first line|it ends at byte {length}, in word [12] of 2\Z"
        ) as caught:
            load_file(tmp_path / "v.bin")
        messages.append(str(caught.value)[-11:])
    first, second = content.index(b"first"), content.index(b"second") - 1
    assert messages[first:second] == ["word 1 of 2"] * (second - first)
    assert messages[second:] == ["word 2 of 2"] * (len(content) - 1 - second)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n", "is a picture"),
        (b"\x00" * 10_000, "its first line is not 'words dimensions'"),
        (b"0 2\n", "its first line is not 'words dimensions'"),
        (b"1 -2\n" + record(b"a", 1, 2), "its first line is not 'words dimensions'"),
        (b"1 1000000000000\n" + record(b"a", 1, 2), "its first line announces 1,000,000,000,000 dimensions"),
        (b"1000000000000 2\n" + record(b"a", 1, 2), "it ends at byte 26, in word 2 of 1,000,000,000,000"),
        (b"1 3\n" + record(b"a", 1, 2), "it ends at byte 14, in word 1 of 1"),
        (b"1 2\n" + record(b"a", 1, 2) + record(b"b", 1, 2), "it announces 1 words and contains more"),
        (b"1 2\n" + record(b"a", 1, 2) + b"\n\n", "it announces 1 words and contains more"),
        (b"2 2\n" + record(b"a", 1, 2) + record(b"", 1, 2), "word 2 at byte 14 is empty"),
        (b"2 2\n" + record(b"a", 1, 2) + record(b"\n", 1, 2), "word 2 at byte 14 is empty"),
        (b"1 2\n" + b"\x01" * 3_000_000, "word 1 at byte 4 has no end"),
        (b"2 2\n" + record(b"a", np.inf, -np.inf) + record(b"b", 1, np.nan), "none of its vectors is finite"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_wrong_binary_file_is_refused_in_one_line(tmp_path, content, message):
    (tmp_path / "v.bin").write_bytes(content)
    with pytest.raises(FormatError, match=rf"\A[^\n]*{re.escape(message)}[^\n]*\Z"):
        load_file(tmp_path / "v.bin")


@pytest.fixture(scope="module")
def peers():
    models = pytest.importorskip("gensim.models", reason="gensim, which is compared with, is in the extra 'test'")
    return models.KeyedVectors


@pytest.mark.parametrize("save", SAVERS)
def test_gensim_reads_our_files(tmp_path, peers, save):
    matrix = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    names = [f"wört{row}" for row in range(50)]
    save(tmp_path / "v", WordVectors(names, matrix))
    theirs = peers.load_word2vec_format(str(tmp_path / "v"), binary=save is save_binary)
    assert (theirs.index_to_key, theirs.vectors.tobytes()) == (names, matrix.tobytes())


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("binary", [False, True])
def test_files_of_gensim_are_read(tmp_path, peers, binary, end):
    matrix = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    theirs = peers(7)
    theirs.add_vectors([f"wört{row}" for row in range(50)], matrix)
    theirs.save_word2vec_format(str(tmp_path / f"v{end}"), binary=binary)
    loaded = load(str(tmp_path / f"v{end}"))
    assert (loaded.words, loaded.matrix.tobytes()) == (theirs.index_to_key, matrix.tobytes())
