import re
from pathlib import Path

import numpy as np
import pytest

from tfgraphs.expression import ExpressionError
from tfgraphs.vectors.word_vectors import WordError, WordVectors

WORDS = [f"word{number:02}" for number in range(60)]


def random_matrix(dimensions: int = 8) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(WORDS), dimensions)).astype(np.float32)


def brute_force(vectors: WordVectors, weights: dict[str, float], count: int | None = None) -> list[tuple[str, float]]:
    """The best other words by the definition of 3CosAdd in float64."""
    matrix = np.asarray(vectors.matrix, np.float64)
    units = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    rows = {word: row for row, word in enumerate(vectors.words)}
    target = sum(weight * units[rows[word]] for word, weight in weights.items())
    cosines = units @ target / np.linalg.norm(target)
    cosines[[rows[word] for word in weights]] = -np.inf
    best = np.argsort(-cosines)[: len(rows) - len(weights)][:count]
    return [(vectors.words[row], cosines[row]) for row in best]


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    return WordVectors(WORDS, random_matrix())


@pytest.fixture(scope="module")
def spelt() -> WordVectors:
    words = ["einstein", "New_York", "USA", "Shanghai", "well-known", "iPhone"]
    return WordVectors(words, np.eye(len(words), dtype=np.float32))


@pytest.mark.parametrize(
    ("expression", "weights"),
    [
        ("word00", {"word00": 1}),
        ("word01 - word02 + word03", {"word01": 1, "word02": -1, "word03": 1}),
        ("0.5*word04 - 3*(word05 - word06)", {"word04": 0.5, "word05": -3, "word06": 3}),
        ("-word07", {"word07": -1}),
        ("word08 + word08 + word09", {"word08": 2, "word09": 1}),
    ],
)
def test_query_agrees_with_brute_force(vectors, expression, weights):
    found = vectors.query(expression, len(WORDS))
    assert [(neighbour.word, neighbour.cosine) for neighbour in found] == [
        (word, pytest.approx(cosine, abs=1e-5)) for word, cosine in brute_force(vectors, weights)
    ]


def test_nearest_agrees_with_brute_force(vectors):
    found = vectors.nearest(["word10", "word11"], 7)
    assert [(neighbour.word, neighbour.cosine) for neighbour in found] == [
        (word, pytest.approx(cosine, abs=1e-5)) for word, cosine in brute_force(vectors, {"word10": 1, "word11": 1})[:7]
    ]


def test_memory_map_gives_the_same_neighbours(vectors, tmp_path):
    np.save(tmp_path / "matrix.npy", vectors.matrix)
    mapped = WordVectors(WORDS, np.load(tmp_path / "matrix.npy", mmap_mode="r"))
    assert mapped.query("word00 - word01") == vectors.query("word00 - word01")


@pytest.mark.parametrize("expression", ["word00", "word00 - word01", "word00 + word00 - word01", "0*word00 + word01"])
def test_words_of_the_question_are_left_out(vectors, expression):
    asked = set(re.findall(r"word\d\d", expression))
    assert {neighbour.word for neighbour in vectors.query(expression, len(WORDS))} == set(WORDS) - asked


def test_the_opposite_comes_before_a_word_of_the_question():
    vectors = WordVectors(["north", "south"], np.float32([[0, 1], [0, -1]]))
    assert [neighbour.word for neighbour in vectors.query("north", 1)] == ["south"]


def test_words_of_the_question_in_another_spelling_are_left_out(spelt):
    assert {"New_York", "USA"}.isdisjoint(neighbour.word for neighbour in spelt.nearest(["new york", "usa"]))


@pytest.mark.parametrize(("count", "found"), [(0, 0), (1, 1), (58, 58), (59, 59), (60, 59), (10**9, 59)])
def test_count_is_limited_by_the_vocabulary(vectors, count, found):
    assert len(vectors.query("word00", count)) == found


def test_ties_go_to_the_more_frequent_word():
    vectors = WordVectors(list("abcde"), np.float32([[1, 0], [0, 1], [1, 1], [4, 4], [2, 2]]))
    assert [neighbour.word for neighbour in vectors.query("a + b")] == ["c", "d", "e"]


def test_similarity_is_the_cosine(vectors):
    left, right = np.array(vectors.matrix[:2], np.float64)
    cosine = left @ right / np.linalg.norm(left) / np.linalg.norm(right)
    assert vectors.similarity("word00", "word01") == pytest.approx(cosine, abs=1e-6)


def test_similarity_is_symmetric(vectors):
    forth = [[vectors.similarity(word, other) for other in WORDS[:10]] for word in WORDS[:10]]
    np.testing.assert_array_equal(forth, np.transpose(forth))


def test_vector_is_the_row_as_float32(vectors):
    vector = vectors.vector("word05")
    assert vector.dtype == np.float32
    np.testing.assert_array_equal(vector, vectors.matrix[5])


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("einstein", "einstein"),
        ("Einstein", "einstein"),
        ("EINSTEIN", "einstein"),
        ("New_York", "New_York"),
        ("New York", "New_York"),
        ("new york", "New_York"),
        ("new_york", "New_York"),
        ("usa", "USA"),
        ("shanghai", "Shanghai"),
        ("iphone", "iPhone"),
    ],
)
def test_other_case_and_underscores_are_found(spelt, asked, known):
    assert spelt.spelling(asked) == known


def test_exact_spelling_is_preferred():
    vectors = WordVectors(["apple", "Apple", "APPLE"], np.eye(3, dtype=np.float32))
    assert [vectors.spelling(word) for word in vectors.words] == vectors.words


@pytest.mark.parametrize(
    ("asked", "offered"),
    [("einstien", "einstein"), ("Einsten", "einstein"), ("well-konwn", "well-known"), ("iphnoe", "iPhone")],
)
def test_unknown_word_offers_close_spellings(spelt, asked, offered):
    with pytest.raises(WordError, match=f"{asked!r} is not among the 6 words; did you mean .*{offered}"):
        spelt.spelling(asked)


@pytest.mark.parametrize("asked", ["xylophone", "", "x" * 10_000])
def test_an_unknown_word_unlike_all_others_gets_no_advice(spelt, asked):
    with pytest.raises(WordError, match="no word is similar"):
        spelt.spelling(asked)


@pytest.mark.parametrize(
    "ask",
    [
        lambda vectors: vectors.vector("nowhere"),
        lambda vectors: vectors.similarity("word00", "nowhere"),
        lambda vectors: vectors.similarity("nowhere", "word00"),
        lambda vectors: vectors.nearest(["word00", "nowhere"]),
        lambda vectors: vectors.query("word00 - nowhere"),
    ],
    ids=["vector", "similarity to", "similarity of", "nearest", "query"],
)
def test_unknown_word_is_an_error_everywhere(vectors, ask):
    with pytest.raises(WordError, match="'nowhere'"):
        ask(vectors)


def test_query_that_is_no_expression_is_an_error(vectors):
    with pytest.raises(ExpressionError, match="a word is missing at the end"):
        vectors.query("word00 -")


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("b - b", "the words cancel each other out"),
        ("0*b", "the words cancel each other out"),
        ("2*b - 2*b", "the words cancel each other out"),
        ("zero", "'zero' has no direction: all numbers of its vector are 0"),
        ("zero + zero", "'zero' has no direction"),
        ("b - b + zero", "'zero' has no direction"),
    ],
)
def test_a_sum_without_direction_is_refused(expression, problem):
    vectors = WordVectors(["zero", "b", "c"], np.float32([[0, 0], [1, 2], [-2, 1]]))
    with pytest.raises(ExpressionError, match=problem):
        vectors.query(expression)


@pytest.mark.parametrize(
    "question", [lambda vectors: vectors.similarity("b", "zero"), lambda vectors: vectors.odd(["b", "zero", "c"])]
)
def test_a_comparison_with_a_word_without_direction_is_refused(question):
    vectors = WordVectors(["zero", "b", "c"], np.float32([[0, 0], [1, 2], [-2, 1]]))
    with pytest.raises(ExpressionError, match="'zero' has no direction: all numbers of its vector are 0"):
        question(vectors)


@pytest.mark.parametrize("scale", [1e-37, 1e-30, 1e-10, 1e19, 1e30, 1e38])
def test_vectors_of_any_length_have_directions(scale):
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    scaled, plain = WordVectors(list("abcde"), rows * np.float32(scale)), WordVectors(list("abcde"), rows)
    for method in ("cosadd", "cosmul"):
        expected = [(near.word, pytest.approx(near.cosine, abs=1e-5)) for near in plain.query("a + b", method=method)]
        assert [(near.word, near.cosine) for near in scaled.query("a + b", method=method)] == expected


@pytest.mark.parametrize("factor", ["0." + "0" * 50 + "1", "1" + "0" * 60])
def test_the_size_of_a_factor_does_not_matter(factor):
    vectors = WordVectors(["a", "b", "c"], np.float32([[1, 0], [1, 2], [-2, 1]]))
    assert vectors.query(f"{factor}*a + {factor}*b") == vectors.query("a + b")


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_a_matrix_of_another_type_gives_the_same_answers(dtype):
    matrix = np.array([[1, 0], [1, 2], [-2, 1]])
    narrow, wide = (WordVectors(["a", "b", "c"], matrix.astype(kind)).query("a") for kind in (np.float32, dtype))
    assert [neighbour.word for neighbour in narrow] == [neighbour.word for neighbour in wide]
    np.testing.assert_allclose([n.cosine for n in narrow], [n.cosine for n in wide], atol=1e-3)


def test_advice_includes_words_in_capitals():
    with pytest.raises(WordError, match="did you mean LONDON"):
        WordVectors(["LONDON", "b"], np.eye(2, dtype=np.float32)).vector("LONDN")


def test_zero_vector_is_similar_to_nothing():
    vectors = WordVectors(["zero", "b"], np.float32([[0, 0], [1, 2]]))
    assert [(neighbour.word, neighbour.cosine) for neighbour in vectors.query("b")] == [("zero", 0.0)]


@pytest.mark.parametrize(("count", "shape"), [(2, (3, 4)), (3, (2, 4)), (3, (3,)), (3, (3, 4, 1)), (0, (1, 4))])
def test_words_that_do_not_fit_the_matrix_are_refused(count, shape):
    with pytest.raises(ValueError, match=re.escape(f"{count} words do not fit a matrix of shape {shape}")):
        WordVectors(WORDS[:count], np.zeros(shape, np.float32))


def test_king_without_man_with_woman_is_queen(glove):
    assert glove.query("king - man + woman", 1)[0].word == "queen"


def test_glove_finds_names_in_lower_case(glove):
    assert glove.spelling("Einstein") == "einstein"


@pytest.mark.parametrize(
    ("expression", "weights"),
    [
        ("king - man + woman", {"king": 1, "man": -1, "woman": 1}),
        ("0.5*red + blue", {"red": 0.5, "blue": 1}),
    ],
)
def test_glove_cosines_agree_with_brute_force(glove, expression, weights):
    found = glove.query(expression, 1000)
    expected = brute_force(glove, weights, 1000)
    np.testing.assert_allclose(
        [neighbour.cosine for neighbour in found], [cosine for _, cosine in expected], rtol=0, atol=1e-5
    )


def test_glove_stays_on_disk(glove):
    assert isinstance(glove.matrix, np.memmap)
    assert Path(glove.matrix.filename).is_file()
