"""Merging of workers' matrices: which rows, how far, and what workers that train together end with."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.cluster.threads import run_workers
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


def merge(size, rows, steps, rounds, pull, rates=(1.0, 1.0)):
    """The matrices of workers of which number r adds r + 1 to all rows in each step, and the bytes that one sent."""

    def work(group):
        matrix = Matrix(np.zeros((rows, 2), np.float32), "rows", blocks=2)
        own = merging.Merging(group, [matrix], [np.full(rows, pull)], rates, steps, 1, rounds)
        for step in range(1, steps + 1):
            for block in matrix.blocks:
                block.assign_add(tf.fill(block.shape, float(group.rank + 1)))
            own(step)
        return matrix.numpy(), group.sent

    return run_workers(size, work)


def test_sums_of_changes_are_exact_for_small_pulls():
    """Two workers add 1 and 2 in each of eight steps."""
    for matrix, _ in merge(2, rows=300, steps=8, rounds=4, pull=0.0):
        np.testing.assert_allclose(matrix, np.full((300, 2), 24.0), rtol=1e-3)


def test_rows_of_large_pulls_are_averaged():
    for matrix, _ in merge(3, rows=5, steps=2, rounds=1, pull=1e9):
        np.testing.assert_allclose(matrix, np.full((5, 2), 4.0), rtol=1e-3)


def test_all_rows_are_equal_after_the_last_step_even_if_their_turn_has_not_come():
    (one, _), (other, _) = merge(2, rows=1000, steps=7, rounds=5, pull=0.3)
    np.testing.assert_array_equal(one, other)


def test_rounds_become_longer_as_the_rate_falls(monkeypatch):
    ended = []

    def work(group):
        matrix = Matrix(np.zeros((8, 2), np.float32), "rows")
        own = merging.Merging(group, [matrix], [np.zeros(8)], (1.0, 0.1), 100, 1, 10)
        monkeypatch.setattr(own, "_move", lambda totals: ended.append(step) if group.rank == 0 else None)
        for step in range(1, 101):
            own(step)

    run_workers(2, work)
    lengths = np.diff([0, *ended])
    assert len(lengths) == 10
    assert lengths[0] == 6  # of 100 steps whose rates are 0.55 on average, 5.5 of rate 1
    assert lengths[-1] >= 25
    assert sorted(lengths) == list(lengths)


def test_a_run_that_goes_on_merges_the_same_rows_in_the_same_steps():
    """The number of a round depends on the step alone."""

    def work(group):
        matrix = Matrix(np.zeros((64, 2), np.float32), "rows")
        return [
            merging.Merging(group, [matrix], [np.zeros(64)], (1.0, 0.1), 40, 2, 7)._ended(step)
            for step in range(0, 41, 2)
        ]

    first, second = run_workers(2, work)
    assert first == second == sorted(first)
    assert (first[0], first[-1]) == (0, 7)


@pytest.mark.parametrize("size", [2, 4])
def test_a_ring_sends_as_many_bytes_as_it_is_said_to(size):
    rounds = 256
    ((_, sent), *_) = merge(size, rows=1000, steps=rounds, rounds=rounds, pull=0.0)
    wanted = merging.bytes_of_round([Matrix(np.zeros((1000, 2), np.float32), "rows")], size)
    assert sent / rounds == pytest.approx(wanted, rel=0.02)


def test_rounds_are_as_many_as_the_bytes_for_each_word_allow():
    matrices = [Matrix(np.zeros((36_000, 100), np.float32), "rows")] * 2
    rounds = merging.count_rounds(matrices, 4, 12_000_000, 60.0)
    last = 2 * 36_000 * 100 * 2 * 1.5
    assert rounds * merging.bytes_of_round(matrices, 4) + last == pytest.approx(60 * 12_000_000)
