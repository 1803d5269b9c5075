"""The graph of a step as TensorBoard draws it: what is at its top level, and which formulas have a scope."""

import re
from pathlib import Path

import numpy as np
import pytest
import step_graphs
import tensorflow as tf

from tfgraphs.graphs import processor
from tfgraphs.monitor.step_graph import step_graph

PARTS = {"loss", "gradients", "optimizer", "projection", "workers"}
TRAINED = {"input_vectors", "output_vectors", "picture", "spectrum", "phases", "network"}

SCOPES = {
    "words/skipgram/negative_sampling": ["text", "window", "noise", "lookup", "damping", "negative_sampling/scores"],
    "words/cbow/negative_sampling": ["reach", "context", "negative_sampling/positive", "negative_sampling/negative"],
    "words/skipgram/hierarchical_softmax": ["path", "hierarchical_softmax/shared_nodes"],
    "words/cbow/hierarchical_softmax": ["context", "hierarchical_softmax/deep_nodes"],
    "words/skipgram/softmax": ["vocabulary", "softmax/scores", "softmax/normalizer"],
    "words/skipgram/sampled_softmax": ["noise", "sampled_softmax/scores", "sampled_softmax/normalizer"],
    "words/skipgram/nce": ["noise", "nce/scores", "nce/positive", "nce/negative"],
    "words/parts": ["negative_sampling", "part_2/negative_sampling/positive"],
    "pairs/softmax": ["pair", "context", "softmax/scores"],
    "pairs/negative_sampling": ["context", "negative_sampling/noise", "negative_sampling/positive"],
    "pairs/hierarchical_softmax": ["context", "hierarchical_softmax/path", "hierarchical_softmax/deep_nodes"],
    "dream": ["transforms/jitter", "squeezenet/preprocess", "squeezenet/fire5", "objective/layer_l2"],
    "dream/class": ["objective/class_logit"],
    "dream/guide": ["small/conv1", "objective/guided"],
    "dream/tiles": ["tiles"],
    "feature/naive": ["objective/channel"],
    "feature/neuron": ["transforms/random_roll", "objective/neuron"],
    "feature/fourier": ["fourier/decorrelate", "transforms/random_crop", "transforms/random_rotate", "objective"],
    "feature/maco": ["maco/decorrelate", "transforms/random_window", "transforms/noise"],
    "feature/alpha": ["background", "opacity", "objective/diversity"],
    "painting": ["shift", "squeezenet/fire5", "content", "style/fire2/transport", "style/palette", "total"],
    "painting/covariance": ["style/fire3/covariance", "octave_1/style/fire3/covariance", "octave_2/squeezenet/fire3"],
    "painting/gram": ["style/fire3/gram", "style/fire3/painting", "style/fire3/error", "variation/total_variation"],
    "painting/mean_variance": ["style/fire3/mean_variance"],
    "painting/sliced_wasserstein": ["style/fire3/samples", "style/fire3/sliced_wasserstein"],
    "painting/paper": ["content", "style/conv2/gram"],
    "painting/anchor": ["anchor", "temporal"],
    "painting/tiles": ["tiles", "style/conv1/error"],
    "network": ["photographs", "network/down_1", "network/block_1", "network/up_2", "small/conv1", "content", "style"],
}


@pytest.mark.parametrize("name", step_graphs.RUNS)
def test_the_top_level_has_the_parts_of_a_step_and_what_is_trained(name):
    found = {one for one in step_graphs.scopes(name) if "/" not in one}
    assert {"loss", "gradients"} <= found <= PARTS | TRAINED | {"step"}


@pytest.mark.parametrize("name", step_graphs.RUNS)
def test_what_is_trained_is_at_the_top_level(name):
    assert TRAINED & step_graphs.scopes(name)


@pytest.mark.parametrize("name", SCOPES)
def test_formulas_have_scopes_in_the_loss(name):
    assert {f"loss/{scope}" for scope in SCOPES[name]} <= step_graphs.scopes(name)


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("words/skipgram/negative_sampling", "gradients/loss/negative_sampling"),
        ("words/skipgram/negative_sampling", "optimizer/output_vectors/SGD"),
        ("dream", "gradients/loss/squeezenet/fire5"),
        ("dream", "gradients/transform/mean_abs"),
        ("dream/laplacian", "gradients/transform/laplacian"),
        ("dream", "gradients/transform/smooth"),
        ("dream/adam", "optimizer/Adam"),
        ("painting/gram", "gradients/loss/style/fire3/gram"),
        ("network/workers", "workers"),
    ],
)
def test_gradients_and_optimizers_have_scopes(name, scope):
    assert scope in step_graphs.scopes(name)


@pytest.mark.parametrize("name", step_graphs.RUNS)
def test_the_definition_is_that_of_a_graph(name):
    definition = step_graphs.step_graph(name)
    with tf.Graph().as_default():
        tf.import_graph_def(definition, name="")


@pytest.mark.parametrize("loss", ["negative_sampling", "hierarchical_softmax"])
def test_a_loss_has_the_same_scopes_where_xla_does_not_compile_it(loss, monkeypatch):
    name = f"words/cbow/{loss}"
    compiled = {scope for scope in step_graphs.scopes(name) if scope.startswith("loss/")}
    monkeypatch.setattr(processor, "current", lambda: processor.Processor(gpus=1))
    found = step_graphs.scopes_of(step_graphs.RUNS[name]())
    assert compiled <= found
    assert {one for one in found if "/" not in one} == {one for one in step_graphs.scopes(name) if "/" not in one}


def drawn_value(function, *arguments):
    """What a function's graph computes as it is drawn; `drawn_end` names its result."""
    graph = function.get_concrete_function(
        *(tf.TensorSpec([], tf.float32, f"x{n}") for n in range(len(arguments)))
    ).graph
    definition = step_graph(graph)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(definition, name="")
        return session.run("loss/drawn_end:0", {f"x{n}:0": value for n, value in enumerate(arguments)}), definition


def test_a_called_function_is_drawn_in_the_scope_of_its_call():
    @tf.function
    def parts(x):
        with tf.name_scope("square"):
            return tf.split(tf.stack([x * x, 2 * x]), 2)

    @tf.function(autograph=False)
    def outer(x0, x1):
        with tf.name_scope("loss"):
            first, second = parts(x0)
            third, fourth = parts(tf.reshape(second, []) + x1)
            return tf.add_n([10 * first, second, third, fourth], name="drawn_end")

    value, definition = drawn_value(outer, 3.0, 1.0)
    np.testing.assert_array_equal(value, [90 + 6 + 49 + 14])
    assert {"loss/square/Mul", "loss/square/mul"} & {node.name for node in definition.node}
    assert not definition.library.function


def test_a_function_in_a_function_is_drawn():
    inner = tf.function(lambda x: tf.identity(x) + 1)
    middle = tf.function(lambda x: 2 * inner(x))

    @tf.function
    def outer(x0):
        with tf.name_scope("loss"):
            return tf.multiply(middle(x0), 3, name="drawn_end")

    assert drawn_value(outer, 4.0)[0] == 30


def test_a_called_function_without_results_is_drawn():
    count = tf.Variable(0.0, name="count")

    @tf.function
    def inner():
        count.assign_add(1)

    @tf.function(autograph=False)
    def middle():
        inner()
        count.assign(2 * count)

    @tf.function(autograph=False)
    def outer():
        with tf.name_scope("loss"):
            middle()
            return tf.sqrt(count, name="drawn_end")

    definition = step_graph(outer.get_concrete_function().graph)
    with tf.Graph().as_default():
        tf.import_graph_def(definition, name="")
    assert {"AssignAddVariableOp", "AssignVariableOp", "Sqrt"} <= {node.op for node in definition.node}
    assert not {"PartitionedCall", "StatefulPartitionedCall"} & {node.op for node in definition.node}


def test_a_result_that_passes_through_many_identities_is_found_once():
    with tf.Graph().as_default() as graph:
        first = second = tf.constant(1.0, name="sum")
        for _ in range(60):  # each reads both results of the one before: 2^60 ways
            first, second = tf.identity_n([first, second])
    graph.outputs = [first]
    assert [node.name for node in step_graph(graph).node] == ["sum"]


def test_gradients_are_drawn_in_their_scope_and_those_that_nobody_needs_are_not():
    kernel, picture = tf.Variable([[2.0]]), tf.Variable([[1.0]])

    @tf.function
    def step():
        with tf.GradientTape() as tape, tf.name_scope("loss"):
            loss = tf.reduce_sum(tf.matmul(picture, kernel))
        return tape.gradient(loss, picture)

    products = [node for node in step_graph(step.get_concrete_function().graph).node if node.op == "MatMul"]
    assert [node.name for node in products if node.name.startswith("gradients/loss/")] == [
        "gradients/loss/MatMul/MatMul"
    ]


@pytest.mark.parametrize("trainable", [True, False])
def test_a_variable_of_one_part_is_where_it_is_used_and_one_of_several_at_the_top_level(trainable):
    weight = tf.Variable(2.0, trainable=trainable, name="conv1_w")
    picture = tf.Variable(3.0, name="picture")

    @tf.function
    def step():
        with tf.name_scope("loss"), tf.name_scope("conv1"):
            change = weight * picture
        with tf.name_scope("optimizer"):
            picture.assign_sub(change)

    names = {node.name for node in step_graph(step.get_concrete_function().graph).node}
    assert {"loss/conv1/w", "picture"} <= names


def test_the_only_variable_that_is_trained_is_at_the_top_level():
    picture, mask = tf.Variable(3.0, name="picture"), tf.Variable(1.0, trainable=False, name="mask")

    @tf.function
    def step():
        with tf.name_scope("loss"):
            return picture * mask

    names = {node.name for node in step_graph(step.get_concrete_function().graph).node}
    assert {"picture", "loss/mask"} <= names


def test_a_graph_without_results_is_drawn_as_it_is():
    with tf.Graph().as_default() as graph:
        tf.add(tf.constant(1.0), 2.0, name="sum")
    assert {node.name for node in step_graph(graph).node} == {operation.name for operation in graph.get_operations()}


LECTURE = Path(__file__).resolve().parents[2] / "docs" / "lecture"


def names_in_the_lecture():
    for page in sorted(LECTURE.glob("*.md")):
        for line in re.findall(r"^In TensorBoard: (.*)\.$", page.read_text(encoding="utf-8"), re.MULTILINE):
            yield from re.findall(r"`([^`]*)`", line)


def of_any_network(name):
    """A scope with other words for layers and networks: the graphs of the tests are mostly those of a small one."""
    return re.sub(r"\b(?:squeezenet|small)\b", "network", re.sub(r"\b(?:fire|conv)\d\b", "layer", name))


def test_the_lecture_names_scopes_that_are_there():
    drawn = {node.name for name in step_graphs.RUNS for node in step_graphs.step_graph(name).node}
    there = {of_any_network(name) for name in step_graphs.all_scopes() | drawn}
    named = set(names_in_the_lecture())
    assert len(named) > 30
    assert {name for name in named if of_any_network(name) not in there} == set()
