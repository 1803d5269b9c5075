"""The algebra of objectives is linear and leaves operands unchanged."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.deepdream.objectives import Objective, Term, channel, layer_l2, neuron

ACTIVATIONS = {
    name: tf.constant(np.random.default_rng(seed).normal(size=(1, 3, 4, 3)).astype(np.float32))
    for seed, name in enumerate("abc")
}
simple = st.one_of(
    st.builds(layer_l2, st.sampled_from("abc")),
    st.builds(channel, st.sampled_from("abc"), st.integers(0, 2)),
    st.builds(neuron, st.sampled_from("abc"), st.integers(0, 2)),
)
factors = st.floats(-100, 100, allow_nan=False) | st.integers(-100, 100)
sums = st.lists(st.tuples(factors, simple), min_size=1, max_size=4).map(
    lambda parts: sum(factor * one for factor, one in parts)
)


def of(objective):
    return float(objective.value(ACTIVATIONS))


def near(value):
    return pytest.approx(value, rel=1e-4, abs=1e-2)


@given(a=sums, b=sums, factor=factors)
def test_objectives_are_linear(a, b, factor):
    assert of(factor * a - b) == near(factor * of(a) - of(b))


@given(a=sums, b=sums)
def test_sums_commute(a, b):
    assert of(a + b) == near(of(b + a))


@given(a=sums, b=sums, factor=factors)
def test_factors_distribute_over_sums(a, b, factor):
    assert ((a + b) * factor).terms == (a * factor + b * factor).terms


@given(a=sums)
def test_a_factor_may_stand_on_either_side(a):
    assert a * 3 == 3 * a


@given(a=sums)
def test_minus_minus_is_plus(a):
    opposite = -a
    assert -opposite == a


@given(a=sums)
def test_an_objective_less_itself_is_zero(a):
    assert of(a - a) == near(0)


@given(a=sums, b=sums, factor=factors)
def test_operands_never_change(a, b, factor):
    before = a.terms, b.terms
    _ = a + b, a - b, a * factor, factor * b, -a, sum([a, b])
    assert (a.terms, b.terms) == before


def test_sum_adds_objectives():
    parts = [layer_l2("a"), channel("b", 1), neuron("c", 2)]
    assert sum(parts) == parts[0] + parts[1] + parts[2]


@pytest.mark.parametrize("other", [1, "a", None, Term("a", "a", tf.identity)], ids=["number", "text", "none", "term"])
@pytest.mark.parametrize(
    "operation",
    [lambda a, b: a + b, lambda a, b: b + a, lambda a, b: a - b, lambda a, b: b - a],
    ids=["plus", "plus it", "minus", "minus from it"],
)
def test_only_objectives_add_up(operation, other):
    with pytest.raises(TypeError):
        operation(layer_l2("a"), other)


@pytest.mark.parametrize("factor", [layer_l2("b"), "2", None], ids=["objective", "text", "none"])
def test_only_numbers_are_factors(factor):
    with pytest.raises(TypeError):
        layer_l2("a") * factor


def test_nothing_added_changes_nothing():
    one = channel("a", 1)
    assert Objective(()) + one == one + Objective(()) == one
