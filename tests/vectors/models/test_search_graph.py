"""The search in TensorFlow against its definition in float64."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.vectors.models.search_graph import cosines, lengths, nearest_rows, units

ROWS, DIMENSIONS = 40, 6
MATRIX = np.random.default_rng(0).normal(size=(ROWS, DIMENSIONS)).astype(np.float32)
QUERIES = np.random.default_rng(1).normal(size=(3, DIMENSIONS)).astype(np.float32)
NOTHING = np.full((1, 0), -1)


def search(queries, matrix, excluded, k):
    rows, found = nearest_rows(queries, matrix, lengths(matrix), excluded, k)
    return rows.numpy().tolist(), found.numpy()


def definition(queries, matrix):
    """Cosines in float64 [queries, rows], of vectors that are not nothing."""
    queries, matrix = (np.asarray(vectors, np.float64) for vectors in (queries, matrix))
    return (
        (queries @ matrix.T)
        / np.linalg.norm(queries, axis=1, keepdims=True)
        / np.linalg.norm(matrix, axis=1, keepdims=True).T
    )


def test_cosines_agree_with_the_definition():
    np.testing.assert_allclose(
        cosines(tf.constant(QUERIES), tf.constant(MATRIX), lengths(MATRIX)), definition(QUERIES, MATRIX), atol=1e-6
    )


@pytest.mark.parametrize("k", [1, 7, ROWS])
def test_rows_are_the_best_ones_best_first(k):
    expected = np.argsort(-definition(QUERIES, MATRIX), axis=1)[:, :k]
    rows, found = search(QUERIES, MATRIX, NOTHING, k)
    assert rows == expected.tolist()
    np.testing.assert_allclose(found, np.take_along_axis(definition(QUERIES, MATRIX), expected, 1), atol=1e-6)


def test_results_have_the_promised_types():
    rows, found = nearest_rows(QUERIES, MATRIX, lengths(MATRIX), NOTHING, 2)
    assert (rows.dtype, found.dtype) == (tf.int32, tf.float32)


@pytest.mark.parametrize("length", [1e-3, 1.0, 1e3])
def test_the_length_of_a_query_does_not_matter(length):
    np.testing.assert_allclose(
        search(length * QUERIES, MATRIX, NOTHING, 5)[1], search(QUERIES, MATRIX, NOTHING, 5)[1], atol=1e-6
    )


@pytest.mark.parametrize(
    "excluded",
    [[[3], [7], [11]], [[3, 3, -1], [-1, -1, -1], [39, 0, 5]], [[4, 5]]],
    ids=["one each", "some of them none", "the same for all"],
)
def test_excluded_rows_are_no_answer(excluded):
    similarities = definition(QUERIES, MATRIX)
    for query, rows in enumerate(np.broadcast_to(excluded, [len(QUERIES), len(excluded[0])])):
        similarities[query, rows[rows >= 0]] = -np.inf
    assert search(QUERIES, MATRIX, excluded, 20)[0] == np.argsort(-similarities, axis=1)[:, :20].tolist()


@pytest.mark.parametrize(
    ("excluded", "left"),
    [([[-1]], 40), ([[1, 2, 3]], 37), ([[5, 5, -1]], 39), ([[5, 5], [1, 2], [-1, -1]], 38), ([[*range(40)]], 0)],
)
def test_of_more_than_are_left_as_many_as_are_left_are_returned(excluded, left):
    assert search(QUERIES, MATRIX, excluded, 10**9)[1].shape == (3, left)
    assert search(QUERIES, MATRIX, excluded, left)[1].shape == (3, left)


@pytest.mark.parametrize("k", [0, -1])
def test_no_rows_can_be_asked_for(k):
    assert search(QUERIES, MATRIX, NOTHING, k)[1].shape == (3, 0)


def test_ties_go_to_the_upper_row():
    directions = np.float32([[1, 0], [0, 1], [-1, 0]])
    rows, _ = search([[1.0, 0.0]], np.tile(directions, [20, 1]), NOTHING, 60)
    assert rows == [[*range(0, 60, 3), *range(1, 60, 3), *range(2, 60, 3)]]


def test_the_zero_vector_is_similar_to_nothing():
    matrix = np.float32([[0, 0], [1, 2], [-1, -2]])
    assert search([[1.0, 2.0]], matrix, NOTHING, 3)[0] == [[1, 0, 2]]
    assert search([[0.0, 0.0]], matrix, NOTHING, 3)[1].tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("rows", [0, ROWS])
def test_no_queries_have_no_answers(rows):
    assert search(QUERIES[:0], MATRIX[:rows], NOTHING, 5)[1].shape[0] == 0


def test_a_matrix_without_rows_has_no_answers():
    assert search(QUERIES, MATRIX[:0], NOTHING, 5)[1].shape == (3, 0)


def test_a_variable_can_be_searched():
    assert search(QUERIES, tf.Variable(MATRIX), NOTHING, 5)[0] == search(QUERIES, MATRIX, NOTHING, 5)[0]


@pytest.mark.parametrize(
    ("queries", "excluded"),
    [(QUERIES[:, :4], NOTHING), (QUERIES, [[ROWS]]), (QUERIES, [[1], [2]])],
    ids=["dimensions", "no such row", "another batch"],
)
def test_what_does_not_fit_is_refused(queries, excluded):
    with pytest.raises(tf.errors.InvalidArgumentError):
        search(queries, MATRIX, excluded, 1)


def test_units_have_the_length_one_and_keep_zeros():
    vectors = np.float32([[3, 4], [0, 0], [0, -2]])
    np.testing.assert_allclose(units(vectors), [[0.6, 0.8], [0, 0], [0, -1]], atol=1e-7)
    assert lengths(vectors).numpy().tolist() == [5, 1, 2]
