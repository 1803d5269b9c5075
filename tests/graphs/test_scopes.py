"""Scopes of operations in graphs."""

import pytest
import tensorflow as tf

from tfgraphs.graphs.scopes import in_scope, scope


def names(graph):
    return [operation.name for operation in graph.get_operations()]


def test_a_scope_that_is_opened_again_is_the_same():
    with tf.Graph().as_default() as graph, tf.name_scope("loss"):
        for _ in range(2):
            with scope("style", "conv1"):
                tf.constant(1.0, name="x")
    assert names(graph) == ["loss/style/conv1/x", "loss/style/conv1/x_1"]


@pytest.mark.parametrize("outer", ["", "loss/"])
@pytest.mark.parametrize("name", [(), ("",), ("", "")])
def test_a_scope_without_a_name_is_the_present_one(outer, name):
    with tf.Graph().as_default() as graph, tf.name_scope(outer), scope(*name):
        tf.constant(1.0, name="x")
    assert names(graph) == [f"{outer}x"]


@pytest.mark.parametrize(
    ("name", "outer", "expected"),
    [
        ("conv 1:a", "", "conv_1_a/x"),
        ("conv 1:a", "loss/", "loss/conv_1_a/x"),
        ("_3net", "", "3net/x"),  # no scope at the top level begins so
        ("_3net", "loss/", "loss/_3net/x"),
        ("网络", "", "x"),
    ],
)
def test_any_name_is_allowed(name, outer, expected):
    with tf.Graph().as_default() as graph, tf.name_scope(outer), scope(name):
        tf.constant(1.0, name="x")
    assert names(graph) == [expected]


def test_a_function_is_computed_in_its_scope_each_time():
    @in_scope("loss", "square")
    def square(x, *, factor=1.0):
        """The square."""
        return tf.multiply(factor, x * x, name="y")

    with tf.Graph().as_default() as graph:
        results = [square(tf.constant(3.0)), square(tf.constant(3.0), factor=2.0)]
    assert [tensor.op.name for tensor in results] == ["loss/square/y", "loss/square/y_1"]
    assert {name for name in names(graph) if "/" not in name} == {"Const", "Const_1"}
    assert square.__doc__ == "The square."


def test_autograph_takes_a_lambda_in_a_scope(caplog):
    double = in_scope("double")(lambda x: x * 2)

    @tf.function
    def doubled(x):
        return double(x)

    with caplog.at_level("WARNING", "tensorflow"):
        assert doubled(tf.constant(3.0)) == 6
    assert caplog.messages == []
