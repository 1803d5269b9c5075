"""Many dreams and features in one process take no more memory than a few."""

import numpy as np
import pytest

from tests.allocated_memory import FORGOTTEN, check_flat, growth
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, relu
from tfgraphs.deepdream import DreamSettings, channel, dream, layer_l2
from tfgraphs.deepdream.features import visualize_feature
from tfgraphs.deepdream.settings import FeatureSettings

SIZES = [(48, 56), (64, 52)]


@pytest.fixture(scope="module")
def backbone():
    kernels = [
        np.random.default_rng(seed).normal(0, 0.3, (3, 3, *depth)) for seed, depth in enumerate([(3, 6), (6, 8)])
    ]
    layers = [
        convolution("conv1_pre_relu", "input", kernels[0].astype(np.float32), np.zeros(6, np.float32), stride=2),
        relu("conv1", "conv1_pre_relu"),
        convolution("conv2", "conv1", kernels[1].astype(np.float32), np.zeros(8, np.float32)),
    ]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)


def run(kind, size, backbone):
    if kind == "dream":
        pixels = np.random.default_rng(0).uniform(size=(*size, 3)).astype(np.float32)
        return dream(pixels, layer_l2("conv2"), backbone, DreamSettings(steps=2, octaves=2))
    return visualize_feature(channel("conv2", 3), backbone, FeatureSettings(style=kind, size=size, steps=2, octaves=1))


@pytest.mark.parametrize(
    ("kind", "rounds"),
    [
        ("dream", 2),
        *(pytest.param(kind, 10, marks=pytest.mark.long) for kind in ("dream", "laplacian", "fourier", "maco")),
    ],
)
def test_memory_is_flat_after_the_first_runs_of_each_size(backbone, kind, rounds):
    def run_all():
        for size in SIZES * rounds:
            assert [*run(kind, size, backbone)]

    assert growth(run_all) / (rounds * len(SIZES)) < FORGOTTEN


@pytest.mark.long
@pytest.mark.parametrize("kind", ["dream", "naive"])
def test_memory_is_flat_over_three_hundred_runs(backbone, kind):
    check_flat(lambda size: [*run(kind, size, backbone)], [*SIZES, (50, 70), (56, 48)])
