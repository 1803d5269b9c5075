"""Tiles cover everything, and what they add up to is that of the whole picture."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, global_average, pooling
from tfgraphs.backbones.tiles import TileError, Tiles, cover_axis, smallest_tile

RANDOM = np.random.default_rng(0)


sides = st.integers(1, 5000)
strides = st.sampled_from([1, 2, 4, 8, 16, 12])


@given(sides, st.integers(0, 900), strides, st.integers(0, 12), st.integers(1, 60))
def test_cores_cover_an_axis_without_gaps_and_keep_their_margin(side, spare, stride, margins, least):
    margin = margins * stride
    tile = max(smallest_tile(margin, stride), least + stride) + spare
    found, places = cover_axis(side, tile, margin, stride, least)
    assert min(least, side) <= found <= max(tile, 0)
    assert found % stride == side % stride or found == side
    assert [begin for _, begin, _ in places] == [0, *(end for _, _, end in places[:-1])]
    assert places[-1][2] == side
    for start, begin, end in places:
        assert 0 <= start <= begin < end <= start + found <= side
        assert start % stride == begin % stride == 0
        assert begin - start >= margin or start == 0
        assert start + found - end >= margin or end == side


@given(sides, st.integers(100, 900), strides)
def test_there_are_no_more_tiles_than_needed(side, tile, stride):
    margin = stride
    _, places = cover_axis(side, tile, margin, stride)
    if len(places) > 1:
        core = tile - 2 * margin - 2 * stride
        assert len(places) <= np.ceil(side / core) + 1


@pytest.fixture(scope="module")
def backbone():
    def kernel(before, after):
        return RANDOM.normal(0, 0.3, (3, 3, before, after)).astype(np.float32), np.zeros(after, np.float32)

    layers = [
        convolution("conv1", "input", *kernel(3, 4), 2),
        pooling("pool1", "conv1", "average", 3, 2),
        convolution("conv2", "pool1", *kernel(4, 5)),
        global_average("mean", "conv2"),
    ]
    return Backbone("small", layers, lambda pictures: pictures)


LAYERS = ["conv1", "conv2"]


def random_pictures(*size):
    return [tf.constant(RANDOM.uniform(size=(1, *size, 3)).astype(np.float32)) for _ in range(2)]


@pytest.fixture(scope="module")
def computed_both_ways(backbone):
    """Tiles, and a graph of sums over two pictures and a map: of the whole, and in tiles with and without gradient."""
    tiles = Tiles(backbone, LAYERS, 96)

    def products(first, second):
        return [tf.einsum("bhwi,bhwj->ij", first[layer], second[layer]) for layer in LAYERS]

    def whole(pictures, weights):
        first, second = (backbone(picture, LAYERS) for picture in pictures)
        return [*products(first, second), tf.reduce_sum(first["conv2"] * weights[..., None])]

    def in_parts(weights):
        def sums_of_part(seen, part):
            first, second = (backbone(picture, LAYERS) for picture in seen)
            own = part.cut(weights, "conv2", first["conv2"])
            cores = [{layer: part.core(found[layer], layer) for layer in LAYERS} for found in (first, second)]
            return [*products(*cores), tf.reduce_sum(cores[0]["conv2"] * own[..., None])]

        return sums_of_part

    @tf.function(input_signature=[[tf.TensorSpec([1, None, None, 3])] * 2, tf.TensorSpec([1, None, None])])
    def compute(pictures, weights):
        with tf.GradientTape() as tape:
            tape.watch(pictures[0])
            expected = whole(pictures, weights)
        gradient = tape.gradient(expected, pictures[0])
        with_gradient = tiles.total_and_gradient(pictures, in_parts(weights))
        alone, _ = tiles.total_and_gradient(pictures, in_parts(weights), with_gradient=False)
        return expected, gradient, with_gradient, alone

    return tiles, compute


@pytest.mark.parametrize("size", [(200, 260), (131, 97), (60, 300), (40, 50)])
def test_sums_and_gradient_of_tiles_are_those_of_whole_pictures(backbone, computed_both_ways, size):
    """Of two pictures and of a map that belongs to the positions of the whole."""
    tiles, compute = computed_both_ways
    pictures, count = random_pictures(*size), tiles.cover(*size)
    weights = RANDOM.uniform(size=backbone(pictures[0], ["conv2"])["conv2"].shape[:3]).astype(np.float32)
    expected, gradient, (sums, assembled), totals = compute(pictures, weights)
    assert count == 1 if max(size) < 96 else count > 1
    for found, wanted in zip(sums, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(assembled, gradient, atol=1e-4 * np.abs(gradient).max())
    for found, wanted in zip(totals, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def mirrored_both_ways():
    """Tiles hardly larger than what is mirrored, and a graph of a sum over a mirrored picture, whole and in tiles."""
    kernel = RANDOM.normal(0, 0.3, (3, 3, 3, 4)).astype(np.float32)
    backbone = Backbone("edges", [convolution("conv1", "input", kernel, np.zeros(4, np.float32))], lambda x: x)
    tiles = Tiles(backbone, ["conv1"], 48, frame=23)

    def sums_of_part(seen, part):
        return [tf.reduce_sum(part.core(backbone(seen[0], ["conv1"])["conv1"], "conv1") ** 2)]

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([2], tf.int32)])
    def compute(picture, corner):
        frame = tf.stack([[0, 0], *([side, 23 - side] for side in tf.unstack(corner)), [0, 0]])
        with tf.GradientTape() as tape:
            tape.watch(picture)
            mirrored = tf.ensure_shape(tf.pad(picture, frame, "REFLECT"), [1, None, None, 3])
            expected = tf.reduce_sum(backbone(mirrored, ["conv1"])["conv1"] ** 2)
        found = tiles.total_and_gradient([picture], sums_of_part, tuple(tf.unstack(corner)))
        return expected, tape.gradient(expected, picture), *found

    return tiles, compute


@pytest.mark.parametrize("size", [(70, 90), (41, 200), (30, 33)])
@pytest.mark.parametrize("corner", [(0, 0), (3, 23), (23, 12)])
def test_pictures_are_mirrored_at_their_borders(mirrored_both_ways, size, corner):
    tiles, compute = mirrored_both_ways
    (picture, _), count = random_pictures(*size), tiles.cover(*(side + 23 for side in size))
    expected, gradient, (found,), assembled = compute(picture, corner)
    assert count > 1
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    np.testing.assert_allclose(assembled, gradient, atol=1e-4 * np.abs(gradient).max())


def test_tiles_that_do_not_hold_what_is_mirrored_are_refused(backbone):
    with pytest.raises(TileError, match="give at least 205"):
        Tiles(backbone, LAYERS, 96, frame=100)


def test_a_layer_that_needs_the_whole_picture_is_refused(backbone):
    with pytest.raises(TileError, match="mean needs the whole picture"):
        Tiles(backbone, ["conv2", "mean"], 512)


def test_tiles_that_are_too_small_are_refused_with_the_size_to_give(backbone):
    with pytest.raises(TileError, match="tiles of 20 px are too small for conv1, conv2 of small: give at least"):
        Tiles(backbone, LAYERS, 20)
