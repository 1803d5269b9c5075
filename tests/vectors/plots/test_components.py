import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tfgraphs.vectors.plots.plot import principal_components

MATRICES = arrays.arrays(np.float64, st.tuples(st.integers(1, 7), st.integers(1, 5)), elements=st.floats(-100, 100))


@given(MATRICES)
def test_components_have_the_variances_of_the_covariance_and_no_correlation(matrix):
    coordinates = principal_components(matrix)
    variances = np.linalg.eigvalsh(np.atleast_2d(np.cov(matrix.T, bias=True)))[::-1]
    expected = np.pad(variances, (0, 2))[:2]
    np.testing.assert_allclose(coordinates.T @ coordinates / len(matrix), np.diag(expected), atol=1e-8)
    np.testing.assert_allclose(coordinates.sum(axis=0), 0, atol=1e-8)


def test_components_are_projections_on_the_eigenvectors_of_the_covariance():
    matrix = np.random.default_rng(0).normal(size=(30, 6)) * [5, 1, 3, 0.5, 2, 0.1]
    _, directions = np.linalg.eigh(np.cov(matrix.T))
    directions = directions[:, ::-1][:, :3]
    directions *= np.sign([column[np.argmax(np.abs(column))] for column in directions.T])
    expected = (matrix - matrix.mean(axis=0)) @ directions
    np.testing.assert_allclose(principal_components(matrix, 3), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        pytest.param([[3, 4]], [[0, 0]], id="one point"),
        pytest.param([[0, 0], [6, 8]], [[-5, 0], [5, 0]], id="two points"),
        pytest.param([[0, 0], [-6, 8]], [[-5, 0], [5, 0]], id="the larger number of the direction is positive"),
        pytest.param([[0, 2], [2, 0]], [[-(2**0.5), 0], [2**0.5, 0]], id="of two as large, the first"),
        pytest.param([[1], [2], [6]], [[-2, 0], [-1, 0], [3, 0]], id="one dimension"),
        pytest.param([[0.1, 0.7]] * 3, [[0, 0]] * 3, id="equal points"),
        pytest.param([[9, 0], [-9, 0], [0, 1], [0, -1]], [[9, 0], [-9, 0], [0, 1], [0, -1]], id="a cross"),
    ],
)
def test_components_by_hand(matrix, expected):
    np.testing.assert_allclose(principal_components(np.array(matrix)), expected, atol=1e-12)


def test_equal_points_have_zero_components():
    """Rounding errors of the mean, enlarged to a picture, would look like words far from each other."""
    row = np.random.default_rng(1).normal(size=50)
    assert not principal_components(np.stack([row] * 7)).any()
