"""Merging of workers' matrices: which rows, how far, and what workers that train together end with."""

import numpy as np
import pytest
import tensorflow as tf
from cluster_threads import run_workers
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.word2vec import merging
from tfgraphs.word2vec.matrix import Matrix


@given(st.integers(1, 5000), st.integers(1, 300))
def test_a_row_is_merged_as_often_as_its_interval_says(rows, rounds):
    intervals = merging.intervals(rows)
    merged = np.zeros(rows, int)
    for number in range(1, rounds + 1):
        merged[: merging.rows_of_round(number, rows)] += 1
    np.testing.assert_array_equal(merged, rounds // intervals)


@given(st.floats(0, 1e6), st.integers(2, 64))
def test_a_share_is_between_the_mean_and_the_sum(pull, size):
    assert 1 / size <= merging.merge_share(np.array([pull]), size)[0] <= 1


def test_hardly_changed_rows_are_moved_by_the_sum_and_settled_ones_by_the_mean():
    np.testing.assert_allclose(merging.merge_share(np.array([0, 1e9]), 4), [1, 0.25], rtol=1e-4)


@pytest.mark.parametrize("size", [2, 3, 8])
def test_a_merged_row_is_as_far_as_one_worker_would_have_moved_it(size):
    """Rows that are pulled towards 1, each step by a share of the way."""
    pull = np.linspace(0.01, 50, 20)
    own = 1 - np.exp(-pull / merging.SETTLED)  # of one worker
    np.testing.assert_allclose(merging.merge_share(pull, size) * size * own, 1 - np.exp(-size * pull / merging.SETTLED))


def merge(size, rows, steps, round_steps, pull):
    """Matrices of workers of which number r adds (r + 1) * step to all rows in each step, and has merged them."""

    def work(group):
        matrix = Matrix(np.zeros((rows, 2), np.float32), "rows", blocks=2)
        own = merging.Merging(group, [matrix], [np.full(rows, pull)], (1.0, 1.0), steps, round_steps)
        for step in range(round_steps, steps + 1, round_steps):
            for block in matrix.blocks:
                block.assign_add(tf.fill(block.shape, float(group.rank + 1)))
            own(step)
        return matrix.numpy()

    return run_workers(size, work)


def test_sums_of_changes_are_exact_for_small_pulls():
    """Two workers add 1 and 2 in each of four rounds."""
    for matrix in merge(2, rows=300, steps=8, round_steps=2, pull=0.0):
        np.testing.assert_allclose(matrix, np.full((300, 2), 12.0), rtol=1e-3)


def test_rows_of_large_pulls_are_averaged():
    for matrix in merge(3, rows=5, steps=2, round_steps=2, pull=1e9):
        np.testing.assert_allclose(matrix, np.full((5, 2), 2.0), rtol=1e-3)


def test_all_rows_are_equal_after_the_last_round_even_if_their_turn_has_not_come():
    one, other = merge(2, rows=1000, steps=6, round_steps=2, pull=0.3)
    np.testing.assert_array_equal(one, other)


def test_a_ring_sends_as_many_bytes_as_it_is_said_to():
    matrix = Matrix(np.zeros((1000, 4), np.float32), "rows")
    rounds = 128  # all rows have had their turns

    def work(group):
        own = merging.Merging(group, [matrix], [np.zeros(1000)], (1.0, 1.0), rounds, 1)
        for step in range(1, rounds + 1):
            own(step)
        return group.sent

    assert run_workers(2, work)[0] / rounds == pytest.approx(merging.bytes_of_round([matrix], 2), rel=0.02)
