"""Graphs that nobody uses any more."""

import gc
import weakref

import tensorflow as tf

from tfgraphs.graphs.garbage import collect_old_graphs


def test_unused_graphs_are_freed_after_a_few_new_ones():
    gc.disable()
    try:
        graph = weakref.ref(tf.function(lambda x: 2 * x).get_concrete_function(1.0).graph)
        for _ in range(8):
            collect_old_graphs()
        assert graph() is None
    finally:
        gc.enable()
