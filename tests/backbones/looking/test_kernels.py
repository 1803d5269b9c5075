"""Kernels as pictures."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones import LayerError
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import addition, convolution, local_response_normalization, pooling, relu
from tfgraphs.backbones.looking.kernels import (
    colour_kernels,
    convolution_of,
    first_convolution,
    sees_colours,
    strongest_slices,
)
from tfgraphs.backbones.networks import alexnet, resnet
from tfgraphs.backbones.preprocessing import caffe, standard

RANDOM = np.random.default_rng(0)


def network(kernel, preprocess=tf.identity, before=()):
    """Some layers, then a convolution and what may follow one."""
    source = before[-1].name if before else "input"
    layers = [
        *before,
        convolution("conv", source, kernel.astype(np.float32), np.zeros(kernel.shape[-1], np.float32)),
        relu("rectified", "conv"),
        local_response_normalization("normalized", "rectified", 2, 1.0, 1e-4, 0.5),
        pooling("pooled", "normalized", "max", 2, 2),
    ]
    return Backbone("made_up", layers, preprocess)


def test_every_kernel_of_a_first_layer_is_scaled_to_its_own_largest_number():
    kernel = RANDOM.normal(size=(5, 5, 3, 8)) * RANDOM.uniform(0.01, 100, 8)
    made = network(kernel)
    shown = colour_kernels(made, convolution_of(made, "conv"), range(8))
    for channel, one in enumerate(shown):
        assert one.channel == channel
        largest = np.abs(kernel[..., channel]).max()
        np.testing.assert_allclose(one.pixels, 0.5 + 0.5 * kernel[..., channel] / largest, atol=1e-6)


@pytest.mark.parametrize(
    "preprocess",
    [caffe, standard, lambda pictures: pictures * 2 - 1],
    ids=["bgr", "standard", "plain"],
)
def test_a_kernel_is_the_picture_whose_small_changes_it_answers_most(preprocess):
    made = network(RANDOM.normal(size=(3, 3, 3, 4)), preprocess)
    for one in colour_kernels(made, convolution_of(made, "conv"), range(4)):
        pictures = tf.Variable(tf.fill([1, 3, 3, 3], 0.5))
        with tf.GradientTape() as tape:
            response = made(pictures, ["conv"])["conv"][0, 1, 1, one.channel]
        gradient = tape.gradient(response, pictures)[0].numpy()
        np.testing.assert_allclose(one.pixels - 0.5, gradient / np.abs(gradient).max() / 2, atol=1e-5)


def test_a_kernel_of_zeros_is_grey():
    made = network(np.zeros((3, 3, 3, 1)))
    (one,) = colour_kernels(made, convolution_of(made, "conv"), [0])
    assert (one.pixels == 0.5).all()


def test_the_strongest_channels_below_come_first():
    kernel = np.zeros((3, 3, 6, 2))
    kernel[1, 1, 4, 0], kernel[0, 0, 2, 0], kernel[2, 2, 5, 0] = 2, -1, 0.5
    kernel[..., 1, 1] = 0.1
    before = [convolution("first", "input", np.ones((1, 1, 3, 6), np.float32), np.zeros(6, np.float32))]
    made = network(kernel, before=before)
    first, second = strongest_slices(made, convolution_of(made, "conv"), [0, 1], 3)
    assert [one.source for one in first] == [4, 2, 5]
    assert second[0].source == 1
    warm, cold, weak = (one.pixels for one in first)
    assert warm[1, 1, 0] > warm[1, 1, 2] > 0  # positive numbers are warm
    assert cold[0, 0, 2] > cold[0, 0, 0] > 0  # negative ones cold
    assert [one.largest for one in first] == [1, -0.5, 0.25]
    assert weak[2, 2].sum() == pytest.approx(warm[1, 1].sum() / 4)
    assert warm.sum() == warm[1, 1].sum()


def test_kernels_of_groups_look_at_the_channels_of_their_group():
    before = [convolution("first", "input", np.ones((1, 1, 3, 6), np.float32), np.zeros(6, np.float32))]
    kernel = np.zeros((1, 1, 2, 9))
    kernel[0, 0, 1] = 1
    made = network(kernel, before=before)
    rows = strongest_slices(made, convolution_of(made, "conv"), range(9), 1)
    assert [row[0].source for row in rows] == [1, 1, 1, 3, 3, 3, 5, 5, 5]


@pytest.mark.parametrize("name", ["conv", "rectified", "normalized"])
def test_what_follows_a_convolution_has_its_kernels(name):
    made = network(RANDOM.normal(size=(3, 3, 3, 4)))
    assert convolution_of(made, name).name == "conv"


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("pool1", "pool1 of squeezenet is made by a max pooling, which has no kernels: show those of conv1"),
        (
            "fire2",
            "concatenation, which has no kernels: show those of fire2_expand1x1_pre_relu, fire2_expand3x3_pre_relu",
        ),
        ("softmax", "softmax of squeezenet is made by a softmax, which has no kernels$"),
        ("fire1", "squeezenet has no layer 'fire1'"),
    ],
)
def test_layers_without_kernels_say_so(squeezenet, layer, message):
    with pytest.raises(LayerError, match=message):
        convolution_of(squeezenet, layer)


def test_an_article_fits_its_word():
    made = Backbone("made_up", [addition("sum", ["input", "input"], 3)], tf.identity)
    with pytest.raises(LayerError, match="sum of made_up is made by an addition, which has no kernels"):
        convolution_of(made, "sum")


def test_the_first_convolution_sees_colours_and_later_ones_channels(squeezenet):
    assert first_convolution(squeezenet) == "conv1_pre_relu"
    assert sees_colours(squeezenet, convolution_of(squeezenet, "conv1"))
    assert not sees_colours(squeezenet, convolution_of(squeezenet, "fire2_squeeze1x1"))


def shares_in_grey(backbone, layer):
    """What part of the strength of grey kernels red, green and blue have, each known by the preprocessing."""
    kernels = colour_kernels(backbone, convolution_of(backbone, layer), range(backbone.view(layer).channels))
    numbers = np.array([one.pixels - 0.5 for one in kernels]).reshape(len(kernels), -1, 3)
    grey = [np.abs(one).sum(axis=0) for one in numbers if _colours_agree(one)]
    assert len(grey) >= 15
    return np.mean([weights / weights.sum() for weights in grey], axis=0)


def _colours_agree(kernel):
    """Whether red, green and blue go up and down together."""
    return kernel.std(axis=0).min() > 0 and np.corrcoef(kernel.T).min() > 0.9


def test_grey_kernels_weigh_red_more_than_blue_where_the_order_of_colours_is_right(
    squeezenet, real_resnet50, real_alexnet
):
    """As in two networks whose order is known, one takes BGR and one RGB, so in AlexNet as its file is read here."""
    turned = real_alexnet | {"conv1/0": real_alexnet["conv1/0"][:, ::-1]}
    networks = {
        "squeezenet": (squeezenet, "conv1"),
        "resnet50": (resnet.build("resnet50", real_resnet50), "conv1_bn"),
        "alexnet": (alexnet.build("alexnet", real_alexnet), "conv1"),
        "alexnet as stored": (alexnet.build("alexnet", turned), "conv1"),
    }
    shares = {name: shares_in_grey(*network) for name, network in networks.items()}
    assert all(green > max(red, blue) for red, green, blue in shares.values())
    assert {name for name, (red, _, blue) in shares.items() if red > 1.15 * blue} == {*networks} - {"alexnet as stored"}
