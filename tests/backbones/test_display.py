"""Networks in notebooks: tables of their layers."""

import numpy as np
import pytest
from html_parts import Parts
from small_networks import small_backbone

from tfgraphs.backbones import structure
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution
from tfgraphs.neural_style.one_pass.network import TransformationNetwork


def test_a_small_network_is_shown_whole():
    parts = Parts(small_backbone()._repr_html_())
    assert "small: 5 layers, 820 parameters" in parts.text
    assert parts.rows == [
        ["Layer", "Kind", "Channels", "Kernel", "Stride", "Receptive field", "Parameters"],
        ["conv1_pre_relu", "convolution", "8", "3 x 3", "2", "3", "224"],
        ["conv1", "relu", "8", "1 x 1", "1", "3", ""],
        ["conv2_pre_relu", "convolution", "8", "3 x 3", "1", "7", "584"],
        ["conv2", "relu", "8", "1 x 1", "1", "7", ""],
        ["pixels", "convolution", "3", "1 x 1", "1", "1", "12"],
    ]


@pytest.mark.parametrize("name", ["alexnet", "resnet50", "squeezenet", "vgg19"])
def test_a_large_network_is_shown_by_its_first_and_last_layers_without_its_weights(name):
    backbone = structure(name)
    layers = list(backbone.layers)
    rows = Parts(backbone._repr_html_()).rows[1:]
    assert len(rows) <= 17
    assert [row[0] for row in rows[:8]] == layers[:8]
    assert [row[0] for row in rows[-8:]] == layers[-8:]
    assert len(rows) == len(layers) or rows[8][0] == f"… {len(layers) - 16} more"


def test_a_network_says_what_it_is():
    assert repr(small_backbone()) == "<Backbone small: 5 layers, 820 parameters>"


def test_names_of_layers_run_nothing():
    kernel, bias = np.ones((1, 1, 3, 3), np.float32), np.zeros(3, np.float32)
    layer = convolution("conv1", "input", kernel, bias)
    object.__setattr__(layer, "name", "<script>")
    parts = Parts(Backbone("named", [layer], lambda pictures: pictures)._repr_html_())
    assert "script" not in parts.names
    assert parts.rows[1][0] == "<script>"


def test_a_style_network_shows_its_convolutions():
    network = TransformationNetwork(channels=(4, 6), blocks=1)
    assert Parts(network._repr_html_()).rows[1:] == [
        ["down_1", "7 x 7", "3", "4"],
        ["down_2", "3 x 3", "4", "6"],
        ["block_1/first", "3 x 3", "6", "6"],
        ["block_1/second", "3 x 3", "6", "6"],
        ["up_1", "3 x 3", "6", "4"],
        ["up_2", "5 x 5", "4", "3"],
    ]


def test_a_style_network_counts_its_parameters():
    network = TransformationNetwork(channels=(4, 6), blocks=1)
    parameters = sum(np.prod(variable.shape) for variable in network.variables)
    assert repr(network) == f"<TransformationNetwork: {parameters:,} parameters>"
