"""Answers of real vectors, the most frequent 100,000 words of GloVe, compared with gensim's."""

import numpy as np
import pytest

from tfgraphs.vectors import load
from tfgraphs.vectors.loading import convert

QUESTIONS = [
    (["king"], []),
    (["einstein"], []),
    (["italian", "noodle"], []),
    (["chinese", "wasabi"], []),
    (["king", "woman"], ["man"]),
    (["shanghai", "japan"], ["china"]),
    (["man", "love"], ["girl"]),
    (["paris", "berlin"], ["france"]),
]


@pytest.fixture(scope="module")
def peer(frequent):
    models = pytest.importorskip("gensim.models", reason="gensim, which is compared with, is in the extra 'test'")
    vectors = models.KeyedVectors(frequent.matrix.shape[1])
    vectors.add_vectors(list(frequent.words), np.array(frequent.matrix))
    return vectors


@pytest.fixture(scope="module", params=["glove", "float32", "float16", "int8"])
def ours(request, frequent, tmp_path_factory):
    """The vectors as they are packaged, and converted to each kind of folder; and by how much cosines may differ."""
    if request.param == "glove":
        return frequent, 1e-5
    if request.param != "float32":
        pytest.importorskip("simsimd", reason="simsimd, which multiplies small numbers, is in the extra 'compact'")
    folder = tmp_path_factory.mktemp(request.param) / "vectors"
    convert("glove", str(folder), request.param, limit=len(frequent.words))
    return load(str(folder)), {"float32": 1e-5, "float16": 2e-4, "int8": 1e-4}[request.param]


def sum_of(positive, negative):
    return " ".join([*(f"+ {word}" for word in positive), *(f"- {word}" for word in negative)]).removeprefix("+ ")


@pytest.mark.parametrize(("positive", "negative"), QUESTIONS)
def test_neighbours_and_cosines_are_gensims(ours, peer, positive, negative):
    vectors, tolerance = ours
    theirs = peer.most_similar(positive=positive, negative=negative, topn=10)
    found = vectors.query(sum_of(positive, negative), 10)
    assert [neighbour.word for neighbour in found] == [word for word, _ in theirs]
    np.testing.assert_allclose([one.cosine for one in found], [cosine for _, cosine in theirs], atol=tolerance)


@pytest.mark.parametrize(("positive", "negative"), [question for question in QUESTIONS if question[1]])
def test_products_of_cosines_are_gensims(frequent, peer, positive, negative):
    theirs = peer.most_similar_cosmul(positive=positive, negative=negative, topn=10)
    found = frequent.query(sum_of(positive, negative), 10, method="cosmul")
    assert [neighbour.word for neighbour in found] == [word for word, _ in theirs]
    np.testing.assert_allclose([one.cosine for one in found], [score for _, score in theirs], atol=1e-5)


@pytest.mark.parametrize("pair", [("coffee", "tea"), ("king", "queen"), ("noodle", "senate")])
def test_similarities_are_gensims(frequent, peer, pair):
    assert frequent.similarity(*pair) == pytest.approx(float(peer.similarity(*pair)), abs=1e-5)


@pytest.mark.parametrize("words", [["breakfast", "lunch", "king", "dinner"], ["cat", "dog", "horse", "senate"]])
def test_the_odd_word_is_gensims(frequent, peer, words):
    assert frequent.odd(words) == peer.doesnt_match(words)


def test_batched_analogies_are_those_one_by_one(frequent):
    from tfgraphs.expression import parse

    questions = [parse(sum_of(*question)) for question in QUESTIONS]
    together = frequent.combine(questions, 10)
    alone = [frequent.combine([terms], 10)[0] for terms in questions]
    assert [[one.word for one in answer] for answer in together] == [[one.word for one in answer] for answer in alone]
