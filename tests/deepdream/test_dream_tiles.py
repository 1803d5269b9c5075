"""Objectives in tiles: their values and gradients are those of the whole picture."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import (
    concatenation,
    convolution,
    global_average,
    local_response_normalization,
    pooling,
    relu,
)
from tfgraphs.backbones.tiles import TileError
from tfgraphs.deepdream import DreamSettings, channel, dream, guided, layer_l2, neuron
from tfgraphs.deepdream.objectives import diversity
from tfgraphs.deepdream.step import DreamStep

RANDOM = np.random.default_rng(0)


def random_convolution(name, source, side, before, after, **options):
    kernel = RANDOM.normal(0, (2 / side**2 / before) ** 0.5, (side, side, before, after)).astype(np.float32)
    return convolution(name, source, kernel, RANDOM.normal(0, 0.1, after).astype(np.float32), **options)


@pytest.fixture(scope="module")
def backbone():
    """With strides, both kinds of borders, and branches."""
    layers = [
        random_convolution("conv1_pre_relu", "input", 3, 3, 6, stride=2),
        relu("conv1", "conv1_pre_relu"),
        pooling("pool1", "conv1", "max", 3, 2),
        random_convolution("narrow", "pool1", 1, 6, 4),
        random_convolution("wide", "pool1", 3, 6, 4),
        concatenation("both", ["narrow", "wide"]),
        local_response_normalization("norm", "both", 2, 1.0, 0.1, 0.75),
        random_convolution("conv2", "norm", 3, 8, 8, stride=2, padding=1),
        random_convolution("conv3", "conv2", 3, 8, 8, padding="VALID"),
        global_average("mean", "conv3"),
    ]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)


def whole(picture, backbone, objective):
    @tf.function
    def look(picture):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            values = objective.terms_of(backbone(picture, objective.layers))
            value = tf.add_n(list(values.values()))
        return value, values, tape.gradient(value, picture)

    return look(picture)


def tiled(picture, backbone, objective, tile_size):
    step = DreamStep(objective, backbone, DreamSettings(tile_size=tile_size))
    count = step.tiles.cover(*picture.shape[1:3])

    @tf.function
    def look(picture):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            values = step.tiled_terms(picture)
            value = tf.add_n(list(values.values()))
        return value, values, tape.gradient(value, picture)

    return *look(picture), count


OBJECTIVES = {
    "layer": layer_l2("conv3"),
    "channel": channel("conv2", 3),
    "mixture": layer_l2("conv3") - 0.5 * channel("conv1_pre_relu", 2) + 2.0 * layer_l2("both"),
    "guide": guided("conv2", RANDOM.normal(size=(3, 5, 8)).astype(np.float32)),
}


SIZES = [(200, 260), (201, 155), (130, 97), (66, 300)]
LEFT = [(name, size) for place, name in enumerate(OBJECTIVES) for size in SIZES if size != SIZES[place]]


@pytest.mark.parametrize(
    ("name", "size"),
    [*zip(OBJECTIVES, SIZES, strict=True), *(pytest.param(*case, marks=pytest.mark.long) for case in LEFT)],
)
def test_tiles_give_the_value_and_gradient_of_the_whole(backbone, name, size):
    picture = tf.constant(RANDOM.uniform(size=(1, *size, 3)).astype(np.float32))
    value, values, gradient = whole(picture, backbone, OBJECTIVES[name])
    found, contributions, assembled, count = tiled(picture, backbone, OBJECTIVES[name], tile_size=128)
    assert count > 1
    assert float(found) == pytest.approx(float(value), rel=1e-4)
    for term, contribution in values.items():
        assert float(contributions[term]) == pytest.approx(float(contribution), rel=1e-4)
    np.testing.assert_allclose(assembled, gradient, atol=1e-4 * np.abs(gradient).max())


def test_a_picture_that_fits_into_one_tile_has_the_gradient_of_the_whole(backbone):
    picture = tf.constant(RANDOM.uniform(size=(1, 60, 50, 3)).astype(np.float32))
    _, _, gradient = whole(picture, backbone, OBJECTIVES["mixture"])
    _, _, assembled, count = tiled(picture, backbone, OBJECTIVES["mixture"], tile_size=128)
    assert count == 1
    np.testing.assert_allclose(assembled, gradient, atol=1e-6 * np.abs(gradient).max())


def test_one_graph_serves_pictures_of_all_sizes(backbone):
    step, traced = DreamStep(OBJECTIVES["layer"], backbone, DreamSettings(tile_size=128)), []

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3])])
    def look(picture):
        traced.append(1)
        return tf.add_n(list(step.tiled_terms(picture).values()))

    for size in ((200, 260), (60, 50), (131, 300)):
        step.tiles.cover(*size)
        picture = tf.constant(RANDOM.uniform(size=(1, *size, 3)).astype(np.float32))
        assert float(look(picture)) == pytest.approx(float(whole(picture, backbone, OBJECTIVES["layer"])[0]), rel=1e-4)
    assert len(traced) == 1


def test_a_dream_in_tiles_is_the_dream_of_the_whole(backbone):
    pixels = RANDOM.uniform(0.3, 0.7, size=(220, 180, 3)).astype(np.float32)
    dreams = []
    for tile_size in (0, 128):
        settings = DreamSettings(octaves=2, iterations=3, tile_size=tile_size, jitter=20, step_size=0.01)
        *_, last = dream(pixels, layer_l2("conv3"), backbone, settings)
        dreams.append(last.picture)
    np.testing.assert_allclose(dreams[0], dreams[1], atol=2e-3)


@pytest.mark.parametrize(
    "objective",
    [neuron("conv2", 3), diversity("conv2"), layer_l2("conv2") + layer_l2("mean")],
    ids=["neuron", "diversity", "mean"],
)
def test_objectives_that_need_the_whole_picture_are_refused(backbone, objective):
    with pytest.raises(TileError, match="needs the whole picture"):
        DreamStep(objective, backbone, DreamSettings(tile_size=512))


def test_tiles_that_are_too_small_are_refused_with_the_size_to_give(backbone):
    with pytest.raises(TileError, match="tiles of 40 px are too small for conv3 of small: give at least"):
        DreamStep(layer_l2("conv3"), backbone, DreamSettings(tile_size=40))
