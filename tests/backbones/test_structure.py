"""Networks without their weights."""

import itertools

import numpy as np
import pytest

from tfgraphs import backbones
from tfgraphs.backbones import BackboneError, LayerError
from tfgraphs.backbones.networks import squeezenet

PARAMETERS = {
    "squeezenet": 1_235_496,
    "alexnet": 60_965_224,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "googlenet": 13_461_996,
    "resnet18": 11_684_712,
    "resnet34": 21_789_160,
    "resnet50": 25_530_472,
    "resnet101": 44_496_488,
    "resnet152": 60_117_096,
}  # as published, batch normalization folded into biases


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_structure_has_all_parameters_and_no_variables(name):
    network = backbones.structure(name)
    assert sum(layer.parameters for layer in network.layers.values()) == PARAMETERS[name]
    assert not network.variables


def test_a_structure_is_that_of_the_network():
    network = squeezenet.build("squeezenet", squeezenet.read_packaged())
    known = backbones.structure("squeezenet")
    for found, expected in itertools.zip_longest(known.layers.values(), network.layers.values()):
        assert (found.name, found.kind, found.inputs) == (expected.name, expected.kind, expected.inputs)
        assert found.parameters == expected.parameters
        assert known.view(found.name) == network.view(found.name)
    assert known.aliases == network.aliases


def test_wrong_names_are_told_by_a_structure():
    with pytest.raises(LayerError, match="the nearest names are conv5_4"):
        backbones.structure("vgg19").check("conv5_5")


def test_a_structure_computes_nothing():
    with pytest.raises(BackboneError, match="resnet18 is a structure without weights"):
        backbones.structure("resnet18")(np.zeros((1, 64, 64, 3), np.float32), ["conv1_relu"])


def test_a_network_of_keras_has_a_structure_that_cannot_be_called():
    network = backbones.structure("mobilenet_v3_small")
    assert sum(layer.parameters for layer in network.layers.values()) == 2_554_968
    with pytest.raises(BackboneError, match="mobilenet_v3_small is a structure without weights"):
        network(np.zeros((1, 64, 64, 3), np.float32), ["conv"])


@pytest.mark.parametrize("name", ["inception5h", "model.keras", "graph.pb", "vgg17"])
def test_other_networks_have_no_structure_without_weights(name):
    assert backbones.structure(name) is None
