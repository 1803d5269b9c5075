"""Exact search in matrices of all kinds, in blocks of any size."""

import numpy as np
import pytest

from tfgraphs.vectors import search
from tfgraphs.vectors.search import (
    Int8Matrix,
    SearchError,
    TopRows,
    cosine_blocks,
    cosine_similarity,
    quantize,
    row_norms,
    search_arrays,
)

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(500, 24)).astype(np.float32)
TARGETS = RANDOM.normal(size=(7, 24)).astype(np.float32)
TARGETS /= np.linalg.norm(TARGETS, axis=1, keepdims=True)
MATRICES = {"float32": ROWS, "float16": ROWS.astype(np.float16), "float64": ROWS.astype(np.float64)}
MATRICES["int8"] = Int8Matrix(*quantize(ROWS)[:2], quantize(ROWS)[2])


def all_cosines(matrix, targets, known=None):
    found = list(cosine_blocks(*search_arrays(matrix, row_norms(matrix)), targets, known))
    assert [first for first, _ in found] == np.cumsum([0, *(block.shape[1] for _, block in found[:-1])]).tolist()
    return np.concatenate([block for _, block in found], axis=1)


@pytest.mark.parametrize("many", [1, 7])
@pytest.mark.parametrize(("kind", "error"), [("float32", 1e-6), ("float16", 1e-3), ("float64", 1e-6), ("int8", 1e-2)])
def test_cosines_agree_with_the_formula(kind, error, many):
    if kind in ("float16", "int8") and many == 1:
        pytest.importorskip("simsimd", reason="simsimd, which multiplies small numbers, is in the extra 'compact'")
    expected = TARGETS[:many] @ ROWS.T / np.linalg.norm(ROWS, axis=1)
    np.testing.assert_allclose(all_cosines(MATRICES[kind], TARGETS[:many]), expected, atol=error)


@pytest.mark.parametrize("size", [24 * 4, 24 * 4 * 7, 1 << 20])
def test_the_block_size_does_not_change_cosines(monkeypatch, size):
    monkeypatch.setattr(search, "_BLOCK_BYTES", size)
    np.testing.assert_allclose(all_cosines(ROWS, TARGETS), TARGETS @ ROWS.T / row_norms(ROWS), atol=1e-6)


def test_search_can_be_restricted_to_the_first_rows():
    assert all_cosines(ROWS, TARGETS, 13).shape == (7, 13)


@pytest.mark.parametrize("split", [[], [1], [100], [3, 250, 499], list(range(1, 500))])
@pytest.mark.parametrize("count", [0, 1, 10, 499, 500, 600])
@pytest.mark.parametrize("few", [1, 60, 250])
def test_top_rows_are_those_of_a_full_sort(monkeypatch, split, count, few):
    monkeypatch.setattr(search, "_SAMPLE", few)
    scores = RANDOM.integers(0, 50, (3, 500)).astype(np.float32)  # many are equal
    best = TopRows(3, count)
    for first, block in zip([0, *split], np.split(scores, split, axis=1), strict=True):
        best.update(first, block)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(best.rows[:, :500], expected)
    np.testing.assert_array_equal(best.scores[:, :500], np.take_along_axis(scores, expected, axis=1))
    assert not np.isfinite(best.scores[:, 500:]).any()


def test_rows_of_int8_are_exact_to_the_sixteenth_bit():
    steps = np.abs(ROWS).max(axis=1, keepdims=True) / 127
    assert np.all(np.abs(MATRICES["int8"][:] - ROWS) <= steps / 254 * 1.01 / 2 + 1e-7)


@pytest.mark.parametrize("row", [[0, 0, 0], [1e-44, -1e-45, 0], [3e38, -3e38, 1], [1e-30, 1, -1]])
def test_rows_of_any_size_become_int8(row):
    coarse, fine, scales = quantize(np.array([row], np.float32))
    back = Int8Matrix(coarse, fine, scales)[0]
    assert np.isfinite(back).all()
    np.testing.assert_allclose(back, row, atol=np.abs(row).max() / 1000 + 1e-43)


def test_norms_are_lengths():
    np.testing.assert_allclose(row_norms(ROWS), np.linalg.norm(ROWS.astype(np.float64), axis=1), rtol=1e-6)


def test_the_extra_for_small_numbers_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "simsimd", None)
    with pytest.raises(SearchError, match=r"\[compact\]"):
        cosine_similarity(MATRICES["int8"].coarse, np.ones(500, np.float32), TARGETS[:1])
