"""Networks by name and objectives as text."""

import pytest

from tfgraphs.backbones.backbone import LayerError
from tfgraphs.deepdream.objectives import channel, layer_l2
from tfgraphs.deepdream.presets import load_objective


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


def test_the_default_objective_is_that_of_the_default_layer():
    objective, _ = load_objective(None, "squeezenet")
    assert objective.layers == ("fire7",)
