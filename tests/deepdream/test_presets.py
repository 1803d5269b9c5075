"""Networks by name, objectives as text, and what networks dream of by default."""

import numpy as np
import pytest

from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.backbones.layers import convolution
from tfgraphs.backbones.loading import structure
from tfgraphs.deepdream.objectives import channel, layer_l2, parse
from tfgraphs.deepdream.presets import MIXTURES, STRIKING, default_objective, load_objective, striking_channels


@pytest.mark.parametrize(
    "objective", ["conv9_9", "conv9_9:3", layer_l2("conv9_9")], ids=["layer", "channel", "objective"]
)
def test_wrong_layer_names_are_refused_before_weights_are_loaded(monkeypatch, tmp_path, objective):
    monkeypatch.setenv("TFGRAPHS_HOME", str(tmp_path))
    with pytest.raises(LayerError, match="vgg19 has no layer 'conv9_9'"):
        load_objective(objective, "vgg19")
    assert not list(tmp_path.iterdir())


def test_a_name_and_a_text_become_a_network_and_an_objective():
    objective, backbone = load_objective("fire5:3", "squeezenet")
    assert backbone.name == "squeezenet"
    assert objective.name == channel("fire5", 3).name


@pytest.mark.parametrize("name", MIXTURES)
def test_the_default_objective_is_the_mixture_of_the_network(name):
    network = structure(name)
    assert default_objective(network).name == parse(MIXTURES[name], network).name


def test_the_default_objective_of_other_networks_is_their_default_layer():
    assert default_objective(structure("vgg19")).name == layer_l2("conv5_2").name


def test_a_network_that_only_has_the_name_of_another_gets_a_layer_that_it_has():
    small = Backbone("squeezenet", [convolution("conv1", "input", np.ones((3, 3, 3, 4), "f"), np.zeros(4, "f"))], None)
    assert default_objective(small).layers == ("conv1",)


@pytest.mark.parametrize("name", STRIKING)
def test_striking_channels_are_channels_of_the_network(name):
    network = structure(name)
    for layer, number in striking_channels(network):
        assert number < network.view(layer).channels
