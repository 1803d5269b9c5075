"""Silent units: which gradients are redirected past the rectifier."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import concatenation, connected, convolution, global_average, pooling, relu
from tfgraphs.deepdream.feature_loss import RedirectedLayers, layer_before_rectifier, redirect_gradient
from tfgraphs.deepdream.objectives import channel

ALIVE, PARTLY, SILENT = range(3)  # channels of the layer "rectified"


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def network():
    """A rectified layer with a channel excited everywhere, one at some positions, and one at none."""
    biases = np.array([100, 0, -100], np.float32)
    layers = [
        convolution("rectified_pre_relu", "input", normal(3, 3, 3, 3), biases),
        relu("rectified", "rectified_pre_relu"),
        convolution("other_pre_relu", "rectified", normal(1, 1, 3, 2), np.zeros(2, np.float32)),
        relu("other", "other_pre_relu"),
        pooling("pooled", "rectified", "max", 2, 2),
        pooling("averaged", "rectified", "average", 3, 2),
        pooling("pooled twice", "pooled", "average", 2, 2),
        global_average("everywhere", "pooled"),
        concatenation("both_pre_relu", ["rectified_pre_relu", "other_pre_relu"]),
        concatenation("both", ["rectified", "other"]),
        concatenation("mixed", ["rectified", "other_pre_relu"]),
        relu("without twin", "mixed"),
        pooling("of the picture", "input", "max", 2, 2),
        pooling("before rectifying", "rectified_pre_relu", "max", 2, 2),
        connected("logits", "everywhere", normal(3, 4), np.zeros(4, np.float32)),
    ]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1, {"first": "rectified"})


BACKBONE = network()
PICTURES = np.random.default_rng(1).uniform(size=(2, 12, 14, 3)).astype(np.float32)
TWINNED = ["rectified", "pooled", "averaged", "pooled twice", "everywhere"]


@pytest.mark.parametrize(
    ("layer", "twin"),
    [
        ("rectified", "rectified_pre_relu"),
        ("pooled", "rectified_pre_relu"),
        ("averaged", "rectified_pre_relu"),
        ("pooled twice", "rectified_pre_relu"),
        ("everywhere", "rectified_pre_relu"),
        ("both", "both_pre_relu"),
        ("mixed", None),
        ("without twin", None),
        ("rectified_pre_relu", None),
        ("before rectifying", None),
        ("both_pre_relu", None),
        ("of the picture", None),
        ("logits", None),
    ],
)
def test_the_layer_before_a_rectifier_is_found(layer, twin):
    assert layer_before_rectifier(BACKBONE, layer) == twin


def test_the_layer_before_a_rectifier_may_be_an_alias():
    layers = [convolution("conv", "input", normal(1, 1, 3, 3), np.zeros(3, np.float32)), relu("rectified", "conv")]
    backbone = Backbone("small", layers, tf.identity, {"rectified_pre_relu": "conv"})
    assert layer_before_rectifier(backbone, "rectified") == "rectified_pre_relu"


def pulls(layer, number, weight=1.0, network=None):
    """Gradient with respect to the pictures of minus an objective, and the activations."""
    objective = weight * channel(layer, number)
    look = network or RedirectedLayers(objective, BACKBONE)
    pictures = tf.constant(PICTURES)
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        found = look(pictures)
        loss = -objective.value(found)
    return tape.gradient(loss, pictures).numpy(), found[layer].numpy()


def plainly(layer):
    return lambda pictures: BACKBONE(pictures, [layer])


@pytest.mark.parametrize("weight", [1.0, -1.0], ids=["raised", "lowered"])
@pytest.mark.parametrize("number", [ALIVE, PARTLY], ids=["alive", "partly alive"])
@pytest.mark.parametrize("layer", TWINNED)
def test_the_gradient_of_live_channels_is_unchanged_to_the_bit(layer, number, weight):
    gradient, _ = pulls(layer, number, weight)
    plain, _ = pulls(layer, number, weight, plainly(layer))
    assert np.any(plain != 0)
    np.testing.assert_array_equal(gradient, plain)


@pytest.mark.parametrize("number", [ALIVE, PARTLY, SILENT], ids=["alive", "partly alive", "silent"])
@pytest.mark.parametrize("layer", TWINNED)
def test_activations_are_unchanged_to_the_bit(layer, number):
    _, found = pulls(layer, number)
    np.testing.assert_array_equal(found, BACKBONE(tf.constant(PICTURES), [layer])[layer])


@pytest.mark.parametrize("layer", TWINNED)
def test_the_plain_gradient_of_a_silent_channel_is_zero(layer):
    plain, _ = pulls(layer, SILENT, network=plainly(layer))
    assert not plain.any()


@pytest.mark.parametrize("layer", TWINNED)
def test_the_redirected_gradient_raises_the_input_of_the_rectifier(layer):
    gradient, _ = pulls(layer, SILENT)
    twin = "rectified_pre_relu"
    before, after = (
        BACKBONE(tf.constant(pictures), [twin])[twin].numpy()[..., SILENT].mean(axis=(1, 2))
        for pictures in (PICTURES, PICTURES - gradient / np.abs(gradient).max())
    )
    assert np.all(after > before)


def test_a_silent_channel_gets_the_gradient_of_the_layer_before():
    gradient, _ = pulls("rectified", SILENT)
    twin, _ = pulls("rectified_pre_relu", SILENT)
    np.testing.assert_allclose(gradient, twin, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(("number", "kind"), [(ALIVE, "alive"), (SILENT, "silent")], ids=["alive", "silent"])
def test_layers_without_a_layer_before_keep_their_gradient(number, kind):
    gradient, _ = pulls("mixed", number)
    assert gradient.any() == (kind == "alive")


def test_extra_layers_are_unchanged():
    pictures = tf.constant(PICTURES)
    found = RedirectedLayers(channel("pooled", 0), BACKBONE, ["other"])(pictures)
    np.testing.assert_array_equal(found["other"], BACKBONE(pictures, ["other"])["other"])


BEFORE = np.array([[[[-2, 3], [-1, -4]]], [[[-1, -2], [-3, -4]]]], np.float32)  # [2, 1, 2, 2]


def passed(upstream, sign):
    """The gradients of `before` and of the activation for an incoming gradient."""
    before, activation = tf.constant(BEFORE), tf.constant(np.maximum(BEFORE, 0))
    with tf.GradientTape() as tape:
        tape.watch([before, activation])
        value = tf.reduce_sum(redirect_gradient(activation, before, sign) * upstream)
    return [one.numpy() for one in tape.gradient(value, [before, activation])]


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["to excite", "to calm"])
@pytest.mark.parametrize("upstream", [2.0, -2.0])
def test_each_silent_channel_of_each_picture_gets_a_gradient_of_the_right_sign(sign, upstream):
    """Only the second channel of the first picture is excited, at one position."""
    silent = np.array([[[[1, 0], [1, 0]]], [[[1, 1], [1, 1]]]])
    through, _ = passed(upstream, sign)
    np.testing.assert_array_equal(through, silent * upstream if sign * upstream < 0 else np.zeros_like(BEFORE))


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["to excite", "to calm"])
def test_the_activation_gets_the_whole_gradient(sign):
    _, own = passed(-2.0, sign)
    np.testing.assert_array_equal(own, np.full_like(BEFORE, -2))


def test_a_channel_excited_only_where_the_gradient_is_zero_is_silent():
    """The second channel of the first picture is excited at its first position; the gradient is at the other."""
    through, _ = passed(np.array([0, -2], np.float32)[:, None], 1.0)
    np.testing.assert_array_equal(through[0, 0], [[0, 0], [-2, -2]])


def test_negative_objectives_pass_inhibiting_gradients():
    gradient, _ = pulls("rectified", SILENT, -1.0)
    twin, _ = pulls("rectified_pre_relu", SILENT, -1.0)
    np.testing.assert_allclose(gradient, twin, rtol=1e-5, atol=1e-9)


def test_mixed_objectives_pass_exciting_gradients_only():
    mixed = channel("rectified", SILENT) - channel("rectified", ALIVE)
    pictures = tf.constant(PICTURES)
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        loss = -mixed.value(RedirectedLayers(mixed, BACKBONE)(pictures))
    parts = [pulls("rectified_pre_relu", SILENT)[0], pulls("rectified", ALIVE, -1.0)[0]]
    np.testing.assert_allclose(tape.gradient(loss, pictures), sum(parts), rtol=1e-4, atol=1e-7)
