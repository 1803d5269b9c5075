"""Word vectors and answers in notebooks."""

import numpy as np
import pytest
from html_parts import Parts

from tfgraphs.vectors import Neighbour, Neighbours, WordVectors
from tfgraphs.vectors.search import Int8Matrix, quantize

WORDS = ["tea", "<script>", "milk", "$x$", "a&b", "water", "juice", "beer"]


@pytest.fixture
def vectors():
    return WordVectors(WORDS, np.random.default_rng(0).normal(size=(8, 9)).astype(np.float32))


def test_vectors_say_how_many_they_are(vectors):
    assert repr(vectors) == "<WordVectors: 8 words, 9 dimensions, float32>"


def test_the_table_has_the_first_numbers_of_the_first_words_and_says_that_there_are_more(vectors):
    parts = Parts(vectors._repr_html_())
    assert "8 words, 9 dimensions, float32" in parts.text
    numbers = [[word, *(f"{number:.3f}" for number in vectors.vector(word)[:6]), "…"] for word in WORDS[:6]]
    assert parts.rows == [["Word", "0", "1", "2", "3", "4", "5", "…"], *numbers, ["…"] * 8]


def test_a_small_matrix_is_shown_whole():
    parts = Parts(WordVectors(["tea", "milk"], np.array([[1, -2], [0.5, 0]], np.float32))._repr_html_())
    assert parts.rows == [["Word", "0", "1"], ["tea", "1.000", "-2.000"], ["milk", "0.500", "0.000"]]


def test_no_words_are_an_empty_table():
    assert Parts(WordVectors([], np.zeros((0, 2), np.float32))._repr_html_()).rows == [["Word", "0", "1"]]


def test_numbers_of_one_byte_are_shown_as_what_they_stand_for():
    vectors = WordVectors(["tea", "milk"], Int8Matrix(*quantize(np.array([[1, -2], [0.5, 0]], np.float32))))
    assert repr(vectors) == "<WordVectors: 2 words, 2 dimensions, int8>"
    assert Parts(vectors._repr_html_()).rows[1] == ["tea", "1.000", "-2.000"]


def test_words_run_nothing(vectors):
    for page in (vectors._repr_html_(), vectors.nearest(["tea"])._repr_html_()):
        assert "script" not in Parts(page).names


def test_an_answer_is_a_list(vectors):
    answer = vectors.nearest(["tea"], 2)
    assert answer == [Neighbour(one.word, one.cosine) for one in answer]
    assert isinstance(answer, list)


@pytest.mark.parametrize(("method", "head"), [("cosadd", "Cosine"), ("cosmul", "3CosMul")])
def test_an_answer_is_a_table(vectors, method, head):
    answer = vectors.query("tea + milk - water", 3, method)
    rows = [[one.word, f"{one.cosine:.4f}"] for one in answer]
    assert Parts(answer._repr_html_()).rows == [["Word", head], *rows]


@pytest.mark.parametrize("part", [slice(2), slice(1, None), slice(None, None, -1), slice(0)])
@pytest.mark.parametrize(("method", "head"), [("cosadd", "Cosine"), ("cosmul", "3CosMul")])
def test_a_slice_of_an_answer_is_a_table(vectors, method, head, part):
    answer = vectors.query("tea + milk - water", 3, method)
    assert answer[part] == list(answer)[part]
    rows = [[one.word, f"{one.cosine:.4f}"] for one in list(answer)[part]]
    assert Parts(answer[part]._repr_html_()).rows == [["Word", head], *rows]


def test_an_element_of_an_answer_is_a_neighbour(vectors):
    answer = vectors.nearest(["tea"], 2)
    assert [answer[0], answer[-1]] == list(answer)


def test_no_answer_is_an_empty_table():
    assert Parts(Neighbours()._repr_html_()).rows == [["Word", "Cosine"]]
