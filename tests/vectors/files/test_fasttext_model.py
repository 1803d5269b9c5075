"""Models of fastText: those of gensim, and files written by hand, whole and damaged."""

import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from fasttext_files import model_file, quantized
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.vectors.files.fasttext_model import FastTextModel, is_model
from tfgraphs.vectors.files.vector_file import VectorFile
from tfgraphs.vectors.loading import load_file
from tfgraphs.vectors.subwords import Subwords
from tfgraphs.vectors.word_vectors import FormatError

WORDS = ["</s>", "king", "Zürich", "北京", "😀", "a"]
UNKNOWN = ["kingdom", "Zürcher", "北京市", "😀😀", "ab", "", "x"]
MATRIX = np.random.default_rng(0).normal(size=(len(WORDS) + 50, 5)).astype(np.float32)


def read(path):
    model = FastTextModel(path)
    blocks = list(model.blocks())
    return model, list(itertools.chain(*(block.words for block in blocks))), np.concatenate([b.matrix for b in blocks])


def mean(word, own, ngrams, subwords):
    """The vector of a word by its definition."""
    rows, _ = subwords.rows([word.encode()])
    return np.mean([*own, *ngrams[rows]], axis=0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.bin"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("fasttext") / "model.bin"


@pytest.mark.parametrize(("minn", "maxn", "sg"), [(3, 6, 1), (1, 3, 0), (2, 2, 0)])
def test_vectors_are_those_of_gensim(path, minn, maxn, sg):
    gensim = pytest.importorskip(
        "gensim.models.fasttext", reason="gensim, which is compared with, is in the extra 'test'"
    )
    sentences = [["king", "queen", "Zürich", "北京", "上海", "😀smile", "naïve", "well-known"]] * 30
    peer = gensim.FastText(sentences, vector_size=6, min_n=minn, max_n=maxn, bucket=200, sg=sg, epochs=2, workers=1)
    gensim.save_facebook_model(peer, str(path))
    model, words, matrix = read(path)
    assert words == peer.wv.index_to_key
    np.testing.assert_allclose(matrix, peer.wv[words], rtol=1e-5, atol=1e-7)
    for word in UNKNOWN[:-2]:
        np.testing.assert_allclose(model.subwords.vector(word), peer.wv[word], rtol=1e-5, atol=1e-7)


def test_a_word_is_the_mean_of_its_row_and_its_n_grams(path):
    path.write_bytes(model_file(WORDS, MATRIX))
    model, words, matrix = read(path)
    assert (words, model.count, model.dimensions, is_model(path)) == (WORDS, 6, 5, True)
    np.testing.assert_array_equal(matrix[0], MATRIX[0])  # the end of a line has no n-grams
    for row, word in enumerate(WORDS):
        expected = mean(word, MATRIX[row : row + 1], MATRIX[6:], model.subwords)
        np.testing.assert_allclose(matrix[row], expected, rtol=1e-5, atol=1e-6)
    for word in UNKNOWN:
        expected = mean(word, [], MATRIX[6:], model.subwords)
        np.testing.assert_allclose(model.subwords.vector(word), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "vectors", "count"),
    [
        ("lee_fasttext.bin", "lee_fasttext.vec", 1762),  # of before 2017
        ("pang_lee_polarity_fasttext.bin", "pang_lee_polarity_fasttext.vec", 1694),  # a classifier
    ],
)
def test_vectors_are_those_that_fasttext_printed(model, vectors, count):
    gensim = pytest.importorskip("gensim", reason="gensim, which has these files, is in the extra 'test'")
    folder = Path(gensim.__file__).parent / "test" / "test_data"
    if not (folder / model).exists():
        pytest.skip("this gensim has no test data")
    _, words, matrix = read(folder / model)
    printed = load_file(folder / vectors)
    assert len(printed.words) == count
    shared = [row for row, word in enumerate(printed.words) if word != "</s>"]
    rows = [words.index(printed.words[row]) for row in shared]
    np.testing.assert_allclose(matrix[rows], printed.matrix[shared], rtol=1e-4, atol=1e-5)


def test_models_of_before_2017_are_read(path):
    content = model_file(WORDS, MATRIX)
    start, entries = 8 + 56, sum(len(word.encode()) + 10 for word in WORDS)
    head, rest = content[8 : start + 20], content[start + 28 :]
    path.write_bytes(head + rest[:entries] + rest[entries + 1 :])
    old = read(path)[2]
    path.write_bytes(content)
    np.testing.assert_array_equal(old, read(path)[2])


def test_labels_of_a_classifier_are_no_words(path):
    path.write_bytes(model_file(WORDS, MATRIX, labels=["__label__a"], model=3))
    assert read(path)[1] == WORDS


@pytest.mark.parametrize("settings", [{"maxn": 0}, {"maxn": 0, "bucket": 0}, {"version": 11, "model": 3}])
def test_a_model_without_n_grams_has_the_rows_of_words(path, settings):
    path.write_bytes(model_file(WORDS, MATRIX, **settings))
    model, _, matrix = read(path)
    assert model.subwords is None
    np.testing.assert_array_equal(matrix, MATRIX[:6])


@pytest.mark.parametrize(("width", "lengths"), [(1, False), (2, True), (3, False), (5, True), (7, False)])
def test_quantized_models_are_read(path, width, lengths):
    codes, numbers = quantized(56, 5, width, lengths)
    path.write_bytes(model_file(WORDS, MATRIX, codes=codes))
    model, _, matrix = read(path)
    np.testing.assert_allclose(matrix[1], mean("king", numbers[1:2], numbers[6:], model.subwords), rtol=1e-4, atol=1e-5)


def test_pruned_n_grams_do_not_count(path):
    codes, numbers = quantized(6 + 20, 5, 2, True)
    kept = np.random.default_rng(1).permutation(50)[:20].tolist()
    path.write_bytes(model_file(WORDS, MATRIX, codes=codes, kept=kept))
    subwords = FastTextModel(path).subwords
    order = np.argsort(kept)
    np.testing.assert_array_equal(subwords.kept, np.sort(kept))
    np.testing.assert_array_equal(subwords.matrix, numbers[6:][order])
    whole = Subwords(2, 4, 50, MATRIX[6:])
    hashes = [number for number in whole.rows([b"kingdom"])[0] if number in kept]
    expected = np.mean([numbers[6 + kept.index(number)] for number in hashes], axis=0)
    np.testing.assert_allclose(subwords.vector("kingdom"), expected, rtol=1e-4, atol=1e-5)


def test_vectors_that_are_not_finite_are_left_out(path):
    matrix = MATRIX.copy()
    matrix[1, 2] = np.nan
    path.write_bytes(model_file(WORDS, matrix, maxn=0))
    (block,) = FastTextModel(path).blocks()
    assert (block.words, block.skipped) == ([word for word in WORDS if word != "king"], 1)


def test_reading_can_go_on(path):
    path.write_bytes(model_file(WORDS, MATRIX))
    model, words, matrix = read(path)
    (block,) = model.blocks(position=2, read=2, limit=5)
    assert (block.words, block.position, block.read) == (words[2:5], 5, 5)
    np.testing.assert_array_equal(block.matrix, matrix[2:5])


def test_vectors_stay_in_the_file(path):
    path.write_bytes(model_file(["a"], np.zeros((300_000, 10), np.float32), bucket=299_999))
    tracemalloc.start()
    try:
        list(FastTextModel(path).blocks())
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_long_words_and_n_grams_take_little_memory(path):
    words = [f"{row}{'x' * 9_000}" for row in range(20)]
    matrix = np.random.default_rng(0).normal(size=(20 + 50, 100)).astype(np.float32)
    path.write_bytes(model_file(words, matrix, minn=1, maxn=16))
    model = FastTextModel(path)
    tracemalloc.start()
    try:
        blocks = list(model.blocks(limit=5))
        assert tracemalloc.get_traced_memory()[1] < 110_000_000
    finally:
        tracemalloc.stop()
    assert [len(block.words) for block in blocks] == [3, 2]
    expected = mean(words[0], matrix[:1].astype(float), matrix[20:].astype(float), model.subwords)
    np.testing.assert_allclose(blocks[0].matrix[0], expected, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (model_file(WORDS, MATRIX)[:40], "it ends at byte 40, too early"),
        (model_file(WORDS, MATRIX)[:-9], "too early"),
        (model_file(WORDS, MATRIX, version=13), "was written by a newer fastText: version 13"),
        (model_file([], MATRIX), "its numbers of words are wrong"),
        (model_file(["king", ""], MATRIX), "word 2 is empty or a label"),
        (model_file(WORDS, MATRIX, dim=6), "its matrix has another width"),
        (model_file(WORDS, MATRIX[:9]), "it has 3 n-grams"),
        (model_file(WORDS, MATRIX, bucket=0), "its numbers of n-grams are wrong"),
        (model_file(WORDS, MATRIX, maxn=65), "its numbers of n-grams are wrong"),
        (model_file(["x" * 10_001], MATRIX), "entry 1 has no end"),
        (model_file(WORDS, MATRIX, kept=[3, 4]), "its matrix has 56 rows"),
        (model_file(WORDS, MATRIX, codes=quantized(26, 5, 2, True)[0], kept=[3, 3]), "its list of n-grams is wrong"),
    ],
)
def test_a_damaged_model_is_refused(path, content, problem):
    path.write_bytes(content)
    with pytest.raises(FormatError, match=problem) as caught:
        read(path)
    assert str(path) in str(caught.value)


CONTENTS = [
    model_file(WORDS, MATRIX),
    model_file(WORDS, MATRIX, codes=quantized(26, 5, 2, True)[0], kept=list(range(20)), labels=["b"]),
]


@given(data=st.data(), content=st.sampled_from(CONTENTS))
def test_any_damage_is_harmless(scratch, data, content):
    place = data.draw(st.integers(4, min(len(content) - 1, 300)))
    wrong = data.draw(st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([b"\xff" * 8, b"\xff\xff\xff\x7f"])))
    scratch.write_bytes(content[:place] + wrong + content[place + len(wrong) * data.draw(st.booleans()) :])
    text = ""
    tracemalloc.start()
    try:
        model, words, matrix = read(scratch)
        assert len(words) == len(matrix)
        assert model.subwords is None or model.subwords.vector("kingdom") is None or matrix.shape[1] == model.dimensions
    except FormatError as error:
        text = str(error)
    finally:
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert taken < 80_000_000
    assert "\n" not in text


def test_a_folder_or_another_file_is_no_model(path, tmp_path):
    path.write_text("a 1 2\n")
    assert not any(map(is_model, [path, tmp_path, tmp_path / "missing"]))
    assert VectorFile(path).dimensions == 2
