"""Training of networks that paint: the loss falls, and an interrupted training ends as one that was not."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgraphs.backbones.backbone import LayerError
from tfgraphs.neural_style import StyleError, StyleSettings
from tfgraphs.neural_style.one_pass.network import TransformationNetwork
from tfgraphs.neural_style.one_pass.settings import NetworkSettings
from tfgraphs.neural_style.one_pass.training import train
from tfgraphs.neural_style.shifts import SHIFTS, cut_window
from tfgraphs.pictures.photographs import Photographs

STYLE = StyleSettings(content_layer="conv2", style_layers={"conv1": 1.0, "conv2": 1.0}, seed=2)
SETTINGS = NetworkSettings(steps=60, batch=2, style_size=48)


def patches(*size, seed=0):
    height, width = size
    found = np.random.default_rng(seed).random((-(-height // 8), -(-width // 8), 3))
    return found.repeat(8, axis=0).repeat(8, axis=1)[:height, :width].astype(np.float32)


PAINTING = patches(60, 70, seed=1)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    for number in range(3):
        Image.fromarray((patches(48, 56, seed=number + 5) * 255).astype(np.uint8)).save(folder / f"{number}.png")
    return Photographs(sorted(folder.iterdir()), side=32)


def new_network():
    return TransformationNetwork(channels=(6, 8), blocks=1, seed=1)


@pytest.fixture(scope="module")
def trained(small, photographs):
    """A network and all progress of its training."""
    network = new_network()
    test_picture = patches(40, 30)
    return network, list(train(network, PAINTING, photographs, small, STYLE, SETTINGS, test_picture=test_picture))


def test_training_lowers_the_loss_of_the_same_crops(trained, small, photographs):
    _, progress = trained
    asleep = dataclasses.replace(SETTINGS, learning_rate=1e-9)
    untrained = list(train(new_network(), PAINTING, photographs, small, STYLE, asleep))
    assert sum(one.loss for one in progress[-3:]) < 0.7 * sum(one.loss for one in untrained[-3:])


def test_the_loss_is_the_sum_of_its_terms(trained):
    _, progress = trained
    assert set(progress[0].terms) == {"content", "style/conv1", "style/conv2", "style/palette", "variation"}
    assert progress[0].loss == pytest.approx(sum(progress[0].terms.values()), rel=1e-5)


def test_progress_shows_the_test_picture_as_it_is_painted_by_then(trained):
    network, progress = trained
    np.testing.assert_allclose(progress[-1].picture, network(tf.constant(patches(40, 30)[None]))[0], atol=1e-5)
    assert not np.allclose(progress[0].picture, progress[-1].picture, atol=1e-2)
    assert [one.step for one in progress] == list(range(10, 61, 10))
    assert progress[-1].done == 1


def test_a_term_with_weight_zero_is_zero(small, photographs):
    style = dataclasses.replace(STYLE, content_weight=0.0)
    first = next(train(new_network(), PAINTING, photographs, small, style, SETTINGS))
    assert first.terms["content"] == 0


def test_resumed_training_ends_with_the_same_weights(trained, small, photographs, tmp_path):
    whole, _ = trained
    interrupted = train(new_network(), PAINTING, photographs, small, STYLE, SETTINGS, checkpoint_dir=tmp_path)
    for progress in interrupted:
        if progress.step == 30:
            interrupted.close()
    network = new_network()
    resumed = list(train(network, PAINTING, photographs, small, STYLE, SETTINGS, checkpoint_dir=tmp_path))
    assert resumed[0].step == 40
    for one, other in zip(network.trainable_variables, whole.trainable_variables, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shift", [[0, 0], [3, 7], [SHIFTS - 1, SHIFTS - 1]], ids=str)
def test_a_shift_moves_a_window_over_the_picture(shift):
    picture = np.random.default_rng(0).random((2, 20, 24, 3)).astype(np.float32)
    down, across = shift
    expected = picture[:, down : down + 21 - SHIFTS, across : across + 25 - SHIFTS]
    np.testing.assert_array_equal(cut_window(tf.constant(picture), tf.constant(shift)), expected)


@pytest.mark.parametrize("setting", ["loss", "statistic"])
def test_other_ways_to_compare_are_refused(small, photographs, setting):
    style = dataclasses.replace(STYLE, **{setting: {"loss": "paper", "statistic": "sliced_wasserstein"}[setting]})
    with pytest.raises(StyleError, match="leave both out"):
        next(train(new_network(), PAINTING, photographs, small, style, SETTINGS))


def test_an_unknown_layer_is_refused(small, photographs):
    with pytest.raises(LayerError, match="conv9"):
        next(train(new_network(), PAINTING, photographs, small, dataclasses.replace(STYLE, content_layer="conv9")))


@pytest.mark.parametrize("name", ["steps", "batch", "learning_rate", "style_size"])
def test_settings_must_be_more_than_nothing(name):
    with pytest.raises(StyleError, match=f"{name} is 0: it must be a finite number"):
        NetworkSettings(**{name: 0})
