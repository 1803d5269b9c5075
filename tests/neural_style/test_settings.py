"""The choice of layers fits the networks it was made for."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from foreign_networks import randomize
from frozen_graphs import released_arrays
from torch_files import resnet_arrays

from tfgraphs import backbones
from tfgraphs.backbones.networks import googlenet, resnet, vgg
from tfgraphs.graphs import processor
from tfgraphs.neural_style import StyleSettings
from tfgraphs.neural_style.regions import StyleError
from tfgraphs.neural_style.settings import NETWORKS as CHOICES
from tfgraphs.neural_style.settings import SAMPLING
from tfgraphs.neural_style.statistics import STATISTICS
from tfgraphs.neural_style.style_loss import FORMS, StyleTransferLoss
from tfgraphs.optimize.losses import Loss


def vgg_arrays(model):
    return {
        f"{layer.name}/{weight.name}": np.asarray(weight)
        for layer in randomize(model(weights=None, include_top=False)).layers
        for weight in layer.weights
    }


NETWORKS = {
    "squeezenet": lambda: backbones.load("squeezenet", "average"),
    "vgg16": lambda: vgg.build("vgg16", vgg_arrays(keras.applications.VGG16)),
    "vgg19": lambda: vgg.build("vgg19", vgg_arrays(keras.applications.VGG19)),
    "googlenet": lambda: googlenet.build("googlenet", released_arrays()),
    **{
        name: lambda name=name: resnet.build(name, resnet_arrays(name)) for name in ("resnet18", "resnet34", "resnet50")
    },
}


def test_there_is_a_network_here_for_each_choice():
    assert {begin for begin in CHOICES if any(name.startswith(begin) for name in NETWORKS)} == set(CHOICES)


@pytest.mark.parametrize("name", NETWORKS)
def test_content_and_style_are_compared_at_layers_that_grow_coarser(name):
    """Style from the first details on, content where some of them are gone; all of it can be seen in tiles."""
    backbone = NETWORKS[name]()
    content, style = StyleSettings().layers(backbone)
    strides = [backbone.view(layer).stride for layer in style]
    assert strides == sorted(strides)
    assert strides[0] <= 2
    assert strides[0] < backbone.view(content).stride <= strides[-1]
    picture = np.random.default_rng(0).uniform(size=(1, 96, 96, 3)).astype(np.float32)
    for layer, activation in backbone(picture, [content, *style]).items():
        assert np.isfinite(activation).all()
        assert np.std(activation) > 0
        assert backbone.view(layer).receptive_field > 0


@pytest.mark.parametrize(
    ("settings", "supersampling"),
    [
        (StyleSettings(), (1.5, pytest.approx(2_146_690, abs=1))),
        (StyleSettings(loss="paper"), (1.0, pytest.approx(2_146_690, abs=1))),
        (StyleSettings(supersampling=2.0), (2.0, math.inf)),
    ],
)
def test_squeezenet_supersamples_what_needs_no_tiles(settings, supersampling):
    assert settings.supersamples(NETWORKS["squeezenet"]()) == supersampling


def test_the_choices_are_those_that_are_implemented():
    assert {"loss": tuple(FORMS), "statistic": tuple(STATISTICS)} == StyleSettings.CHOICES
    assert {name for name, statistic in STATISTICS.items() if statistic.rows} == set(SAMPLING)


@pytest.mark.parametrize(
    ("settings", "network", "expected"),
    [
        (StyleSettings(), "squeezenet", "transport"),
        (StyleSettings(), "vgg16", "transport"),
        (StyleSettings(), "googlenet", "covariance"),
        (StyleSettings(), "mine", "covariance"),
        (StyleSettings(loss="paper"), "squeezenet", "gram"),
        (StyleSettings(statistic="gram"), "squeezenet", "gram"),
    ],
)
def test_the_statistic_is_that_of_the_network(settings, network, expected):
    assert settings.compared_statistic(network) == expected


def test_the_content_weight_and_the_octaves_suit_the_statistic():
    covariances = StyleSettings(statistic="covariance")
    given = StyleSettings(content_weight=2, octaves=2)
    assert StyleSettings().weights("squeezenet") == (0.28, 4, 60, 4)
    assert covariances.weights("squeezenet") == (1.35, 2.5, 60, 4)
    assert (StyleSettings().compared_octaves("squeezenet"), covariances.compared_octaves("squeezenet")) == (1, 3)
    assert (given.weights("squeezenet").content, given.compared_octaves("squeezenet")) == (2, 2)


@pytest.mark.parametrize("statistic", [None, *SAMPLING])
def test_a_stride_is_refused_where_positions_are_sampled(statistic):
    settings = StyleSettings(statistic=statistic, style_stride=2)
    with pytest.raises(StyleError, match=f"{statistic or 'transport'} samples positions: leave style_stride out"):
        settings.stride("squeezenet")
    assert StyleSettings(statistic=statistic).stride("squeezenet") == 1


@pytest.mark.parametrize(("settings", "factor"), [(StyleSettings(), 4), (StyleSettings(statistic="covariance"), 1)])
def test_the_content_weighs_more_on_the_coarse_scales_of_transport(settings, factor):
    network = NETWORKS["squeezenet"]()
    loss = StyleTransferLoss(settings, network)
    content, none, picture = (
        Loss(lambda step: tf.constant(2.0)),
        Loss(lambda step: tf.constant(0.0)),
        tf.zeros([1, 8, 8, 3]),
    )
    finest, coarse = (
        float(loss.total(content, none, picture, scale)(tf.constant(0, tf.int64))[0]) for scale in (1, 0.25)
    )
    assert finest == pytest.approx(2 * settings.weights("squeezenet").content)
    assert coarse == pytest.approx(factor * finest)


def test_tiles_are_as_large_as_the_memory_of_a_gpu_allows(monkeypatch):
    """Four times the memory holds pictures and tiles of twice the sides."""
    network, settings = NETWORKS["squeezenet"](), StyleSettings()
    assert [settings.tile(network, size) for size in [(1400, 1500), (1500, 1500)]] == [0, 1024]
    monkeypatch.setattr(processor, "_gpu_bytes", lambda: 16 * processor.LARGEST_WHOLE)
    monkeypatch.setattr(processor, "current", lambda: processor.Processor(gpus=1))
    assert [settings.tile(network, size) for size in [(2800, 3000), (3000, 3000)]] == [0, 2048]
