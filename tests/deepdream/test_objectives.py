"""Objectives: values, gradients, and parsing."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.backbones.layers import connected, convolution, global_average, relu, softmax
from tfgraphs.deepdream import objectives
from tfgraphs.deepdream.objectives import (
    ObjectiveError,
    channel,
    channels,
    class_logit,
    diversity,
    guided,
    layer_l2,
    neuron,
    parse,
)
from tfgraphs.errors import TfgraphsError
from tfgraphs.expression import ExpressionError


def normal(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def value_and_gradient(objective, activation):
    """For an objective of one layer, with respect to its activations."""
    variable = tf.Variable(activation)
    with tf.GradientTape() as tape:
        value = objective.value({objective.layers[0]: variable})
    return value.numpy(), tf.convert_to_tensor(tape.gradient(value, variable)).numpy()


def value_of(objective, activation):
    return value_and_gradient(objective, activation)[0]


def test_layer_l2_is_half_the_mean_square():
    activation = normal(2, 5, 7, 3)
    assert value_of(layer_l2("a"), activation) == pytest.approx(np.mean(np.square(activation)) / 2, rel=1e-6)


def test_the_gradient_of_layer_l2_is_the_activations_over_their_number():
    activation = normal(1, 5, 7, 3, dtype=np.float64)
    _, gradient = value_and_gradient(layer_l2("a"), activation)
    np.testing.assert_allclose(gradient, activation / activation.size, rtol=1e-12)


def test_a_picture_gets_the_activations_of_layer_l2_back_propagated():
    """Through 1x1 convolutions, whose gradient is a product with the transposed matrix."""
    first, second = normal(3, 4, seed=1), normal(4, 5, seed=2)
    layers = [
        convolution("before", "input", first[None, None], np.zeros(4, np.float32)),
        relu("rectified", "before"),
        convolution("asked", "rectified", second[None, None], np.zeros(5, np.float32)),
    ]
    backbone = Backbone("small", layers, lambda pictures: pictures * 2 - 1)
    picture = tf.Variable(np.random.default_rng(3).uniform(size=(1, 6, 7, 3)).astype(np.float32))
    with tf.GradientTape() as tape:
        value = layer_l2("asked").value(backbone(picture, ["asked"]))
    before = (picture.numpy() * 2 - 1) @ first
    asked = np.maximum(before, 0) @ second
    by_hand = 2 * (((asked / asked.size) @ second.T) * (before > 0)) @ first.T
    np.testing.assert_allclose(tape.gradient(value, picture), by_hand, rtol=1e-4, atol=1e-8)


def test_a_channel_is_its_mean_over_all_positions():
    activation = normal(2, 5, 7, 3)
    assert value_of(channel("a", 1), activation) == pytest.approx(activation[..., 1].mean(), rel=1e-5)


@pytest.mark.parametrize("shape", [(3, 5, 7, 4), (3, 4)], ids=["local", "global"])
def test_channels_are_one_for_each_picture(shape):
    activation = normal(*shape)
    expected = np.mean([activation[picture, ..., number].mean() for picture, number in enumerate([2, 0, 2])])
    assert value_of(channels("a", [2, 0, 2]), activation) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("place", "row", "column"),
    [((), 2, 3), ((0, 0), 0, 0), ((4, 5), 4, 5), ((99, 1), 4, 1), ((1, 99), 1, 5)],
    ids=["middle", "first", "last", "below the last row", "beyond the last column"],
)
def test_a_neuron_is_a_channel_at_one_position(place, row, column):
    activation = normal(2, 5, 6, 3)
    assert value_of(neuron("a", 1, *place), activation) == pytest.approx(activation[:, row, column, 1].mean(), rel=1e-5)


def test_a_neuron_of_a_global_layer_is_its_channel():
    activation = normal(2, 3)
    assert value_of(neuron("a", 1), activation) == pytest.approx(activation[:, 1].mean(), rel=1e-5)


def network_with_classes(*last):
    layers = [
        convolution("features", "input", normal(1, 1, 3, 4), np.zeros(4, np.float32)),
        global_average("average", "features"),
        connected("logits", "average", normal(4, 1000, seed=1), np.zeros(1000, np.float32)),
        *last,
    ]
    return Backbone("classifier", layers, tf.identity)


@pytest.mark.parametrize("last", [[], [softmax("softmax", "logits")]], ids=["logits last", "softmax last"])
def test_a_class_is_its_logit_before_the_softmax(last):
    backbone = network_with_classes(*last)
    pictures = tf.constant(normal(1, 4, 4, 3))
    objective = class_logit(backbone, 7)
    logits = backbone(pictures, ["logits"])["logits"].numpy()
    assert float(objective.value(backbone(pictures, objective.layers))) == logits[0, 7]


def test_a_network_without_classes_is_refused():
    layers = [convolution("features", "input", normal(1, 1, 3, 4), np.zeros(4, np.float32))]
    with pytest.raises(LayerError, match="has no class layer"):
        class_logit(Backbone("featureless", layers, tf.identity), 7)


GUIDE = normal(4, 6, 3, seed=5)
GUIDED_SHAPE = (2, 5, 7, 3)


def guided_by_hand(activation):
    """The value and the gradient by the formula."""
    places = GUIDE.reshape(-1, 3)
    flat = activation.reshape(-1, 3)
    nearest = places[np.argmax(flat @ places.T, axis=1)]
    return np.sum(flat * nearest, axis=1).mean(), (nearest / len(flat)).reshape(activation.shape)


@pytest.mark.parametrize("chunk", [1, 24, 24 * 70 - 1, 24 * 70, 1 << 22])
def test_guided_draws_each_position_to_its_nearest_place(monkeypatch, chunk):
    """The guide has 24 positions, the pictures 70: chunks of less than one row, one row, and up to all."""
    monkeypatch.setattr(objectives, "_NEAREST_CHUNK", chunk)
    activation = normal(*GUIDED_SHAPE, seed=6)
    value, gradient = value_and_gradient(guided("a", GUIDE), activation)
    expected, expected_gradient = guided_by_hand(activation)
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-6)


def cosine_of_grams(first, second):
    grams = [np.einsum("hwc,hwd->cd", one, one).ravel() for one in (first, second)]
    return grams[0] @ grams[1] / np.linalg.norm(grams[0]) / np.linalg.norm(grams[1])


def test_diversity_is_minus_the_mean_cosine_of_gram_matrices():
    activation = normal(3, 5, 7, 4)
    cosines = [cosine_of_grams(activation[i], activation[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert value_of(diversity("a"), activation) == pytest.approx(-np.mean(cosines), rel=1e-4)


def test_equal_pictures_have_the_least_diversity():
    assert value_of(diversity("a"), np.repeat(normal(1, 5, 7, 4), 3, axis=0)) == pytest.approx(-1, rel=1e-5)


def test_one_picture_alone_has_no_diversity():
    assert value_of(diversity("a"), normal(1, 5, 7, 4)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("objective", "local"),
    [(layer_l2("a"), True), (channel("a", 0), True), (neuron("a", 0), False), (diversity("a"), False)],
    ids=["layer", "channel", "neuron", "diversity"],
)
def test_local_terms_are_those_of_single_positions(objective, local):
    assert [term.local for _, term in objective.terms] == [local]


def test_layers_are_listed_once():
    assert (layer_l2("a") + channel("b", 1) - channel("a", 2)).layers == ("a", "b")


def test_terms_of_one_name_are_added():
    activation = normal(1, 4, 4, 2)
    values = (channel("a", 0) + 2 * channel("a", 0)).terms_of({"a": tf.constant(activation)})
    assert list(values) == ["a:0"]
    assert float(values["a:0"]) == pytest.approx(3 * activation[..., 0].mean(), rel=1e-5)


@pytest.fixture(scope="module")
def backbone():
    """With a layer whose name looks like that of a channel, and an alias."""
    layers = [
        convolution("conv1_pre_relu", "input", normal(3, 3, 3, 6), np.zeros(6, np.float32)),
        relu("conv1", "conv1_pre_relu"),
        convolution("odd:3", "conv1", normal(1, 1, 6, 4, seed=1), np.zeros(4, np.float32)),
        global_average("average", "conv1"),
        connected("logits", "average", normal(6, 1000, seed=2), np.zeros(1000, np.float32)),
        softmax("softmax", "logits"),
    ]
    return Backbone("small", layers, tf.identity, {"first": "conv1"})


def parsed(text, backbone):
    """Weights, names and layers of the terms."""
    return [(weight, term.name, term.layer) for weight, term in parse(text, backbone).terms]


@pytest.mark.parametrize(
    ("text", "name", "layer"),
    [
        ("conv1", "conv1", "conv1"),
        ("first", "first", "first"),
        ("odd:3", "odd:3", "odd:3"),
        ("odd:3:2", "odd:3:2", "odd:3"),
        ("conv1:5", "conv1:5", "conv1"),
        ("first:5", "first:5", "first"),
        ("conv1:5:middle", "conv1:5:middle", "conv1"),
        ("conv1:5:1:2", "conv1:5:1:2", "conv1"),
        ("average:3", "average:3", "average"),
        ("class:999", "class:999", "logits"),
        ("class:tabby", "class:281", "logits"),
        ("class:Tabby", "class:281", "logits"),
        ("'class:tiger cat'", "class:282", "logits"),
        ("class:tiger cat", "class:282", "logits"),
        ("class:red-breasted merganser", "class:98", "logits"),
        ('"class:crane (bird)"', "class:134", "logits"),
    ],
)
def test_a_name_is_a_layer_a_channel_a_neuron_or_a_class(backbone, text, name, layer):
    assert parsed(text, backbone) == [(1, name, layer)]


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        ("conv1", layer_l2("conv1")),
        ("conv1:5", channel("conv1", 5)),
        ("conv1:5:middle", neuron("conv1", 5)),
        ("conv1:5:1:2", neuron("conv1", 5, 1, 2)),
        ("average:3:middle", channel("average", 3)),
        ("conv1 - 0.5*(odd:3:2 - conv1:1)", layer_l2("conv1") - 0.5 * (channel("odd:3", 2) - channel("conv1", 1))),
    ],
    ids=["layer", "channel", "middle", "position", "global", "sum"],
)
def test_a_parsed_objective_is_that_made_by_functions(backbone, text, by_hand):
    activations = backbone(tf.constant(normal(1, 5, 6, 3)), ["conv1", "odd:3", "average"])
    assert float(parse(text, backbone).value(activations)) == float(by_hand.value(activations))


def test_the_position_of_a_neuron_is_scaled():
    activation = normal(1, 10, 20, 2)
    for share, row, column in ((1.0, 7, 15), (0.5, 3, 7), (0.75, 5, 11)):
        smaller = neuron("a", 1, 7, 15).at_scale(tf.constant([share, share], tf.float64))
        assert value_of(smaller, activation) == activation[0, row, column, 1]
    assert value_of(neuron("a", 1, 7, 30).at_scale(tf.ones([2], tf.float64)), activation) == activation[0, 7, 19, 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "mixed4d_3x3_bottleneck_pre_relu:139",
            [(1, "mixed4d_3x3_bottleneck_pre_relu:139")],
        ),
        (
            "mixed4d_3x3_bottleneck_pre_relu:65 + mixed4d_3x3_bottleneck_pre_relu:139",
            [(1, "mixed4d_3x3_bottleneck_pre_relu:65"), (1, "mixed4d_3x3_bottleneck_pre_relu:139")],
        ),
        (
            "mixed4c - 0.5*mixed3b_1x1_pre_relu:101 + -1*mixed4c:7",
            [(1, "mixed4c"), (-0.5, "mixed3b_1x1_pre_relu:101"), (-1, "mixed4c:7")],
        ),
    ],
    ids=["channel", "sum", "factors"],
)
def test_names_of_googlenet_are_understood(text, expected):
    shapes = {"mixed3b_1x1_pre_relu": 128, "mixed4c": 512, "mixed4d_3x3_bottleneck_pre_relu": 144}
    layers = [
        convolution(name, "input", np.zeros((1, 1, 3, count), np.float32), np.zeros(count, np.float32))
        for name, count in shapes.items()
    ]
    network = Backbone("googlenet", layers, lambda pictures: pictures)
    assert [(weight, term.name) for weight, term in parse(text, network).terms] == expected


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("-conv1", [-1]),
        ("0.5*conv1 - 2*conv1:3", [0.5, -2]),
        ("conv1 - (conv1:1 - 0.25*conv1:2)", [1, -1, 0.25]),
        ("2*(conv1 + 3*conv1:1)", [2, 6]),
    ],
)
def test_factors_and_signs_reach_into_parentheses(backbone, text, weights):
    assert [weight for weight, *_ in parsed(text, backbone)] == weights


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ExpressionError, "nothing is asked"),
        ("conv1 +", ExpressionError, "a layer is missing at the end"),
        ("(conv1", ExpressionError, r"a '\)' is missing"),
        ("conv1 conv1", ExpressionError, "an operator .* is missing before 'conv1'"),
        ("conv2", LayerError, "no layer 'conv2'.*conv1"),
        ("conv2:3", LayerError, "no layer 'conv2'.*conv1"),
        ("conv1:", LayerError, "no layer 'conv1:'.*conv1"),
        ("conv1:middle", LayerError, "no layer 'conv1:middle'.*conv1"),
        ("conv1:6", ObjectiveError, "has no channel 6: give one from 0 to 5"),
        ("conv1:6:1:2", ObjectiveError, "has no channel 6: give one from 0 to 5"),
        ("conv1:" + 5000 * "9", LayerError, "no layer 'conv1:999"),
        ("class:1000", ObjectiveError, "no class '1000'.*from 0 to 999, or its name"),
        ("class:" + 5000 * "9", ObjectiveError, "no class '999.*from 0 to 999, or its name"),
        ("class:unicorns", ObjectiveError, "no class 'unicorns'.*from 0 to 999, or its name"),
        ("'class:a\nb'", ObjectiveError, "no class"),
    ],
    ids=lambda given: given[:20] if isinstance(given, str) else None,
)
def test_an_invalid_objective_is_refused_in_one_line(backbone, text, error, message):
    with pytest.raises(error, match=rf"^[^\n]*{message}[^\n]*$"):
        parse(text, backbone)


pieces = st.sampled_from(
    ["conv1", "odd:3", "class:", ":", "middle", "(", ")", "*", "+", "-", " ", "'", "٣", "²", "0.5", "7"]
)


@given(text=st.text(max_size=30) | st.lists(pieces, max_size=12).map("".join))
def test_any_text_is_an_objective_or_refused(backbone, text):
    try:
        objective = parse(text, backbone)
    except TfgraphsError:
        return
    assert objective.terms
