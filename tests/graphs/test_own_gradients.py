"""Functions with gradients of their own."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.graphs.own_gradients import collect_old_graphs, custom_gradient
from tfgraphs.optimize.minimize import Minimization


@custom_gradient
def thrice(x):
    """x, said to rise three times as fast."""
    return tf.identity(x), lambda upstream: 3 * upstream


def slope(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_gradient_is_the_functions_own(compiled):
    x = tf.constant([1.0, 2.0])
    assert slope(thrice, x).numpy().tolist() == [3, 3]
    assert tf.function(lambda x: slope(thrice, x), jit_compile=compiled)(x).numpy().tolist() == [3, 3]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_graph_is_differentiated_from_outside_whenever(compiled):
    cube = tf.function(lambda x: thrice(x) ** 3, jit_compile=compiled)
    x = tf.constant([1.0, 2.0])
    assert cube(x).numpy().tolist() == [1, 8]
    gc.collect()
    np.testing.assert_allclose(slope(cube, x), [9, 36])


def test_a_loop_is_differentiated():
    @tf.function
    def thrice_three_times(x):
        return tf.while_loop(lambda n, x: n < 3, lambda n, x: (n + 1, thrice(x)), (0, x), maximum_iterations=3)[1]

    assert slope(thrice_three_times, tf.constant([1.0])).numpy().tolist() == [27]


def test_several_results():
    @custom_gradient
    def two(x, y):
        return [x + y, x * y], lambda first, second: (5 * first, 7 * second)

    @tf.function
    def differentiate(x, y):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            total = tf.add_n(two(x, y))
        return tape.gradient(total, [x, y])

    assert [float(one) for one in differentiate(tf.constant(2.0), tf.constant(3.0))] == [5, 7]


def test_a_graph_is_freed_with_its_variables():
    def make():
        variable = tf.Variable([1.0, 2.0])
        graph = tf.function(lambda: slope(thrice, variable.read_value())).get_concrete_function()
        assert graph().numpy().tolist() == [3, 3]
        return weakref.ref(graph.graph), weakref.ref(variable)

    graph, variable = make()
    gc.collect()
    assert graph() is None
    assert variable() is None


@pytest.mark.parametrize("jit_compile", [None, "updates", "loop"])
def test_the_graphs_of_a_minimization_are_freed(jit_compile):
    def run():
        variable = tf.Variable([1.0, 2.0])
        loss = lambda step: tf.reduce_sum(thrice(variable.read_value()) ** 2)  # noqa: E731
        minimization = Minimization(loss, [variable], keras.optimizers.Adam(0.1), jit_compile=jit_compile)
        assert list(minimization.run(3))[-1].step == 3
        return weakref.ref(minimization.graph), weakref.ref(variable)

    graph, variable = run()
    gc.collect()
    assert graph() is None
    assert variable() is None


def test_tensorflow_itself_would_keep_it():
    """The day this fails, `tf.custom_gradient` will do."""

    @tf.custom_gradient
    def known(x):
        return tf.identity(x), lambda upstream: 3 * upstream

    def make():
        return weakref.ref(tf.function(lambda: slope(known, tf.constant([1.0]))).get_concrete_function().graph)

    graph = make()
    gc.collect()
    assert graph() is not None


def test_unused_graphs_are_freed_after_a_few_new_ones():
    gc.disable()
    try:
        graph = weakref.ref(tf.function(lambda x: 2 * x).get_concrete_function(1.0).graph)
        for _ in range(8):
            collect_old_graphs()
        assert graph() is None
    finally:
        gc.enable()
