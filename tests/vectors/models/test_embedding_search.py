"""The search in TensorFlow against its definition in float64."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.vectors.models.embedding import cosine_similarity, nearest_rows, norms, units

ROWS, DIMENSIONS = 40, 6
MATRIX = np.random.default_rng(0).normal(size=(ROWS, DIMENSIONS)).astype(np.float32)
QUERY = np.random.default_rng(1).normal(size=DIMENSIONS).astype(np.float32)
NOTHING = np.zeros(0, np.int32)


def search(query, matrix, excluded, k):
    rows, cosines = nearest_rows(tf.constant(query), matrix, tf.constant(excluded), tf.constant(k))
    assert (rows.dtype, cosines.dtype) == (tf.int32, tf.float32)
    return rows.numpy().tolist(), cosines.numpy()


def definition(query, matrix):
    """Cosines in float64, [rows], of vectors that are not zero."""
    query, matrix = (np.asarray(vectors, np.float64) for vectors in (query, matrix))
    return matrix @ query / np.linalg.norm(query) / np.linalg.norm(matrix, axis=1)


def test_cosines_agree_with_the_definition():
    np.testing.assert_allclose(cosine_similarity(QUERY, MATRIX), definition(QUERY, MATRIX), atol=1e-6)


@pytest.mark.parametrize("k", [1, 7, ROWS])
@pytest.mark.parametrize("length", [1e-3, 1.0, 1e3])
def test_the_best_rows_come_first_whatever_the_length_of_the_query(k, length):
    expected = np.argsort(-definition(QUERY, MATRIX))[:k]
    rows, cosines = search(np.float32(length) * QUERY, MATRIX, NOTHING, k)
    assert rows == expected.tolist()
    np.testing.assert_allclose(cosines, definition(QUERY, MATRIX)[expected], atol=1e-6)


@pytest.mark.parametrize("excluded", [[3], [3, 3], [39, 0, 5]])
def test_excluded_rows_are_no_answer(excluded):
    expected = definition(QUERY, MATRIX)
    expected[excluded] = -np.inf
    assert search(QUERY, MATRIX, excluded, 20)[0] == np.argsort(-expected)[:20].tolist()


@pytest.mark.parametrize(("excluded", "left"), [([1, 2, 3], 37), ([5, 5], 39), ([*range(40)], 0)])
@pytest.mark.parametrize("more", [0, 1, 10**9])
def test_k_is_limited_by_the_rows_left(excluded, left, more):
    assert search(QUERY, MATRIX, excluded, left + more)[1].shape == (left,)


@pytest.mark.parametrize("k", [0, -1])
def test_no_rows_can_be_asked_for(k):
    assert search(QUERY, MATRIX, NOTHING, k)[0] == []


def test_ties_go_to_the_upper_row():
    directions = np.float32([[1, 0], [0, 1], [-1, 0]])
    rows, _ = search(np.float32([1, 0]), np.tile(directions, [20, 1]), NOTHING, 60)
    assert rows == [*range(0, 60, 3), *range(1, 60, 3), *range(2, 60, 3)]


def test_the_zero_vector_is_similar_to_nothing():
    matrix = np.float32([[0, 0], [1, 2], [-1, -2]])
    assert search(np.float32([1, 2]), matrix, NOTHING, 3)[0] == [1, 0, 2]
    assert search(np.float32([0, 0]), matrix, NOTHING, 3)[1].tolist() == [0, 0, 0]


def test_a_matrix_without_rows_has_no_answers():
    assert search(QUERY, MATRIX[:0], NOTHING, 5)[0] == []


@pytest.mark.parametrize(("query", "excluded"), [(QUERY[:4], [1]), (QUERY, [ROWS])], ids=["dimensions", "no such row"])
def test_inputs_that_do_not_fit_are_refused(query, excluded):
    with pytest.raises(tf.errors.InvalidArgumentError):
        search(query, MATRIX, excluded, 1)


def test_units_have_the_length_one_and_keep_zeros():
    vectors = np.float32([[3, 4], [0, 0], [0, -2]])
    np.testing.assert_allclose(units(vectors), [[0.6, 0.8], [0, 0], [0, -1]], atol=1e-7)
    assert norms(vectors).numpy().tolist() == [5, 1, 2]
