"""Folders of word vectors that open at once: their answers, how they come to be, and what becomes of damaged ones."""

import contextlib
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from fasttext_files import model_file, quantized

from tfgraphs.files.outputs import OutputError
from tfgraphs.vectors.files.writers import save_binary, save_text
from tfgraphs.vectors.loading import convert, load
from tfgraphs.vectors.word_vectors import FormatError, WordError, WordVectors

RANDOM = np.random.default_rng(0)
WORDS = [f"word{row}" for row in range(300)] + ["Zürich", "New_York", "北京", "a\u00a0b", "a\tb"]
VECTORS = WordVectors(WORDS, RANDOM.normal(size=(len(WORDS), 20)).astype(np.float32))
QUESTION = "word0 - word1 + Zürich"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "vectors.bin"
    save_binary(path, VECTORS)
    return str(path)


@pytest.mark.parametrize(("dtype", "error"), [("float32", 0), ("float16", 2e-3), ("int8", 2e-4)])
def test_a_converted_folder_contains_the_vectors(tmp_path, source, dtype, error):
    assert convert(source, str(tmp_path / "out"), dtype) == (len(WORDS), 20)
    opened = load(str(tmp_path / "out"))
    assert list(opened.words) == WORDS
    np.testing.assert_allclose(opened.matrix[:], VECTORS.matrix, atol=error)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_a_converted_folder_gives_the_same_answers(tmp_path, source, dtype):
    if dtype != "float32":
        pytest.importorskip("simsimd", reason="simsimd, which multiplies small numbers, is in the extra 'compact'")
    convert(source, str(tmp_path / "out"), dtype)
    found, expected = (vectors.query(QUESTION, 20) for vectors in (load(str(tmp_path / "out")), VECTORS))
    assert [neighbour.word for neighbour in found] == [neighbour.word for neighbour in expected]
    np.testing.assert_allclose([n.cosine for n in found], [n.cosine for n in expected], atol=1e-3)


@pytest.mark.parametrize("save", [save_text, save_binary])
def test_a_folder_becomes_a_file_again_bit_for_bit(tmp_path, source, save):
    suffix = ".txt" if save is save_text else ".bin"
    convert(source, str(tmp_path / "folder"))
    convert(str(tmp_path / "folder"), str(tmp_path / f"again{suffix}"))
    save(tmp_path / "expected", VECTORS)
    assert (tmp_path / f"again{suffix}").read_bytes() == (tmp_path / "expected").read_bytes()


@pytest.mark.parametrize("limit", [1, 7, 305, 10_000])
def test_a_limit_takes_the_first_words(tmp_path, source, limit):
    convert(source, str(tmp_path / "out"), limit=limit)
    assert list(load(str(tmp_path / "out")).words) == WORDS[:limit]
    assert list(load(str(tmp_path / "out"), 5).words) == WORDS[: min(5, limit)]


class Interruption(Exception):
    pass


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("after", [1, 2, 5])
def test_an_interrupted_conversion_goes_on_to_the_same_bytes(tmp_path, monkeypatch, source, dtype, after):
    monkeypatch.setattr("tfgraphs.vectors.files.vector_file._PIECE", 4000)
    convert(source, str(tmp_path / "whole"), dtype)
    reports = []

    def interrupt(stage, done):
        reports.append(done)
        if len(reports) == after:
            raise Interruption

    with pytest.raises(Interruption):
        convert(source, str(tmp_path / "out"), dtype, report=interrupt)
    assert not (tmp_path / "out").exists()
    with (tmp_path / ".out.part" / "matrix.npy").open("ab") as file:
        file.write(b"what was written after the last note of it")
    again = []
    convert(source, str(tmp_path / "out"), dtype, report=lambda stage, done: again.append(done))
    assert again[0] > reports[-1]
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["matrix.npy", "norms.npy", "words.txt"])
def test_a_conversion_does_not_go_on_from_files_that_a_power_failure_cut_short(tmp_path, monkeypatch, source, name):
    monkeypatch.setattr("tfgraphs.vectors.files.vector_file._PIECE", 4000)
    convert(source, str(tmp_path / "whole"))
    with pytest.raises(Interruption):
        convert(source, str(tmp_path / "out"), report=lambda *_: (_ for _ in ()).throw(Interruption))
    os.truncate(tmp_path / ".out.part" / name, (tmp_path / ".out.part" / name).stat().st_size - 1)
    convert(source, str(tmp_path / "out"))
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_another_conversion_discards_an_interrupted_one(tmp_path, source):
    with pytest.raises(Interruption):
        convert(source, str(tmp_path / "out"), "int8", report=lambda *_: (_ for _ in ()).throw(Interruption))
    convert(source, str(tmp_path / "out"), "float32")
    np.testing.assert_array_equal(load(str(tmp_path / "out")).matrix, VECTORS.matrix)
    assert not (tmp_path / "out" / "fine.npy").exists()


def test_a_damaged_source_leaves_nothing(tmp_path, source):
    (tmp_path / "cut.bin").write_bytes(Path(source).read_bytes()[:5000])
    with pytest.raises(FormatError, match="cut off"):
        convert(str(tmp_path / "cut.bin"), str(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["cut.bin"]


def test_another_folder_is_not_replaced(tmp_path, source):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="not an earlier result"):
        convert(source, str(tmp_path / "out"))
    assert (tmp_path / "out" / "letter.txt").read_text() == "dear"


@pytest.fixture
def folder(tmp_path, source):
    convert(source, str(tmp_path / "out"))
    return tmp_path / "out"


@pytest.mark.parametrize("name", ["words.txt", "word_ends.npy", "word_order.npy", "norms.npy", "matrix.npy"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "longer"])
def test_a_damaged_folder_is_refused_in_one_line(folder, name, damage):
    path = folder / name
    if damage == "missing":
        path.unlink()
    elif damage == "longer" and name == "words.txt":
        path.write_bytes(path.read_bytes() + b"more\n")
    elif damage == "longer":
        np.save(path, np.zeros(1000, np.load(path).dtype))
    else:
        path.write_bytes(path.read_bytes()[: 0 if damage == "empty" else path.stat().st_size // 2])
    with pytest.raises(FormatError) as caught:
        load(str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "about",
    [
        "",
        "[]",
        "{}",
        '{"version": 1}',
        '{"version": 99, "rows": 305, "dimensions": 20, "dtype": "float32"}',
        '{"version": 1, "rows": 1000000000000, "dimensions": 20, "dtype": "float32"}',
        '{"version": 1, "rows": 305, "dimensions": 20, "dtype": "object"}',
        '{"version": 1, "rows": 305, "dimensions": 20, "dtype": "int8"}',
        '{"version": 1, "rows": -1, "dimensions": 20, "dtype": "float32"}',
    ],
)
def test_a_wrong_description_is_refused(folder, about):
    (folder / "vectors.json").write_text(about)
    with pytest.raises(FormatError):
        load(str(folder))


HEADER = b"\x93NUMPY\x01\x00\xf6\x01"


@pytest.mark.parametrize("header", [b"(" * 502, b"{'descr': " + b"9" * 480 + b"}", b"\xff" * 502, b"{" * 502])
def test_a_hostile_header_is_refused_in_one_line(folder, header):
    (folder / "norms.npy").write_bytes(HEADER + header)
    with pytest.raises(FormatError, match=r"\A[^\n]* is damaged [^\n]*: convert the vectors again\Z"):
        load(str(folder))


def test_a_nested_description_is_refused(folder):
    (folder / "vectors.json").write_text("[" * 100_000)
    with pytest.raises(FormatError, match="damaged"):
        load(str(folder))


def test_words_that_are_not_utf8_are_replaced(folder):
    path = folder / "words.txt"
    path.write_bytes(b"\xff" + path.read_bytes()[1:])
    opened = load(str(folder))
    assert [opened.words[0], *list(opened.words)[:1]] == ["\ufffdord0"] * 2


def test_a_source_is_not_its_own_target(tmp_path):
    save_binary(tmp_path / "vectors.bin", VECTORS)
    content = (tmp_path / "vectors.bin").read_bytes()
    with pytest.raises(OutputError, match="is the source itself"):
        convert(str(tmp_path / "vectors.bin"), str(tmp_path / "." / "vectors.bin"))
    assert (tmp_path / "vectors.bin").read_bytes() == content


def test_a_pickle_is_not_run(folder):
    np.save(folder / "norms.npy", np.array([{"a": 1}] * len(WORDS), object), allow_pickle=True)
    with pytest.raises(FormatError, match="damaged"):
        load(str(folder))


@pytest.mark.parametrize("places", [[-1], [999]])
def test_an_index_that_points_outside_is_refused(folder, places):
    order = np.load(folder / "word_order.npy")
    order[: len(places)] = places
    np.save(folder / "word_order.npy", order)
    with pytest.raises(FormatError, match="index"):
        load(str(folder))


def test_nothing_is_read_before_it_is_asked_for(folder):
    opened = load(str(folder))
    assert isinstance(opened.matrix, np.memmap)
    assert json.loads((folder / "vectors.json").read_text())["rows"] == len(WORDS)
    assert os.path.getsize(folder / "matrix.npy") == 128 + 4 * opened.matrix.size


@pytest.mark.parametrize("name", ["v.bin", "hard", "soft", "../out/v.bin"])
def test_a_source_is_not_replaced(tmp_path, source, name):
    folder = tmp_path / "out"
    folder.mkdir()
    original = folder / "v.bin"
    original.write_bytes(Path(source).read_bytes())
    os.link(original, folder / "hard")
    (folder / "soft").symlink_to(original)
    with pytest.raises(OutputError, match="is the source itself: name another target"):
        convert(str(original), str(folder / name))
    assert original.read_bytes() == Path(source).read_bytes()


def test_the_file_in_a_folder_is_not_replaced_by_itself(tmp_path, source):
    (tmp_path / "vectors.bin").write_bytes(Path(source).read_bytes())
    with pytest.raises(OutputError, match="is the source itself"):
        convert(str(tmp_path), str(tmp_path / "vectors.bin"))


def test_packed_files_have_the_same_bytes_at_any_time(tmp_path, source):
    for name in ("a.txt.gz", "b.txt.gz"):
        convert(source, str(tmp_path / name))
    assert (tmp_path / "a.txt.gz").read_bytes() == (tmp_path / "b.txt.gz").read_bytes()
    save_text(tmp_path / "plain.txt", VECTORS)
    assert gzip.decompress((tmp_path / "a.txt.gz").read_bytes()) == (tmp_path / "plain.txt").read_bytes()


def test_words_without_finite_vectors_are_left_out_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("tfgraphs.vectors.files.vector_file._PIECE", 40)
    (tmp_path / "v.txt").write_text("".join(f"w{row} {'nan' if row % 3 else row} 1\n" for row in range(60)))
    reports = []

    def interrupt(stage, done):
        reports.append(done)
        if len(reports) == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^interrupted; the same conversion goes on from .*out.*part"):
        convert(str(tmp_path / "v.txt"), str(tmp_path / "out"), report=interrupt)
    with pytest.warns(UserWarning, match=r"v.txt: words that are left out because their vectors are not finite: 40$"):
        assert convert(str(tmp_path / "v.txt"), str(tmp_path / "out")) == (20, 2)
    assert list(load(str(tmp_path / "out")).words) == [f"w{row}" for row in range(0, 60, 3)]


def test_a_space_may_be_a_word(tmp_path):
    (tmp_path / "v.txt").write_text("a 1 2\n  3 4\nb 5 6\n")
    convert(str(tmp_path / "v.txt"), str(tmp_path / "out"))
    assert load(str(tmp_path / "out")).vector(" ").tolist() == [3, 4]


@pytest.mark.parametrize("header", [b"{'descr': " + b"(" * 90, b"__import__('os')", b"\xff" * 100, b"{" * 100])
def test_a_header_that_is_none_is_refused_in_one_line(folder, header):
    content = bytearray((folder / "norms.npy").read_bytes())
    content[10 : 10 + len(header)] = header
    (folder / "norms.npy").write_bytes(content)
    with pytest.raises(FormatError, match=r"^[^\n]* is damaged [^\n]*$"):
        load(str(folder))


def test_words_that_are_not_utf8_harm_nothing(folder):
    content = bytearray((folder / "words.txt").read_bytes())
    content[2:4] = b"\xff\xc3"
    (folder / "words.txt").write_bytes(content)
    vectors = load(str(folder))
    assert vectors.words[0] == "wo\ufffd\ufffd0"
    for word in WORDS:  # of which some are no longer found
        with contextlib.suppress(WordError):
            assert len(vectors.nearest([word], 304)) == 304


FASTTEXT = np.random.default_rng(5).normal(size=(4 + 50, 6)).astype(np.float32)


@pytest.mark.parametrize(("dtype", "error"), [("float32", 0), ("float16", 2e-3), ("int8", 2e-3)])
@pytest.mark.parametrize("pruned", [False, True])
def test_a_folder_keeps_n_grams(tmp_path, dtype, error, pruned):
    codes = quantized(4 + 20, 6, 2, False)[0] if pruned else None
    content = model_file(
        ["king", "queen", "Zürich", "北京"], FASTTEXT, codes=codes, kept=range(5, 45, 2) if pruned else None
    )
    (tmp_path / "model.bin").write_bytes(content)
    convert(str(tmp_path / "model.bin"), str(tmp_path / "out"), dtype)
    convert(str(tmp_path / "out"), str(tmp_path / "again"), dtype)
    model = load(str(tmp_path / "model.bin"))
    for opened in (load(str(tmp_path / "out")), load(str(tmp_path / "again"), limit=2)):
        for word in ("king", "kingdom", "北京市", "Zürcher"):
            np.testing.assert_allclose(opened.vector(word), model.vector(word), atol=error)


def test_a_word_of_n_grams_is_a_word_in_every_question(tmp_path):
    (tmp_path / "model.bin").write_bytes(model_file(["king", "queen", "man", "Berlin"], FASTTEXT))
    vectors = load(str(tmp_path / "model.bin"))
    unit = vectors.vector("kingdom") / np.linalg.norm(vectors.vector("kingdom"))
    assert vectors.similarity("kingdom", "queen") == pytest.approx(float(unit @ vectors.units([1])[0]), abs=1e-6)
    expected = vectors.units(slice(None)) @ unit
    found = {near.word: near.cosine for near in vectors.nearest(["kingdom"])}
    assert found == {
        word: pytest.approx(float(cosine), abs=1e-6) for word, cosine in zip(vectors.words, expected, strict=True)
    }
    assert "king" not in [near.word for near in vectors.query("kingdom - king", method="cosmul")]
    assert vectors.odd(["king", "kingdom", "xyz"]) in ("king", "kingdom", "xyz")
    assert (vectors.spelling("berlin"), vectors.spelling("kingdom")) == ("Berlin", "kingdom")
    assert not vectors.knows("kingdom")
    with pytest.raises(WordError, match="'</s>' is not among"):
        vectors.vector("</s>")


@pytest.mark.parametrize(
    "about",
    [
        {"minn": "2"}, {"maxn": 65}, {"maxn": 1}, {"maxn": None}, {"buckets": 51}, {"buckets": 0}, {"buckets": 2**40},
        {"rows": 49}, {"rows": -1},
    ],
)  # fmt: skip
def test_wrong_n_grams_of_a_folder_are_refused_in_one_line(tmp_path, about):
    (tmp_path / "model.bin").write_bytes(model_file(["king", "queen", "man", "Berlin"], FASTTEXT))
    convert(str(tmp_path / "model.bin"), str(tmp_path / "out"))
    description = json.loads((tmp_path / "out" / "vectors.json").read_text())
    description["subwords"] |= about
    (tmp_path / "out" / "vectors.json").write_text(json.dumps(description))
    with pytest.raises(FormatError, match=r"^[^\n]* is damaged[^\n]*$"):
        load(str(tmp_path / "out"))
